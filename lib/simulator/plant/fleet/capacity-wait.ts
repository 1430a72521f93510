/** How long a machine is waited for, drawn per start. */
import type { Random } from '../../../base/random.ts';

/** A distribution as data, so that it can be handed to another thread and written into a report. */
export type CapacityWait =
  | { readonly kind: 'recorded'; readonly cutSec: number | null }
  | { readonly kind: 'quantiles'; readonly p50Sec: number; readonly p95Sec: number };

/**
 * Created to scheduled of 4,263 GPU inference instances over 31 days: share of the waits, and the longest of these [s]. Half of them got a machine at once; the last
 * hundredth waited for hours. Source: the published trace of disaggregated recommendation serving (dlrm2025).
 */
const RECORDED: readonly (readonly [ratio: number, sec: number])[] = [
  [0.5, 0],
  [0.75, 42],
  [0.9, 116],
  [0.95, 370],
  [0.99, 9_764],
];

/** Longest wait of the presets that are cut [s]: nobody leaves a service short for longer without looking. */
export const CUT_SEC = 1_800;

/** z of 95 % of a normal distribution. */
const Z95 = 1.6448536269514722;
/** Of draws beyond any sense: ten times the 95th percentile. */
const TAIL_OVER_P95 = 10;

/** One wait [s], ≥ 0. Draws one number for `recorded`, two for quantiles. Quantiles: lognormal through both; with a median of 0 half of the waits are 0 and the others exponential. */
export function drawCapacityWaitSec(random: Random, wait: CapacityWait): number {
  if (wait.kind === 'recorded') return Math.min(recordedSec(random()), wait.cutSec ?? Infinity);
  const [one, other] = [random(), random()];
  const { p50Sec, p95Sec } = wait;
  if (p95Sec === 0) return 0;
  const drawn =
    p50Sec === 0
      ? // 95 % of all are 90 % of the half that waits.
        one < 0.5
        ? 0
        : (p95Sec * Math.log(1 - other)) / Math.log(0.1)
      : p50Sec * Math.exp((Math.log(p95Sec / p50Sec) / Z95) * normal(one, other));
  return Math.min(drawn, p95Sec * TAIL_OVER_P95);
}

/** Quantile of the recorded waits: between two of them evenly up to the first wait, evenly in the logarithm above; beyond the last one as long as it. */
function recordedSec(ratio: number): number {
  for (const [index, [toRatio, toSec]] of RECORDED.entries()) {
    if (ratio >= toRatio) continue;
    const [fromRatio, fromSec] = RECORDED[index - 1] ?? [0, 0];
    const share = (ratio - fromRatio) / (toRatio - fromRatio);
    return fromSec === 0 ? toSec * share : fromSec * (toSec / fromSec) ** share;
  }
  return RECORDED.at(-1)?.[1] ?? 0;
}

/** Box-Muller; 1 - one lies in (0, 1], so the logarithm is finite. */
function normal(one: number, other: number): number {
  return Math.sqrt(-2 * Math.log(1 - one)) * Math.cos(2 * Math.PI * other);
}

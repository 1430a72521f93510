/** The options of `penstock simulate` as they are typed, and what the texts among them mean. */
import { ConfigError } from '../../base/errors.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { baselines } from '../../simulator/baselines/index.ts';
import { CUT_SEC } from '../../simulator/plant/fleet/capacity-wait.ts';
import type { CapacityWait } from '../../simulator/plant/fleet/capacity-wait.ts';
import type { PeerNodes } from '../../simulator/replay/node-models.ts';
import type { ReplayOptions } from '../../simulator/replay/prepare.ts';
import type { RateUnit, TimeUnit } from '../../simulator/traces/contract.ts';

export type SimulateOptions = {
  readonly trace: string;
  readonly format: string;
  readonly policy?: string;
  readonly against: string;
  readonly tunePeers?: boolean;
  readonly replicaClass?: string;
  readonly leadTime: string;
  readonly leadTimeSigma: number;
  readonly capacityWait: string;
  readonly failedStarts: number;
  readonly peerNodes: PeerNodes;
  readonly warmStart?: number;
  readonly sweepRisk?: boolean;
  readonly sloWait: number;
  readonly scale: number;
  readonly overlay: number;
  readonly tick?: number;
  readonly seed: number;
  readonly engine?: 'fluid' | 'requests';
  readonly from?: string;
  readonly to?: string;
  readonly warmup: number;
  readonly lengths?: string;
  readonly maxReplicas?: number;
  readonly timeColumn?: string;
  readonly rateColumn?: string;
  readonly timeUnit?: TimeUnit;
  readonly rateUnit?: RateUnit;
  readonly skipBadLines?: boolean;
  readonly json?: string;
  readonly html?: string;
  readonly failIf?: readonly string[];
  readonly version: string;
};

/** From asked for to ready [s], by name: medians of `lib/simulator/plant` presets. */
const LEAD_TIME_PRESETS: Readonly<Record<string, number>> = {
  standby: 5,
  warm: 82,
  tuned: 145,
  large: 410,
  cold: 690,
};

const DAY_SEC = 86_400;

/** Waits for a machine by name: `recorded` is cut at half an hour, `recorded-uncut` has the hours of its last hundredth. */
const CAPACITY_WAITS: Readonly<Record<string, CapacityWait | null>> = {
  none: null,
  recorded: { kind: 'recorded', cutSec: CUT_SEC },
  'recorded-uncut': { kind: 'recorded', cutSec: null },
};

const TICK_SEC_MAX = 5;

/** From asked for to ready [s]: a number, or the name of a preset. Throws ConfigError. */
export function leadTimeOf(text: string): number {
  const preset = LEAD_TIME_PRESETS[text];
  if (preset !== undefined) return preset;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= DAY_SEC && text.trim() !== '') return seconds;
  throw new ConfigError(
    `Cannot use the lead time "${text}": expected seconds from 0 to ${DAY_SEC}, or one of ${Object.keys(LEAD_TIME_PRESETS).join(', ')}`,
  );
}

/** `none`, a preset, or `P50/P95` in seconds. */
export function capacityWaitOf(text: string): CapacityWait | null {
  if (Object.hasOwn(CAPACITY_WAITS, text)) return CAPACITY_WAITS[text] ?? null;
  const [p50Sec, p95Sec] = text.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const isPair = text.split('/').length === 2 && p50Sec !== undefined && p95Sec !== undefined;
  if (isPair && p50Sec >= 0 && p95Sec >= p50Sec && p95Sec <= DAY_SEC) return { kind: 'quantiles', p50Sec, p95Sec };
  throw new ConfigError(
    `Cannot use the capacity wait "${text}": expected P50/P95 in seconds (P50 at most P95, up to ${DAY_SEC}), or one of ${Object.keys(CAPACITY_WAITS).join(', ')}`,
  );
}

/** Seconds since the start of the trace, or an ISO time. */
export function timeOf(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Names of peers: all, none, or some with commas. */
export function peersOf(text: string): string[] {
  const known = Object.keys(baselines);
  if (text === 'none') return [];
  if (text === 'all') return known;
  // Unknown ones are refused by the replay.
  return [...new Set(text.split(',').map((name) => name.trim()))];
}

/** One limit for every policy: `--max-replicas`, else the policy file's; null: what the trace needs. */
export function limitsOf(max: number | undefined, policy: ScalingPolicy['spec'] | null): ReplayOptions['replicas'] {
  if (max === undefined) return policy === null ? null : { min: policy.replicas.min, max: policy.replicas.max };
  return { min: Math.min(policy?.replicas.min ?? 1, max), max };
}

/** Samples come every second with single requests. A fluid's ticks are at most half of what a request may wait: a burst of that length is seen. */
export function tickSecOf(engine: 'fluid' | 'requests', sloWaitSec: number): number {
  return engine === 'requests' ? 1 : Math.max(1, Math.min(TICK_SEC_MAX, Math.floor(sloWaitSec / 2)));
}

/** llm-d's workload-variant-autoscaler (saturation V2) as a baseline. It only publishes a wish: engine metrics → Prometheus →
 *  WVA → Prometheus → HPA → Deployment, every stage with a period and a phase of its own. */
import { boundsFromOne, phasesOf } from '../baseline-options.ts';
import type { Baseline, BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { HPA_DEFAULTS } from '../hpa/types.ts';
import type { HpaScalingRules } from '../hpa/types.ts';
import { makeHpa } from '../hpa/rule.ts';
import { wvaTuning, wvaWish } from './wish.ts';

/** All stages are due at multiples of this. */
const TICK_MS = 5_000;
/** Of Prometheus, WVA and the HPA alike. */
const STAGE_PERIOD_MS = 15_000;

export const wva: BaselineFactory = {
  name: 'wva',
  source:
    'llm-d/llm-d-workload-variant-autoscaler b08b1c77 (2026-02), saturation analyzer V2 with the cost-aware optimizer; applied by an HPA v2',
  settings: {
    thresholds: 'Defaults: kvCacheThreshold 0.8, queueLengthThreshold 5.',
    scaleUpThreshold:
      '0.25 of the tokens that a full replica holds (default 0.85). A batching server holds 85 % of them at 97 % of its rate and a quarter at 70 to 75 %: with the default the fleet shrinks until it is overloaded, on a constant load, too.',
    scaleDownBoundary: '0.15 (default 0.7), for the same reason: half to two thirds of the rate.',
    engine: 'max_num_seqs as the replica has it and 8192 batched tokens: WVA reads them from the Deployment.',
    interval: '15 s, the default since spring 2026 (the version of the rule polled every 30 s).',
    scrape: 'Prometheus every 15 s, both of the engines (maximum over one minute) and of the published wish.',
    hpa: 'AverageValue 1 on the wish, every 15 s, with its dead band of 10 %.',
    behavior: 'Up and down by 100 % per 15 s, as in the guide of llm-d.',
    upStabilizationSec: '0 s, as in the sample of WVA: with the 120 s of the guide it misses more.',
    downStabilizationSec: '120 s, as in that guide.',
    zero: 'Scale to zero is off, the default: at least one replica.',
  },
  grid: {
    scaleUpThreshold: [0.15, 0.25, 0.35, 0.5],
    scaleDownBoundary: [0.05, 0.15, 0.25],
    downStabilizationSec: [120, 600],
  },
  create(options) {
    const phase = phasesOf(options.seed, TICK_MS);
    const phases = { scrape: phase(STAGE_PERIOD_MS), wva: phase(STAGE_PERIOD_MS), hpa: phase(STAGE_PERIOD_MS) };
    const hpa = hpaOf(options);
    const wish = wvaWish(options);
    let startMs: number | null = null;
    let published: number | null = null;
    let scraped: { readonly atMs: number; readonly wished: number | null } | null = null;

    const decide: Baseline['decide'] = (view) => {
      startMs ??= view.nowMs;
      const elapsedMs = Math.round((view.nowMs - startMs) / TICK_MS) * TICK_MS;
      const isDue = (phaseMs: number) => elapsedMs % STAGE_PERIOD_MS === phaseMs;
      if (isDue(phases.scrape)) scraped = { atMs: view.nowMs, wished: published };
      if (isDue(phases.wva) && scraped) published = wish(view, scraped.atMs) ?? published;
      return isDue(phases.hpa) && scraped ? sync(hpa, { view, wished: scraped.wished }) : null;
    };
    return { periodMs: TICK_MS, phaseMs: phasesOf(options.seed + 1)(TICK_MS), decide };
  },
};

function hpaOf(options: BaselineOptions): ReturnType<typeof makeHpa> {
  const { min, max } = boundsFromOne(options);
  const { upStabilizationSec, downStabilizationSec } = wvaTuning(options);
  return makeHpa({
    ...HPA_DEFAULTS,
    minReplicas: min,
    maxReplicas: max,
    metrics: [{ type: 'externalAverageValue', targetMilli: 1000 }],
    behavior: { scaleUp: doubling(upStabilizationSec), scaleDown: doubling(downStabilizationSec) },
  });
}

function doubling(stabilizationSec: number): HpaScalingRules {
  const policies = [{ type: 'Percent', value: 100, periodMs: 15_000 }] as const;
  return { stabilizationWindowMs: stabilizationSec * 1000, selectPolicy: 'Max', policies, tolerance: null };
}

function sync(
  hpa: ReturnType<typeof makeHpa>,
  { view, wished }: { readonly view: PlantView; readonly wished: number | null },
): number {
  const reading = wished === null ? { error: true } : { valuesMilli: [wished * 1000] };
  const podCount = view.pods.length;
  const counts = { specReplicas: view.specReplicas, statusReplicas: podCount, podCount };
  return hpa.sync({ ...counts, readyReplicas: view.readyReplicas, metrics: [reading] }, view.nowMs).desiredReplicas;
}

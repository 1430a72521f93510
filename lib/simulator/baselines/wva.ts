/** llm-d's workload-variant-autoscaler (saturation V2) as a baseline. It only publishes a wish: engine metrics → Prometheus →
 *  WVA → Prometheus → HPA → Deployment, every stage with a period and a phase of its own. */
import { boundsFromOne, phasesOf } from './baseline-options.ts';
import type { Baseline, BaselineFactory, BaselineOptions, PlantView } from './contract.ts';
import { HPA_DEFAULTS } from './hpa-types.ts';
import type { HpaScalingRules } from './hpa-types.ts';
import { makeHpa } from './hpa-rule.ts';
import { wvaTuning, wvaWish } from './wva-wish.ts';

/** All stages are due at multiples of this. */
const TICK_MS = 5_000;
/** Of Prometheus, WVA and the HPA alike. */
const STAGE_PERIOD_MS = 15_000;

export const wva: BaselineFactory = {
  name: 'wva',
  source:
    'llm-d/llm-d-workload-variant-autoscaler b08b1c77 (2026-02), saturation analyzer V2 with the cost-aware optimizer; applied by an HPA v2',
  settings: {
    thresholds: 'Defaults: kvCacheThreshold 0.8, queueLengthThreshold 5, scaleUpThreshold 0.85, scaleDownBoundary 0.7.',
    engine: 'max_num_seqs as the replica has it and 8192 batched tokens: WVA reads them from the Deployment.',
    interval: '15 s, the default since spring 2026 (the version of the rule polled every 30 s).',
    scrape: 'Prometheus every 15 s, both of the engines (maximum over one minute) and of the published wish.',
    hpa: 'AverageValue 1 on the wish, every 15 s, with its dead band of 10 %.',
    behavior:
      'Up at once and 10 pods per 15 s as in the sample HPA; down after 240 s as in the Helm chart. The chart holds growth back for 240 s too, the sample shrinks at once: each is worse.',
    zero: 'Scale to zero is off, the default: at least one replica.',
  },
  grid: {
    scaleUpThreshold: [0.6, 0.7, 0.85, 0.95],
    scaleDownBoundary: [0.5, 0.6, 0.7],
    downStabilizationSec: [0, 120, 240, 600],
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
  return makeHpa({
    ...HPA_DEFAULTS,
    minReplicas: min,
    maxReplicas: max,
    metrics: [{ type: 'externalAverageValue', targetMilli: 1000 }],
    behavior: { scaleUp: tenPods(0), scaleDown: tenPods(wvaTuning(options).downStabilizationSec * 1000) },
  });
}

function tenPods(stabilizationWindowMs: number): HpaScalingRules {
  const policies = [{ type: 'Pods', value: 10, periodMs: 15_000 }] as const;
  return { stabilizationWindowMs, selectPolicy: 'Max', policies, tolerance: null };
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

/** Metrics by pod: which pods count, and what the ones without a sample are taken for. */
import type { HpaConfig, HpaInput, HpaPod, HpaReading } from './types.ts';

/** Usage to compare with the target: the ratio of the given pods, and what a pod without a sample is given. */
type Measure = {
  readonly ratio: (samples: ReadonlyMap<string, number>) => number;
  /** Usage of a pod without a sample when the others say scale down: so high that it is no reason to shrink. */
  readonly missingWhenLowMilli: number;
};

type Groups = {
  readonly readyCount: number;
  readonly unready: string[];
  readonly missing: string[];
  readonly ignored: string[];
};

/** Replicas by a metric that every pod has, or null when no pod has a usable sample.
 *  Pods without a sample, and pods that are not ready, damp a change and never turn it round. Source: HPA replica calculator (Kubernetes 1.37). */
export function replicasByPods(
  config: HpaConfig,
  request: {
    readonly input: HpaInput;
    readonly reading: HpaReading;
    readonly nowMs: number;
    readonly isCpu: boolean;
    readonly measure: Measure;
    readonly isWithin: (ratio: number) => boolean;
  },
): number | null {
  const { input, reading, measure, isWithin } = request;
  const pods = input.pods ?? [];
  if (pods.length === 0) return null;
  const samples = new Map(Object.entries(reading.podMilli ?? {}));
  const groups = groupPods(pods, (pod) => groupOf(pod, { ...request, config, hasSample: samples.has(pod.name) }));
  for (const name of [...groups.ignored, ...groups.unready]) samples.delete(name);
  if (samples.size === 0) return null;

  const ratio = measure.ratio(samples);
  const damped = groups.unready.length > 0 && ratio > 1;
  if (groups.missing.length === 0 && !damped) {
    return isWithin(ratio) ? input.specReplicas : Math.ceil(ratio * groups.readyCount);
  }
  if (ratio < 1) for (const name of groups.missing) samples.set(name, measure.missingWhenLowMilli);
  if (ratio > 1) for (const name of groups.missing) samples.set(name, 0);
  if (damped) for (const name of groups.unready) samples.set(name, 0);
  return dampedReplicas({ ratio, newRatio: measure.ratio(samples), count: samples.size }, { input, isWithin });
}

function dampedReplicas(
  ratios: { readonly ratio: number; readonly newRatio: number; readonly count: number },
  context: { readonly input: HpaInput; readonly isWithin: (ratio: number) => boolean },
): number {
  const { ratio, newRatio, count } = ratios;
  const current = context.input.specReplicas;
  const turned = (ratio < 1 && newRatio > 1) || (ratio > 1 && newRatio < 1);
  if (context.isWithin(newRatio) || turned) return current;
  const wanted = Math.ceil(newRatio * count);
  const against = (newRatio < 1 && wanted > current) || (newRatio > 1 && wanted < current);
  return against ? current : wanted;
}

/** Mean usage, cut to whole thousandths, over a target per pod. */
export function plainMeasure(targetMilli: number): Measure {
  return {
    ratio: (samples) => Math.trunc(sumOf(samples.values()) / samples.size) / targetMilli,
    missingWhenLowMilli: targetMilli,
  };
}

/** Usage in whole percent of what the pods request, over a target in percent. Pods that are gone have a sample but no request. */
export function utilizationMeasure(
  targetPercent: number,
  request: { readonly milliPerPod: number; readonly pods: readonly HpaPod[] },
): Measure {
  const known = new Set(request.pods.map((pod) => pod.name));
  return {
    ratio: (samples) => {
      const used = [...samples].filter(([name]) => known.has(name)).map(([, milli]) => milli);
      return Math.trunc((sumOf(used) * 100) / (used.length * request.milliPerPod)) / targetPercent;
    },
    missingWhenLowMilli: Math.trunc((request.milliPerPod * Math.max(100, targetPercent)) / 100),
  };
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function groupPods(pods: readonly HpaPod[], groupOfPod: (pod: HpaPod) => keyof Groups): Groups {
  const groups = { unready: [] as string[], missing: [] as string[], ignored: [] as string[] };
  let readyCount = 0;
  for (const pod of pods) {
    const group = groupOfPod(pod);
    if (group === 'readyCount') readyCount += 1;
    else groups[group].push(pod.name);
  }
  return { ...groups, readyCount };
}

type PodContext = {
  readonly config: HpaConfig;
  readonly reading: HpaReading;
  readonly nowMs: number;
  readonly isCpu: boolean;
  readonly hasSample: boolean;
};

function groupOf(pod: HpaPod, context: PodContext): keyof Groups {
  if (pod.deleting === true || pod.phase === 'Failed') return 'ignored';
  if (pod.phase === 'Pending') return 'unready';
  if (!context.hasSample) return 'missing';
  // Readiness is looked at for CPU alone: other metrics count a running pod whatever it says.
  return context.isCpu && isCpuUnready(pod, context) ? 'unready' : 'readyCount';
}

function isCpuUnready(pod: HpaPod, { config, reading, nowMs }: PodContext): boolean {
  const { ready, startTimeMs, readyTransitionMs } = pod;
  if (ready === undefined || ready === null || startTimeMs === undefined || startTimeMs === null) return true;
  const transitionMs = readyTransitionMs ?? 0;
  if (nowMs < startTimeMs + config.cpuInitializationPeriodMs) {
    // A sample that began before the pod was ready shows its start, not its work.
    return !ready || (reading.timestampMs ?? 0) < transitionMs + (reading.windowMs ?? 0);
  }
  return !ready && startTimeMs + config.initialReadinessDelayMs > transitionMs;
}

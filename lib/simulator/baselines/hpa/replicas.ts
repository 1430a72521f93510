/** Replicas one metric of an HPA asks for, before stabilization and limits. */
import { unreachable } from '../../../base/assert.ts';
import { plainMeasure, replicasByPods, utilizationMeasure } from './pods.ts';
import type { HpaConfig, HpaInput, HpaMetricSpec, HpaReading } from './types.ts';

const MAX_INT32 = 2_147_483_647;

/** Proposal of the metric at `index`, or null when it could not be read. Whole, ≥ 0.
 *  `nowMs` matters for CPU metrics only. Source: HPA replica calculator (Kubernetes 1.37). */
export function proposeReplicas(
  config: HpaConfig,
  sync: { readonly input: HpaInput; readonly index: number; readonly nowMs: number },
): number | null {
  const spec = config.metrics[sync.index];
  const reading = sync.input.metrics[sync.index];
  if (spec === undefined || reading === undefined || reading.error === true) return null;
  const { input, nowMs } = sync;
  const isWithin = toleranceOf(config);
  switch (spec.type) {
    case 'externalAverageValue':
    case 'objectAverageValue':
      return perReplica(input, { usageMilli: totalOf(reading), targetMilli: spec.targetMilli, isWithin });
    case 'externalValue':
    case 'objectValue':
      return inTotal(input, { ratio: totalOf(reading) / spec.targetMilli, isWithin });
    case 'podsAverageValue':
    case 'cpuAverageValue':
    case 'cpuUtilization': {
      const isCpu = spec.type !== 'podsAverageValue';
      const measure = measureOf(spec, { config, input });
      return replicasByPods(config, { input, reading, nowMs, isCpu, measure, isWithin });
    }
    default:
      return unreachable(spec);
  }
}

function measureOf(
  spec: HpaMetricSpec,
  context: { readonly config: HpaConfig; readonly input: HpaInput },
): ReturnType<typeof plainMeasure> {
  if (spec.type !== 'cpuUtilization') return plainMeasure(spec.targetMilli);
  const request = { milliPerPod: context.config.cpuRequestMilliPerPod ?? 0, pods: context.input.pods ?? [] };
  return utilizationMeasure(spec.targetUtilizationPercent, request);
}

/** Whether a ratio is so near to 1 that nothing changes; bounds inclusive. */
function toleranceOf(config: HpaConfig): (ratio: number) => boolean {
  const up = config.behavior?.scaleUp.tolerance ?? config.tolerance;
  const down = config.behavior?.scaleDown.tolerance ?? config.tolerance;
  return (ratio) => 1 - down <= ratio && ratio <= 1 + up;
}

function totalOf(reading: HpaReading): number {
  return (reading.valuesMilli ?? []).reduce((sum, value) => sum + value, 0);
}

type Within = { readonly isWithin: (ratio: number) => boolean };

/** Counts replicas by status, ready or not: pods that still load their model count fully. */
function perReplica(
  input: HpaInput,
  { usageMilli, targetMilli, isWithin }: { readonly usageMilli: number; readonly targetMilli: number } & Within,
): number {
  // With no replicas this is Infinity or NaN: never within the tolerance.
  const ratio = usageMilli / (targetMilli * input.statusReplicas);
  return isWithin(ratio) ? input.statusReplicas : Math.min(Math.ceil(usageMilli / targetMilli), MAX_INT32);
}

/** Counts ready pods; an error (null) when there should be some and the selector finds none. */
function inTotal(input: HpaInput, { ratio, isWithin }: { readonly ratio: number } & Within): number | null {
  if (input.specReplicas === 0) return Math.ceil(ratio);
  if (isWithin(ratio)) return input.specReplicas;
  return input.podCount === 0 ? null : Math.ceil(ratio * input.readyReplicas);
}

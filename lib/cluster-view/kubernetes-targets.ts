/** Targets as observations. */
import type { V1Deployment, V1Pod, V1StatefulSet } from '../clients/kubernetes-facade.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import type { GpuCounts, TargetObservation } from '../core/types.ts';
import { gpusOfPod } from './kubernetes-gpus.ts';
import { podObservation } from './kubernetes-pods.ts';

export type Workload = V1Deployment | V1StatefulSet;

/** What the cluster says of one target, whatever its kind. */
export type SeenTarget = {
  readonly replicas: number;
  readonly generation: number | undefined;
  readonly resourceVersion: string | undefined;
  readonly gpus: GpuCounts;
  readonly rolloutInProgress: boolean;
};

/** What a Deployment or StatefulSet says of itself. */
export function seenWorkload(object: Workload): SeenTarget {
  const { metadata, spec } = object;
  return {
    replicas: spec?.replicas ?? 1,
    generation: spec === undefined ? undefined : metadata?.generation,
    resourceVersion: metadata?.resourceVersion,
    gpus: gpusOfPod(spec?.template?.spec),
    rolloutInProgress: rolloutInProgress(object),
  };
}

/** One target. `ready` counts ready pods that are not being deleted. */
export function targetObservation(
  policy: ScalingPolicy,
  found: { readonly seen: SeenTarget; readonly pods: readonly V1Pod[]; readonly scaledBy: string | null },
): TargetObservation {
  const { replicas, generation, resourceVersion, gpus } = found.seen;
  if (generation === undefined || resourceVersion === undefined) {
    return { kind: 'missing', reason: 'the cluster answered without spec, generation or resourceVersion' };
  }
  const pods = found.pods.map(podObservation);
  return {
    kind: 'observed',
    replicas,
    ready: pods.filter((pod) => pod.ready && !pod.terminating).length,
    generation,
    resourceVersion,
    gpusPerReplica: policy.spec.gpusPerReplica ?? gpus,
    pods,
    rolloutInProgress: found.seen.rolloutInProgress,
    scaledBy: found.scaledBy,
  };
}

/** The controller has not seen the newest spec, or fewer pods are of the newest version than exist. */
function rolloutInProgress({ metadata, status }: Workload): boolean {
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return true;
  return (status?.updatedReplicas ?? 0) < (status?.replicas ?? 0);
}

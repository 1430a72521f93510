/** Targets as observations. */
import type { V1Deployment, V1Pod, V1StatefulSet } from '../clients/kubernetes/facade.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import { readyReplicas } from '../core/nodes/replica-pods.ts';
import type { GpuCounts, PodObservation, ReplicaShape, TargetObservation } from '../core/types.ts';
import { gpusOfPod } from './kubernetes-gpus.ts';
import { podObservation } from './kubernetes-pods.ts';

export type Workload = V1Deployment | V1StatefulSet;

/** What the cluster says of one target, whatever its kind. */
export type SeenTarget = {
  readonly replicas: number;
  readonly generation: number | undefined;
  readonly resourceVersion: string | undefined;
  /** All pods of a replica together. */
  readonly gpus: GpuCounts;
  /** Where a replica is several pods. */
  readonly replicaShape?: ReplicaShape;
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

/** Says of each pod of a LeaderWorkerSet in which group it is. */
const GROUP_INDEX_LABEL = 'leaderworkerset.sigs.k8s.io/group-index';

/** One target. `ready` counts replicas whose pods are ready and not being deleted. */
export function targetObservation(
  policy: ScalingPolicy,
  found: { readonly seen: SeenTarget; readonly pods: readonly V1Pod[]; readonly scaledBy: string | null },
): TargetObservation {
  const { replicas, generation, resourceVersion, gpus, replicaShape } = found.seen;
  if (generation === undefined || resourceVersion === undefined) {
    return { kind: 'missing', reason: 'the cluster answered without spec, generation or resourceVersion' };
  }
  const { podsPerReplica = replicaShape?.pods ?? 1, replicaLabel } = policy.spec.target;
  const pods = found.pods.map((pod) =>
    podsPerReplica === 1
      ? podObservation(pod)
      : { ...podObservation(pod), ...memberOf(pod, replicaLabel ?? GROUP_INDEX_LABEL) },
  );
  return {
    kind: 'observed',
    replicas,
    ready: readyReplicas(pods, podsPerReplica),
    generation,
    resourceVersion,
    gpusPerReplica: policy.spec.gpusPerReplica ?? gpus,
    ...(replicaShape === undefined ? {} : { replicaShape }),
    pods,
    rolloutInProgress: found.seen.rolloutInProgress,
    scaledBy: found.scaledBy,
  };
}

function memberOf(pod: V1Pod, label: string): Pick<PodObservation, 'replica' | 'withoutGpus'> {
  const replica = pod.metadata?.labels?.[label];
  const gpus = Object.values(gpusOfPod(pod.spec));
  return {
    ...(replica === undefined ? {} : { replica }),
    ...(gpus.some((count) => count > 0) ? {} : { withoutGpus: true as const }),
  };
}

/** The controller has not seen the newest spec, or fewer pods are of the newest version than exist. */
function rolloutInProgress({ metadata, status }: Workload): boolean {
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return true;
  return (status?.updatedReplicas ?? 0) < (status?.replicas ?? 0);
}

/** Replicas of several pods (a leader and its workers on several nodes): what one needs, and which pods make one. */
import type { PoolWorkload } from '../decide-types.ts';
import type { GpuCounts, PodObservation, ReplicaShape, TargetObservation } from '../types.ts';

type Seen = Pick<PoolWorkload, 'policy' | 'target'>;

/** What one replica is: the policy's word first, then what the object says, then one pod with all its GPUs. */
export function replicaShapeOf({ policy, target }: Seen): ReplicaShape {
  const seen = target.kind === 'observed' ? target.replicaShape : undefined;
  const pods = policy.spec.target.podsPerReplica ?? seen?.pods ?? 1;
  const gpus = policy.spec.gpusPerReplica ?? (target.kind === 'observed' ? target.gpusPerReplica : {});
  if (pods === 1) return { pods, gpuPods: 1, gpusPerPod: gpus };
  const asSeen = policy.spec.gpusPerReplica === undefined && seen?.pods === pods;
  return asSeen ? seen : { pods, gpuPods: pods, gpusPerPod: evenly(gpus, pods) };
}

/** All pods alike, none with a part of a GPU: rounded up. */
function evenly(gpus: GpuCounts, pods: number): GpuCounts {
  return Object.fromEntries(Object.entries(gpus).map(([name, count]) => [name, Math.ceil(count / pods)]));
}

/** Pods by the replica they are of; a pod that does not say so stands alone. In the order in which the replicas are first met. */
export function podsByReplica(pods: readonly PodObservation[]): readonly (readonly PodObservation[])[] {
  const groups = new Map<string, PodObservation[]>();
  for (const pod of pods) {
    const key = pod.replica === undefined ? `pod ${pod.name}` : `replica ${pod.replica}`;
    const others = groups.get(key);
    if (others === undefined) groups.set(key, [pod]);
    else others.push(pod);
  }
  return [...groups.values()];
}

/** Replicas whose pods are all there, ready, and not being deleted. Where pods do not say of which replica they are: as many as ready pods could make. */
export function readyReplicas(pods: readonly PodObservation[], podsPerReplica: number): number {
  if (podsPerReplica === 1) return pods.filter(isUp).length;
  const loose = pods.filter((pod) => pod.replica === undefined && isUp(pod)).length;
  const whole = podsByReplica(pods.filter((pod) => pod.replica !== undefined)).filter(
    (group) => group.length >= podsPerReplica && group.every(isUp),
  );
  return whole.length + Math.floor(loose / podsPerReplica);
}

function isUp(pod: PodObservation): boolean {
  return pod.ready && !pod.terminating;
}

type Held = { readonly shape: ReplicaShape; readonly leaving: ReadonlySet<string> };

/** Pods with GPUs that sit on a node that stays; ready replicas in pods where pods are not listed. */
export function heldPods(target: TargetObservation, of: Held): number {
  if (target.kind === 'missing') return 0;
  if (target.pods.length === 0) return target.ready * of.shape.gpuPods;
  return held(target.pods, of);
}

/** At how many held pods each replica that has only some of its own is whole again: those that miss least first. Empty when at most one is broken. */
export function brokenWholeAt(target: TargetObservation, of: Held): readonly number[] {
  const { gpuPods } = of.shape;
  if (target.kind === 'missing' || gpuPods === 1) return [];
  const missing = podsByReplica(target.pods.filter((pod) => pod.replica !== undefined))
    .map((pods) => Math.max(0, gpuPods - held(pods, of)))
    .filter((count) => count > 0 && count < gpuPods)
    .toSorted((a, b) => a - b);
  if (missing.length < 2) return [];
  let at = heldPods(target, of);
  return missing.map((count) => (at += count));
}

function held(pods: readonly PodObservation[], of: Held): number {
  return pods.filter(
    (pod) =>
      pod.nodeName !== null &&
      !pod.terminating &&
      !(pod.withoutGpus === true && of.shape.gpuPods < of.shape.pods) &&
      !of.leaving.has(pod.nodeName),
  ).length;
}

/** Each replica as one pod: there since its first pod, ready with its last, on the node that `nodeOf` chooses. Lone pods stay as they are. */
export function replicasAsPods(
  pods: readonly PodObservation[],
  of: { readonly podsPerReplica: number; readonly nodeOf: (pods: readonly PodObservation[]) => string | null },
): readonly PodObservation[] {
  if (of.podsPerReplica === 1) return pods;
  return podsByReplica(pods).flatMap((group): readonly PodObservation[] => {
    const [first] = group;
    if (first?.replica === undefined) return group;
    const whole = {
      ...first,
      name: `replica ${first.replica}`,
      nodeName: group.some((pod) => pod.nodeName === null) ? null : of.nodeOf(group),
      ready: group.length >= of.podsPerReplica && group.every((pod) => pod.ready),
      createdMs: Math.min(...group.map((pod) => pod.createdMs)),
      unschedulable: group.some((pod) => pod.unschedulable),
      terminating: group.some((pod) => pod.terminating),
    };
    return [whole];
  });
}

/** Which pods of a Deployment go first when it shrinks: the order of the real ReplicaSet controller. */
import type { PodRecord } from '../state/records.ts';

const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/** `pods` (none terminating) in the order in which they are deleted at `nowMs`:
 *  not placed, then Pending, then not Ready, then lower deletion cost, then more of the same Deployment on its node,
 *  then shorter Ready (in powers of two), then more restarts, then younger (in powers of two), ties by uid.
 *  Source: Kubernetes ReplicaSet controller, feature LogarithmicScaleDown on. */
export function deletionOrder(pods: Iterable<PodRecord>, nowMs: number): PodRecord[] {
  const list = [...pods];
  const perNode = new Map<string, number>();
  for (const { node } of list) if (node) perNode.set(node.name, (perNode.get(node.name) ?? 0) + 1);
  const ranks = new Map(list.map((pod) => [pod, rankOf(pod, { perNode, nowMs })]));
  return list.toSorted((a, b) => compareRanks(ranks.get(a) ?? [], ranks.get(b) ?? []) || (a.uid < b.uid ? -1 : 1));
}

type Context = { readonly perNode: ReadonlyMap<string, number>; readonly nowMs: number };

function rankOf(pod: PodRecord, context: Context): number[] {
  return [
    pod.node === undefined ? 0 : 1,
    pod.phase === 'Pending' ? 0 : 1,
    pod.ready ? 1 : 0,
    deletionCostOf(pod),
    pod.node === undefined ? 0 : -(context.perNode.get(pod.node.name) ?? 0),
    pod.ready ? logAge(context.nowMs - pod.readyChangedMs) : 0,
    -pod.restarts,
    logAge(context.nowMs - pod.createdMs),
  ];
}

/** The pod's deletion cost; 0 when absent or not a 32-bit integer. */
function deletionCostOf(pod: PodRecord): number {
  const text = pod.annotations[DELETION_COST_ANNOTATION] ?? '0';
  const cost = Number(text);
  return /^(0|-?[1-9]\d*)$/.test(text) && Math.abs(cost) < 2 ** 31 ? cost : 0;
}

// The controller takes the logarithm of nanoseconds; of times that have not passed yet, -1.
function logAge(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

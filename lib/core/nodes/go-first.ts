/** Which pods go first when a Deployment shrinks: so that whole nodes become free and not a hole on each, and little work is moved. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import type { NodeObservation, PodObservation } from '../types.ts';
import type { Moves } from './victims.ts';
import { ORDERED_KINDS } from '../target-names.ts';
import { leavingNodes, priceOf } from './groups.ts';
import type { GroupFacts } from './groups.ts';
import { areAll, podsByNode, workOf } from './pods-on.ts';
import type { PodOn } from './pods-on.ts';
import { podsByReplica, replicaShapeOf } from './replica-pods.ts';
import type { Supply } from './supply.ts';

/** Pods marked for one lowering: each costs a read and a write, and a step has 3 s. */
const MARKED_MAX = 20;

/**
 * Pod names by workload that gives up replicas: on nodes that leave anyway, then on the dearest nodes with the least work that can be emptied whole, then
 * those with the least work in flight where that is known. No more than go, and none of a kind that lets pods go by their number. `goingOf`: replicas that a workload gives up in this plan.
 */
export function goFirstOf(
  input: PoolInput,
  of: { readonly supply: Supply; readonly moves: Moves; readonly goingOf: (workload: PoolWorkload) => number },
): ReadonlyMap<string, readonly string[]> {
  const shrinking = input.workloads.flatMap((workload) => {
    const count = of.goingOf(workload);
    return count > 0 && !ORDERED_KINDS.has(workload.policy.spec.target.kind) ? [{ workload, count }] : [];
  });
  if (shrinking.length === 0) return new Map();
  // Of a replica of several pods one pod cannot go: its nodes are not emptied one by one.
  const left = new Map(
    shrinking.map(({ workload, count }) => [workload.policy.metadata.name, isOnePod(workload) ? count : 0]),
  );
  const nodes = emptiedNodes(input, { ...of, left });
  const leaving = leavingNodes(input);
  const named = shrinking.map(({ workload, count }) => {
    const first = isOnePod(workload)
      ? podsToGo(workload, nodes).slice(0, Math.min(count, MARKED_MAX))
      : replicasToGo(workload, { count, leaving });
    return [workload.policy.metadata.name, first] as const;
  });
  return new Map(named.filter(([, first]) => first.length > 0));
}

function isOnePod(workload: PoolWorkload): boolean {
  return replicaShapeOf(workload).pods === 1;
}

/** All pods of the replicas that go: those that lose a node anyway, then those with the least work in all their pods. */
function replicasToGo(
  { target, inFlightByPod }: PoolWorkload,
  of: { readonly count: number; readonly leaving: ReadonlySet<string> },
): readonly string[] {
  if (target.kind === 'missing') return [];
  const replicas = podsByReplica(target.pods.filter((pod) => pod.replica !== undefined && !pod.terminating)).map(
    (pods) => {
      const heard = pods.flatMap(({ name }) => inFlightByPod?.[name] ?? []);
      const isLeaving = pods.some(({ nodeName }) => nodeName !== null && of.leaving.has(nodeName));
      const work = heard.length === 0 ? Infinity : heard.reduce((sum, each) => sum + each, 0);
      return { names: pods.map(({ name }) => name), isLeaving, work };
    },
  );
  const first = replicas
    .filter(({ isLeaving, work }) => isLeaving || work < Infinity)
    .toSorted((a, b) => Number(b.isLeaving) - Number(a.isLeaving) || a.work - b.work)
    .slice(0, of.count);
  // Marked whole or not at all.
  let marked = 0;
  return first.flatMap(({ names }) => ((marked += names.length) <= MARKED_MAX ? names : []));
}

function podsToGo({ target, inFlightByPod }: PoolWorkload, nodes: readonly string[]): readonly string[] {
  if (target.kind === 'missing') return [];
  const rank = ({ nodeName }: PodObservation): number => {
    const index = nodes.indexOf(nodeName ?? '');
    return index === -1 ? nodes.length : index;
  };
  const workOn = ({ name }: PodObservation): number => inFlightByPod?.[name] ?? Infinity;
  return target.pods
    .filter((pod) => !pod.terminating && pod.nodeName !== null && (rank(pod) < nodes.length || workOn(pod) < Infinity))
    .toSorted((a, b) => rank(a) - rank(b) || workOn(a) - workOn(b) || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** Node names, in the order in which they shall be left. */
function emptiedNodes(
  input: PoolInput,
  of: { readonly supply: Supply; readonly moves: Moves; readonly left: Map<string, number> },
): readonly string[] {
  const moving = new Set([...of.moves.values()].flat().map((node) => node.name));
  const emptied = new Map<string, number>();
  const names: string[] = [];
  for (const { group, node, pods } of candidatesOf(of.supply, { on: podsByNode(input), moving })) {
    const count = emptied.get(group.name) ?? 0;
    const keep = Math.max(group.policy.spec.nodes.min, group.policy.spec.committedNodes);
    if (node.leaving === undefined && group.observed.desired - count <= keep) continue;
    if (!take(of.left, pods)) continue;
    emptied.set(group.name, count + 1);
    names.push(node.name);
  }
  return names;
}

type Candidate = { readonly group: GroupFacts; readonly node: NodeObservation; readonly pods: readonly PodOn[] };

function candidatesOf(
  supply: Supply,
  { on, moving }: { readonly on: ReturnType<typeof podsByNode>; readonly moving: ReadonlySet<string> },
): readonly Candidate[] {
  const candidates = [...supply.groups.values()].flatMap((group) =>
    group.observed.nodes.flatMap((node): Candidate[] => {
      const pods = on.get(node.name) ?? [];
      return areAll(node, pods) ? [{ group, node, pods }] : [];
    }),
  );
  const isLeaving = ({ node }: Candidate): number => Number(node.leaving !== undefined || moving.has(node.name));
  return candidates
    .map((candidate) => ({ candidate, price: priceOf(candidate.group.policy), work: workOf(candidate.pods) }))
    .toSorted(
      (a, b) =>
        isLeaving(b.candidate) - isLeaving(a.candidate) ||
        b.price - a.price ||
        a.candidate.pods.length - b.candidate.pods.length ||
        a.work - b.work ||
        (a.candidate.node.name < b.candidate.node.name ? -1 : 1),
    )
    .map(({ candidate }) => candidate);
}

/** All pods of the node, or none. */
function take(going: Map<string, number>, pods: readonly PodOn[]): boolean {
  const needed = new Map<string, number>();
  for (const { workload } of pods) {
    const { name } = workload.policy.metadata;
    needed.set(name, (needed.get(name) ?? 0) + 1);
  }
  if ([...needed].some(([name, count]) => count > (going.get(name) ?? 0))) return false;
  for (const [name, count] of needed) going.set(name, (going.get(name) ?? 0) - count);
  return true;
}

/** Pods of lower priority make room for one that fits nowhere, as the real scheduler lets them. */
import { violatesBudget } from './disruption-budgets.ts';
import { deletePod } from './pod-lifecycle.ts';
import type { NodeRecord, PodRecord } from '../state/records.ts';
import type { WorldState } from '../state/state.ts';

type Candidate = { readonly node: NodeRecord; readonly victims: readonly PodRecord[]; readonly violations: number };

/**
 * Deletes the pods that go for `pod`, within their grace, and keeps their place for it. None when its class never preempts, when those of an earlier attempt
 * are still going, or when no node would have room. `isFor`: nodes that would take it if they were empty.
 */
export function preempt(state: WorldState, pod: PodRecord, isFor: (node: NodeRecord) => boolean): readonly PodRecord[] {
  const { priority } = pod.deployment;
  if (!priority.preempts || pod.gpus === 0 || isAwaited(pod)) return [];
  pod.nominated = undefined;
  const candidates = [...state.nodes.values()].flatMap((node) =>
    isFor(node) ? (candidateOf(state, { pod, node }) ?? []) : [],
  );
  const [best] = candidates.toSorted(compare);
  if (best === undefined) return [];
  for (const other of state.pendingPods) {
    if (other.nominated === best.node && valueOf(other) < priority.value) other.nominated = undefined;
  }
  pod.nominated = best.node;
  for (const victim of best.victims) deletePod(state, victim);
  return best.victims;
}

/** Pods that were told to go for it have not gone yet. */
function isAwaited(pod: PodRecord): boolean {
  const { nominated } = pod;
  return (
    nominated !== undefined &&
    [...nominated.pods].some((one) => one.deletion !== undefined && valueOf(one) < valueOf(pod))
  );
}

/** The fewest pods of lower priority that must go: all would, then those stay that still fit, the most important first. */
function candidateOf(
  state: WorldState,
  { pod, node }: { readonly pod: PodRecord; readonly node: NodeRecord },
): Candidate | null {
  const lower = [...node.pods].filter((other) => valueOf(other) < valueOf(pod) && other.gpus > 0);
  const promised = [...state.pendingPods]
    .filter((other) => other !== pod && other.nominated === node && valueOf(other) >= valueOf(pod))
    .reduce((sum, other) => sum + other.gpus, 0);
  let free = node.gpusAllocatable - node.gpusUsed - promised + lower.reduce((sum, other) => sum + other.gpus, 0);
  if (free < pod.gpus || lower.length === 0) return null;
  const isGuarded = (other: PodRecord): boolean => violatesBudget(state, other);
  const victims: PodRecord[] = [];
  for (const other of lower.toSorted((a, b) => Number(isGuarded(b)) - Number(isGuarded(a)) || moreImportant(a, b))) {
    if (free - other.gpus >= pod.gpus) free -= other.gpus;
    else victims.push(other);
  }
  return { node, victims, violations: victims.filter(isGuarded).length };
}

/** Fewest broken budgets, least important victims, fewest of them, the youngest. */
function compare(a: Candidate, b: Candidate): number {
  const highest = ({ victims }: Candidate): number => Math.max(...victims.map(valueOf));
  const sum = ({ victims }: Candidate): number => victims.reduce((all, victim) => all + valueOf(victim) + 2 ** 31, 0);
  const started = ({ victims }: Candidate): number => Math.min(...victims.map((victim) => victim.scheduledMs ?? 0));
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    started(b) - started(a)
  );
}

function moreImportant(a: PodRecord, b: PodRecord): number {
  return valueOf(b) - valueOf(a) || (a.scheduledMs ?? 0) - (b.scheduledMs ?? 0);
}

function valueOf(pod: PodRecord): number {
  return pod.deployment.priority.value;
}

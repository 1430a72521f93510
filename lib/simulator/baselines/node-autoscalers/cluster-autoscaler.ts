/** Kubernetes' Cluster Autoscaler: when it asks for a pending GPU pod's node, and when an empty node goes. */
import { phasesOf } from '../baseline-options.ts';
import type { EmptyNode, NodeReaction, NodeReactionOptions, PendingPod } from './contract.ts';

const SCAN_INTERVAL_MS = 10_000;
/** Nothing is asked for while the oldest pending GPU pod is younger. */
const GPU_POD_AGE_MS = 30_000;
const UNNEEDED_MS = 600_000;
const DELAY_AFTER_ADD_MS = 600_000;
/** Empty nodes that go in one loop. */
const PARALLEL_REMOVALS = 10;
/** Between the taint and the deletion. */
const DELETE_DELAY_MS = 5_000;

/** With the flags' defaults. Loops take no time here; in a real cluster they add seconds. */
export function clusterAutoscaler({ seed }: NodeReactionOptions): NodeReaction {
  const phaseMs = phasesOf(seed)(SCAN_INTERVAL_MS);
  const scanAtOrAfter = (atMs: number) => Math.ceil((atMs - phaseMs) / SCAN_INTERVAL_MS) * SCAN_INTERVAL_MS + phaseMs;
  return {
    source:
      'kubernetes-sigs/cluster-autoscaler 33c3f97b (2026-08): static_autoscaler.go, loop/trigger.go, scaledown/planner',
    settings: {
      scanInterval: '10 s; a pod that becomes unschedulable starts a loop at once, and the interval counts from there.',
      gpuPodAge: 'GPU pods wait until the oldest of them is 30 s old (built in).',
      unneededTime: '10 min empty, counted from the first loop that saw it.',
      delayAfterAdd: '10 min after any node was asked for, nothing is removed in the whole cluster.',
      removal: 'Ten empty nodes in a loop, 5 s after their taint.',
    },
    upDelayMs: (pod) => askedAtMs(pod) - pod.pendingSinceMs,
    emptyNodeLifetimeMs: (node) => removedAtMs(node, scanAtOrAfter) - node.emptySinceMs,
  };
}

/** Pods that are pending together are served by the first loop in which the oldest is old enough; later ones start a new group. */
function askedAtMs({ pendingSinceMs, othersPendingSinceMs = [] }: PendingPod): number {
  const times = [...othersPendingSinceMs, pendingSinceMs].toSorted((left, right) => left - right);
  let oldestMs = times[0] ?? pendingSinceMs;
  for (;;) {
    const loopMs = firstLoopAtOrAfter(oldestMs + GPU_POD_AGE_MS, { times, fromMs: oldestMs });
    if (pendingSinceMs <= loopMs) return loopMs;
    // Always found, and later: `pendingSinceMs` itself is one of them.
    oldestMs = times.find((atMs) => atMs > loopMs) ?? pendingSinceMs;
  }
}

/** Loops run whenever a pod becomes pending, and every interval after the last one. */
function firstLoopAtOrAfter(
  dueMs: number,
  { times, fromMs }: { readonly times: readonly number[]; readonly fromMs: number },
): number {
  const lastTriggerMs = times.findLast((atMs) => atMs <= dueMs) ?? fromMs;
  const timerMs = lastTriggerMs + Math.ceil((dueMs - lastTriggerMs) / SCAN_INTERVAL_MS) * SCAN_INTERVAL_MS;
  return Math.min(timerMs, times.find((atMs) => atMs >= dueMs) ?? timerMs);
}

function removedAtMs(node: EmptyNode, scanAtOrAfter: (atMs: number) => number): number {
  const unneededSinceMs = scanAtOrAfter(node.emptySinceMs);
  const calmSinceMs = (node.lastScaleUpMs ?? Number.NEGATIVE_INFINITY) + DELAY_AFTER_ADD_MS;
  const scanMs = scanAtOrAfter(Math.max(unneededSinceMs + UNNEEDED_MS, calmSinceMs));
  const loopsBefore = Math.floor(node.emptyBeforeCount / PARALLEL_REMOVALS);
  return scanMs + loopsBefore * SCAN_INTERVAL_MS + DELETE_DELAY_MS;
}

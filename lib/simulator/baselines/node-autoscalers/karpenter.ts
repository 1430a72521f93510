/** Karpenter: when it asks for a pending pod's node, and when an empty node goes. */
import { phasesOf } from '../baseline-options.ts';
import type { EmptyNode, NodeReaction, NodeReactionOptions, PendingPod } from './contract.ts';

const BATCH_IDLE_MS = 1_000;
const BATCH_MAX_MS = 10_000;
const DISRUPTION_POLL_MS = 10_000;
/** A removal is looked at again after this. */
const VALIDATION_MS = 15_000;
/** Share of a pool's nodes that may be disrupted at once, rounded up. */
const BUDGET_RATIO = 0.1;

/** With the options' and the API's defaults. Solving takes no time here. */
export function karpenter({ seed, consolidateAfterMs = 0 }: NodeReactionOptions): NodeReaction {
  const phaseMs = phasesOf(seed)(DISRUPTION_POLL_MS);
  const pollAtOrAfter = (atMs: number) =>
    Math.ceil((atMs - phaseMs) / DISRUPTION_POLL_MS) * DISRUPTION_POLL_MS + phaseMs;
  return {
    source:
      'kubernetes-sigs/karpenter 22664681 (2026-08): provisioning/batcher.go, disruption/{controller,emptiness,consolidation}.go',
    settings: {
      batch: 'A window opens with the first pending pod and closes after 1 s without another, or after 10 s.',
      consolidateAfter: `${consolidateAfterMs / 1000} s (API default 0 s); policy WhenEmptyOrUnderutilized.`,
      disruption: 'A pass every 10 s, and 15 s until a removal is confirmed.',
      budget: '10 % of the pool in one pass, rounded up; the time in which removed nodes still count is not modelled.',
    },
    upDelayMs: (pod) => batchClosedAtMs(pod) - pod.pendingSinceMs,
    emptyNodeLifetimeMs: (node) => {
      const firstPollMs = pollAtOrAfter(node.emptySinceMs + consolidateAfterMs);
      return (
        firstPollMs + passesBefore(node) * (DISRUPTION_POLL_MS + VALIDATION_MS) + VALIDATION_MS - node.emptySinceMs
      );
    },
  };
}

/** The end of the batch a pod falls into. */
function batchClosedAtMs({ pendingSinceMs, othersPendingSinceMs = [] }: PendingPod): number {
  let openedMs = Number.NEGATIVE_INFINITY;
  let closesMs = Number.NEGATIVE_INFINITY;
  for (const atMs of [...othersPendingSinceMs, pendingSinceMs].toSorted((left, right) => left - right)) {
    if (atMs > closesMs) {
      if (pendingSinceMs <= closesMs) break;
      openedMs = atMs;
    }
    closesMs = Math.min(atMs + BATCH_IDLE_MS, openedMs + BATCH_MAX_MS);
  }
  return closesMs;
}

function passesBefore({ nodeCount, emptyBeforeCount }: EmptyNode): number {
  const budget = Math.max(1, Math.ceil(BUDGET_RATIO * nodeCount));
  return Math.floor(emptyBeforeCount / budget);
}

/** AIBrix's guard against asking again for replicas that are still starting (pull request 2671, 2026-09): for metrics that every pod has. */

/** A proposal of the strategy, with the metric it came from: `value` is its mean over the stable window, per pod, with `target` for it. */
export type GuardedProposal = {
  readonly replicas: number;
  readonly value: number;
  readonly target: number;
  readonly currentReplicas: number;
  readonly readyReplicas: number;
};

/** The proposal, or less of a change while replicas are pending: never the other way round, never more. Whole replicas, rounded up. */
export function guardPending(strategy: 'KPA' | 'APA', proposal: GuardedProposal): number {
  const { replicas, value, target, currentReplicas: current } = proposal;
  const ready = Math.min(Math.max(0, proposal.readyReplicas), current);
  const pending = current - ready;
  if (pending <= 0 || current <= 0 || target <= 0 || replicas === current) return replicas;
  if (replicas > current) {
    const adjusted = (value * ready) / current;
    const wanted = Math.ceil((strategy === 'APA' ? current * adjusted : adjusted) / target);
    return Math.min(Math.max(wanted, current), replicas);
  }
  const adjusted = value * ready + target * pending;
  return Math.max(Math.min(Math.ceil(adjusted / target), current), replicas);
}

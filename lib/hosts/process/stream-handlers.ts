/** What the process host answers to its consumer. */
import type { LoopDeps } from '../../loop/deps.ts';
import { ingest, startOffset } from '../../loop/ingest/ingest.ts';
import { reportSkipped } from '../../loop/skipped-range.ts';
import type { ConsumerHandlers } from '../../stream/contract.ts';
import { topicPartition } from '../../stream/contract.ts';

/**
 * Batches go to ingest; `touch` hears of every workload they touched. A partition that the state store knows nothing of begins one lookback ago, whatever
 * the group has committed: the store is new, or was emptied, and windows are filled again from Kafka. `onForgotten`: a store that is not new has lost the
 * progress of a partition without the connection having failed (FLUSHALL, a failover behind a proxy). Nothing is applied until partitions were placed anew.
 */
export function streamHandlers(
  deps: LoopDeps,
  on: { touch(workloads: readonly string[], triggerMs: number): void; onForgotten(): void },
): ConsumerHandlers {
  /** Partitions whose progress was written by this process. */
  const written = new Set<string>();
  return {
    onBatch: async (batch) => {
      const id = topicPartition(batch);
      if (written.has(id) && (await startOffset(deps, batch)) === undefined) {
        written.clear();
        on.onForgotten();
        return { retryFromOffset: batch.records[0]?.offset ?? 0 };
      }
      const outcome = await ingest(deps, [batch]);
      for (const [workload, triggerMs] of outcome.triggers) on.touch([workload], triggerMs);
      const answer = outcome.answers.get(id) ?? {};
      if (answer.retryFromOffset === undefined) written.add(id);
      return answer;
    },
    startOffset: async (partition) => (await startOffset(deps, partition)) ?? 'lookback',
    onSkipped: (range) => reportSkipped(deps, range),
  };
}

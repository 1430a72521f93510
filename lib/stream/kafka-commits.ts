/** Commits of several partitions in one request, one request at a time. */
import type { Clock } from '../base/clock.ts';
import { keyOf, type PartitionId } from './positions.ts';

export type Commits = {
  /** Everything below `offset` of this partition is done. */
  mark(partition: PartitionId, offset: number): void;
  /** Resolves when all that was marked is committed, was given up, or `waitMs` are over. Never rejects. */
  settle(waitMs: number): Promise<void>;
};

export type CommitRequest = readonly (PartitionId & { readonly offset: string })[];

/**
 * Collects marks and sends them. A commit that fails is given up: either a newer one follows, or the partition is about to move and its next
 * owner begins at an older commit, which is delivery twice, never a loss.
 */
export function collectCommits(
  send: (offsets: CommitRequest) => Promise<void>,
  { clock, onFailure }: { readonly clock: Clock; readonly onFailure: (error: unknown) => void },
): Commits {
  const marked = new Map<string, PartitionId & { readonly offset: string }>();
  let sending: Promise<void> | null = null;

  const sendAll = async (): Promise<void> => {
    while (marked.size > 0) {
      const offsets = [...marked.values()];
      marked.clear();
      try {
        await send(offsets);
      } catch (error) {
        onFailure(error);
      }
    }
    sending = null;
  };

  return {
    mark: ({ topic, partition }, offset) => {
      marked.set(keyOf({ topic, partition }), { topic, partition, offset: String(offset) });
      // A turn later, so that partitions that finish together share a request.
      sending ??= Promise.resolve().then(sendAll);
    },
    settle: async (waitMs) => {
      if (sending === null) return;
      const enough = new AbortController();
      await Promise.race([sending, clock.sleep(waitMs, enough.signal)]);
      enough.abort();
    },
  };
}

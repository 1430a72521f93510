/**
 * State stores of a replay: the rules of `lib/state/memory.ts`, without its text. Stages and core treat what they read as read-only, so a document is kept as the object it
 * is; a week of evaluations would otherwise spend a third of its time on writing and parsing JSON that nobody else sees.
 */
import type { Documents, StateStores } from '../../state/contract.ts';
import { memoryStateStores } from '../../state/memory.ts';
import type { ScalingDecision } from '../../core/types.ts';

/** Stores of one run. Nobody reads its ledger and its outbox: a recorded decision goes to `onDecision`, messages for Kafka go nowhere. */
export function replayStores(onDecision: (decision: ScalingDecision) => void = () => {}): StateStores {
  let writes = 0;
  const nextVersion = (): string => String(++writes);
  return {
    ...memoryStateStores(),
    progress: sharedDocuments(nextVersion),
    plans: sharedDocuments(nextVersion),
    snapshots: sharedDocuments(nextVersion),
    alerts: sharedDocuments(nextVersion),
    control: sharedDocuments(nextVersion),
    actuation: sharedDocuments(nextVersion),
    ledger: {
      record: async (decision) => onDecision(decision),
      latest: async () => [],
      find: async () => undefined,
    },
    outbox: { put: async () => {}, peek: async () => [], acknowledge: async () => {}, size: async () => 0 },
  };
}

/** Compare-and-set over objects that nobody changes. */
function sharedDocuments<T>(nextVersion: () => string): Documents<T> {
  const stored = new Map<string, { readonly value: T; readonly version: string }>();
  return {
    read: async (id) => stored.get(id),
    readMany: async (ids) => {
      const found = new Map<string, { readonly value: T; readonly version: string }>();
      for (const id of ids) {
        const document = stored.get(id);
        if (document !== undefined) found.set(id, document);
      }
      return found;
    },
    compareAndSet: async (id, value, expected) => {
      if (stored.get(id)?.version !== expected) return false;
      stored.set(id, { value, version: nextVersion() });
      return true;
    },
    remove: async (id) => void stored.delete(id),
  };
}

/** State in memory, for tests and the simulator: the same rules, gone with the process. */
import { ConflictError } from '../base/errors.ts';
import type { Plan, ScalingDecision, Snapshot } from '../core/types.ts';
import type { LoadWindow } from '../core/window/load-window.ts';
import {
  type ActuationRecord,
  type AlertBook,
  APPLY_ATTEMPTS_MAX,
  type DecisionLedger,
  type Documents,
  LEDGER_LENGTH_MAX,
  type LoadState,
  type Outbox,
  OUTBOX_LENGTH_MAX,
  type OutboxMessage,
  type Pauses,
  type Progress,
  type StateStores,
} from './contract.ts';
import { outboxFull } from './outbox-full.ts';
import { versionSource } from './versions.ts';

/** Stores that share nothing with any other. */
export function memoryStateStores(): StateStores {
  const nextVersion = versionSource();
  return {
    load: memoryLoad(),
    progress: memoryDocuments<Progress>(nextVersion),
    plans: memoryDocuments<Plan>(nextVersion),
    snapshots: memoryDocuments<Snapshot>(nextVersion),
    alerts: memoryDocuments<AlertBook>(nextVersion),
    control: memoryDocuments<unknown>(nextVersion),
    actuation: memoryDocuments<ActuationRecord>(nextVersion),
    pauses: memoryDocuments<Pauses>(nextVersion),
    ledger: memoryLedger(),
    outbox: memoryOutbox(),
    ping: async () => 0,
    onReconnect: () => () => {},
    close: async () => {},
  };
}

function memoryLoad(): LoadState {
  const windows = new Map<string, LoadWindow>();
  return {
    readMany: async (workloads) => {
      const found = new Map<string, LoadWindow>();
      for (const workload of workloads) {
        const window = windows.get(workload);
        if (window !== undefined) found.set(workload, window);
      }
      return found;
    },
    apply: async (workload, fold) => {
      for (let attempt = 0; attempt < APPLY_ATTEMPTS_MAX; attempt++) {
        const stored = windows.get(workload);
        const { window, result } = fold(stored);
        // Lost only when the fold itself wrote, which a test may do.
        if (windows.get(workload) !== stored) continue;
        windows.set(workload, window);
        return result;
      }
      throw new ConflictError(
        `Cannot apply "${workload}": expected to win one of ${APPLY_ATTEMPTS_MAX} races, current value is 0`,
      );
    },
    forgetCache: () => {},
  };
}

/** Kept as JSON text: nobody shares an object with a store. */
function memoryDocuments<T>(nextVersion: () => string): Documents<T> {
  const stored = new Map<string, { readonly text: string; readonly version: string }>();
  const read: Documents<T>['read'] = async (id) => {
    const document = stored.get(id);
    return document === undefined ? undefined : { value: JSON.parse(document.text) as T, version: document.version };
  };
  return {
    read,
    readMany: async (ids) => {
      const found = new Map<string, { value: T; version: string }>();
      for (const id of ids) {
        const document = await read(id);
        if (document !== undefined) found.set(id, document);
      }
      return found;
    },
    compareAndSet: async (id, value, expected) => {
      if (stored.get(id)?.version !== expected) return false;
      stored.set(id, { text: JSON.stringify(value), version: nextVersion() });
      return true;
    },
    remove: async (id) => void stored.delete(id),
  };
}

function memoryLedger(): DecisionLedger {
  const byWorkload = new Map<string, ScalingDecision[]>();
  return {
    record: async (decision) => {
      const list = [structuredClone(decision), ...(byWorkload.get(decision.workload) ?? [])];
      byWorkload.set(decision.workload, list.slice(0, LEDGER_LENGTH_MAX));
    },
    latest: async (workload, count) => structuredClone((byWorkload.get(workload) ?? []).slice(0, Math.max(0, count))),
    find: async (id) => {
      for (const list of byWorkload.values()) {
        const found = list.find((decision) => decision.id === id);
        if (found !== undefined) return structuredClone(found);
      }
      return undefined;
    },
  };
}

function memoryOutbox(): Outbox {
  const waiting = new Map<string, OutboxMessage>();
  let count = 0;
  return {
    put: async (messages) => {
      if (waiting.size + messages.length > OUTBOX_LENGTH_MAX) throw outboxFull(messages.length);
      for (const message of messages) waiting.set(String(count++), structuredClone(message));
    },
    peek: async (length) => [...waiting].slice(0, length).map(([id, message]) => ({ id, message })),
    acknowledge: async (ids) => {
      for (const id of ids) waiting.delete(id);
    },
    size: async () => waiting.size,
  };
}

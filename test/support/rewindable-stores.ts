/** Stores in memory that can lose their tail: every write is remembered, and a rewind plays them up to a time into new ones. */
import type { Clock } from '../../lib/base/clock.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import type { Documents, StateStores } from '../../lib/state/contract.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';

export type RewindableStores = StateStores & {
  /** Everything written in the last `ms` was never written; whoever listens for reconnects is told. */
  loseTail(ms: number): Promise<void>;
};

type Write = { readonly atMs: number; readonly again: (stores: StateStores) => Promise<unknown> };

const DOCUMENTS = ['progress', 'plans', 'snapshots', 'alerts', 'control', 'actuation'] as const;

/** Ledger and outbox are kept: they tell, they decide nothing. */
export function rewindableStores(clock: Clock): RewindableStores {
  let inner = memoryStateStores();
  let writes: Write[] = [];
  const kept = inner;
  const listeners = new Set<() => void>();
  const remember = (again: Write['again']): void => void writes.push({ atMs: clock.nowMs(), again });

  const documentsOf = <T>(of: (stores: StateStores) => Documents<T>): Documents<T> => ({
    read: (id) => of(inner).read(id),
    readMany: (ids) => of(inner).readMany(ids),
    compareAndSet: async (id, value, expected) => {
      const isWritten = await of(inner).compareAndSet(id, value, expected);
      if (isWritten) {
        const text = JSON.stringify(value);
        remember(async (stores) => {
          const before = await of(stores).read(id);
          await of(stores).compareAndSet(id, JSON.parse(text) as T, before?.version);
        });
      }
      return isWritten;
    },
    remove: async (id) => {
      await of(inner).remove(id);
      remember((stores) => of(stores).remove(id));
    },
  });
  const documents = Object.fromEntries(
    DOCUMENTS.map((name) => [name, documentsOf((stores) => stores[name] as Documents<unknown>)]),
  ) as unknown as Pick<StateStores, (typeof DOCUMENTS)[number]>;

  return {
    ...kept,
    ...documents,
    load: {
      readMany: (workloads) => inner.load.readMany(workloads),
      apply: async (workload, fold) => {
        let written: LoadWindow | undefined;
        const result = await inner.load.apply(workload, (window) => {
          const folded = fold(window);
          written = folded.window;
          return folded;
        });
        const window = written;
        if (window !== undefined)
          remember((stores) => stores.load.apply(workload, () => ({ window, result: undefined })));
        return result;
      },
      forgetCache: () => {},
    },
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    loseTail: async (ms) => {
      const fromMs = clock.nowMs() - ms;
      writes = writes.filter((write) => write.atMs < fromMs);
      const fresh = memoryStateStores();
      for (const write of writes) await write.again(fresh);
      inner = fresh;
      for (const listener of listeners) listener();
    },
  };
}

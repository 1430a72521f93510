/** Collections by what they are: made when they are first asked for, shared, closed when nobody asks any more. */
import { TransientError } from '../../base/errors.ts';
import { WatchedCollection } from './collection.ts';
import type { CollectionOptions, Seen, WatchDeps } from './collection.ts';

/** The id stands for what is in it: the same id, the same type. */
export type Wanted<T> = { readonly id: string; readonly make: () => CollectionOptions<T> };

export type Collections = {
  /** As `read` of the collection; TransientError once they are closed. */
  read<T>(wanted: Wanted<T>): Promise<Seen<T>>;
  /** Closes what nobody has asked for lately; `read` does it, too. */
  tidy(): void;
  close(): Promise<void>;
};

/** What nobody asks for any more is not watched any longer after so long [ms]. */
const UNUSED_MS_MAX = 300_000;

/** None yet. */
export function collections(deps: WatchDeps): Collections {
  const all = new Map<string, { readonly collection: WatchedCollection<unknown>; readMs: number }>();
  let isClosed = false;
  const tidy = (): void => {
    const nowMs = deps.clock.monotonicMs();
    for (const [id, { collection, readMs }] of all) {
      if (nowMs - readMs < UNUSED_MS_MAX) continue;
      all.delete(id);
      void collection.close();
    }
  };
  return {
    read: async <T>({ id, make }: Wanted<T>): Promise<Seen<T>> => {
      // Who was asked just before must not open what nobody would close again.
      if (isClosed) throw new TransientError(`Cannot see "${id}": expected it to be open, current value is closed`);
      const readMs = deps.clock.monotonicMs();
      const known = all.get(id) ?? { collection: new WatchedCollection<unknown>(deps, make()), readMs };
      all.set(id, known);
      known.readMs = readMs;
      tidy();
      return (await known.collection.read()) as Seen<T>;
    },
    tidy,
    close: async () => {
      isClosed = true;
      await Promise.all([...all.values()].map(({ collection }) => collection.close()));
    },
  };
}

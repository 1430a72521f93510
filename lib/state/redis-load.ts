/**
 * Load windows in Redis: one hash per workload, one command per write.
 *
 * A write says which version it was made from; when the hash has another one by now, nothing is written and the fold is made again from what is
 * stored. Offsets are inside, so a write whose answer got lost is found by reading: its records are duplicates then.
 */
import { ConflictError, TransientError } from '../base/errors.ts';
import { decodeWindow, EMPTIED_FIELDS, encodeWindow } from '../core/window/codec.ts';
import type { LoadWindow } from '../core/window/load-window.ts';
import { APPLY_ATTEMPTS_MAX, type LoadState } from './contract.ts';
import type { RedisParts } from './redis-parts.ts';
import { RecentMap } from './recent.ts';
import { call, runScript, script } from './redis-call.ts';
import { turns } from './turns.ts';
import { versionSource } from './versions.ts';

/** Windows kept decoded in this process: about 60 KB each when the ring is full. */
const CACHED_WINDOWS_MAX = 2_000;

/** KEYS: the hash. ARGV: expected version (empty: none), then field, value … (the new version among them). One HSET: a cut append-only file can't tear it. */
const APPLY = script(`
local version = redis.call('HGET', KEYS[1], 'v')
if (version or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
`);

/** `window` undefined: nothing (readable) is stored. `version` empty: no hash. `isOfBefore`: of an older format, so that all fields must be written anew. */
type Entry = { readonly version: string; readonly window: LoadWindow | undefined; readonly isOfBefore?: true };

/** Longest pause after the first lost race [ms], doubled with each: about two round trips, and a quarter of a second after seven. */
const LOST_RACE_MS = 2;

export function redisLoad(parts: RedisParts): LoadState {
  const cache = new RecentMap<Entry>(CACHED_WINDOWS_MAX);
  const inTurn = turns();
  const nextVersion = versionSource();
  const keyOf = (workload: string): string => `${parts.prefix}load:${workload}`;

  const readStored = async (workload: string): Promise<Entry> => {
    const fields = await call({ act: 'read', of: workload }, () => parts.client.hgetall(keyOf(workload)));
    const entry = entryOf(workload, fields, parts);
    cache.set(workload, entry);
    return entry;
  };

  const isCurrent = async (workload: string, entry: Entry): Promise<boolean> => {
    const version = await call({ act: 'read', of: workload }, () => parts.client.hget(keyOf(workload), 'v'));
    return (version ?? '') === entry.version;
  };

  const readCurrent = async (workload: string): Promise<readonly [string, LoadWindow | undefined]> => {
    const cached = cache.get(workload);
    const entry = cached !== undefined && (await isCurrent(workload, cached)) ? cached : await readStored(workload);
    return [workload, entry.window];
  };

  /** False when another writer was faster. */
  const write = async (workload: string, entry: Entry, window: LoadWindow): Promise<boolean> => {
    const version = nextVersion();
    const args = [entry.version, 'v', version];
    const fields = fieldsOf(window, entry);
    for (const name in fields) args.push(name, fields[name] ?? '');
    // Until the answer is here nobody knows what is stored.
    cache.delete(workload);
    const written = await call({ act: 'apply', of: workload }, () =>
      runScript(parts.client, { script: APPLY, key: keyOf(workload), args }),
    );
    if (written === 1) cache.set(workload, { version, window });
    return written === 1;
  };

  return {
    readMany: async (workloads) => {
      const windows = new Map<string, LoadWindow>();
      for (const [workload, window] of await Promise.all(workloads.map(readCurrent))) {
        if (window !== undefined) windows.set(workload, window);
      }
      return windows;
    },

    apply: (workload, fold) =>
      inTurn(workload, async () => {
        let entry = cache.get(workload);
        for (let attempt = 0; attempt < APPLY_ATTEMPTS_MAX; attempt++) {
          const isFresh = entry === undefined;
          entry ??= await readStored(workload);
          const { window, result } = fold(entry.window);
          if (window !== entry.window) {
            if (await write(workload, entry, window)) return result;
          } else if (isFresh || (await isCurrent(workload, entry))) {
            // Nothing new in a remembered window counts only while that window is stored: Redis may have lost it.
            return result;
          }
          parts.metrics.count('state_apply_conflicts_total');
          entry = undefined;
          // Two writers in lockstep would go on losing to each other.
          await parts.clock.sleep(Math.random() * LOST_RACE_MS * 2 ** attempt);
        }
        throw new ConflictError(
          `Cannot apply "${workload}": expected to win one of ${APPLY_ATTEMPTS_MAX} races, current value is 0`,
        );
      }),

    forgetCache: () => cache.clear(),
  };
}

/** What has to be written: changes, or everything where what is stored cannot be built on. */
function fieldsOf(window: LoadWindow, entry: Entry): Readonly<Record<string, string>> {
  if (entry.window !== undefined && entry.isOfBefore !== true) return encodeWindow(window, entry.window);
  return entry.version === '' ? encodeWindow(window) : { ...EMPTIED_FIELDS, ...encodeWindow(window) };
}

function entryOf(workload: string, fields: Readonly<Record<string, string>>, parts: RedisParts): Entry {
  const version = fields['v'] ?? '';
  if (Object.keys(fields).length === 0) return { version, window: undefined };
  const decoded = decodeWindow(fields);
  if (decoded.kind === 'window') {
    return { version, window: decoded.window, ...(decoded.isOfBefore ? { isOfBefore: true } : {}) };
  }
  if (decoded.kind === 'newer') {
    throw new TransientError(
      `Cannot read "${workload}": expected a window of this version, current value has format ${decoded.format}`,
    );
  }
  // Taken as never heard: that is cold, so nothing shrinks, and the next apply writes every field anew.
  parts.metrics.count('state_corrupt_windows_total');
  parts.log.error('stored window was unreadable and is rebuilt', { workload, reason: decoded.reason });
  return { version, window: undefined };
}

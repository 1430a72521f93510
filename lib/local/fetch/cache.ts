/** A folder that is filled once and then only read: filled beside its place under a lock, and renamed when complete. */
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { TransientError } from '../../base/errors.ts';
import type { Progress } from '../types.ts';

export type CacheOptions = {
  readonly cacheDir: string;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** How long filling may take, and a second process waits for it [ms]; default {@link FETCH_MS_MAX}. */
  readonly fillMsMax?: number;
};

/** Longest time that one fetch may take [ms]: 39 MB at 1 Mbit/s are 5 minutes. */
export const FETCH_MS_MAX = 10 * 60_000;
/** Between creating a lock and writing the pid into it lies one system call [ms]. */
const LOCK_EMPTY_MS_MAX = 5_000;
const LOCK_POLL_MS = 100;
/** How often a waiting person hears that something still happens [ms]. */
const REPORT_MS = 10_000;

/** `${XDG_CACHE_HOME:-~/.cache}/penstock`; `xdgCacheHome` is the value of that variable. */
export function defaultCacheDir(xdgCacheHome: string | undefined): string {
  return join(xdgCacheHome || join(homedir(), '.cache'), 'penstock');
}

/** Returns `cacheDir/name`, after `fill(folder)` has filled it if it was not there. A fill that fails or is killed leaves
 *  nothing under that name. Two processes at once: one fills, the other waits. Passes on what `fill` throws. */
export async function cached(
  name: string,
  options: CacheOptions & { fill: (folder: string) => Promise<void> },
): Promise<string> {
  const place = join(options.cacheDir, name);
  if (await exists(place)) return place;
  await mkdir(options.cacheDir, { recursive: true });
  const lockFile = `${place}.lock`;
  await acquire(lockFile, options);
  try {
    if (await exists(place)) return place;
    await removeLeftovers(options.cacheDir, name);
    const folder = `${place}.part-${process.pid}`;
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    try {
      await options.fill(folder);
      await rename(folder, place).catch(async (error: unknown) => {
        if (!(await exists(place))) throw error;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return place;
  } finally {
    await rm(lockFile, { force: true });
  }
}

/** True if something has this path. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Taking over a stale lock can race with another process that does the same. Then both fill a folder of their own and the
 *  first rename wins: work is doubled, nothing is torn. */
async function acquire(lockFile: string, options: CacheOptions): Promise<void> {
  const startMs = options.clock.monotonicMs();
  // A holder that was paused or lives in another container is waited for no longer than its fetch may take.
  const ageMsMax = options.fillMsMax ?? FETCH_MS_MAX;
  for (let reportMs = startMs; !(await tryLock(lockFile, { clock: options.clock, ageMsMax }));) {
    options.signal?.throwIfAborted();
    const nowMs = options.clock.monotonicMs();
    if (nowMs - startMs > ageMsMax) {
      throw new TransientError(
        `Cannot lock "${lockFile}": expected it free within ${ageMsMax} ms, current value is held`,
      );
    }
    if (nowMs >= reportMs) {
      options.progress(`Another run is filling the cache; waiting for it (${lockFile})…`);
      reportMs = nowMs + REPORT_MS;
    }
    await options.clock.sleep(LOCK_POLL_MS, options.signal);
  }
}

async function tryLock(
  lockFile: string,
  { clock, ageMsMax }: { readonly clock: Clock; readonly ageMsMax: number },
): Promise<boolean> {
  if (await createLock(lockFile)) return true;
  const [holder, info] = await Promise.all([
    readFile(lockFile, 'utf8').catch(() => ''),
    stat(lockFile).catch(() => undefined),
  ]);
  if (info !== undefined) {
    const ageMs = clock.nowMs() - info.mtimeMs;
    const dead = holder === '' ? ageMs > LOCK_EMPTY_MS_MAX : !isAlive(Number(holder));
    if (!dead && ageMs <= ageMsMax) return false;
    await rm(lockFile, { force: true });
  }
  return createLock(lockFile);
}

async function createLock(lockFile: string): Promise<boolean> {
  return writeFile(lockFile, String(process.pid), { flag: 'wx' }).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Folders of fetches that were killed. Called with the lock held, so none of them is being filled. */
async function removeLeftovers(cacheDir: string, name: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    if (!entry.startsWith(`${name}.part-`)) continue;
    if (!isAlive(Number(entry.slice(entry.lastIndexOf('-') + 1)))) {
      await rm(join(cacheDir, entry), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to another user.
    return codeOf(error) === 'EPERM';
  }
}

/** Not by `instanceof Error`: errors of the system are made outside of the realm in which Jest runs this. */
function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

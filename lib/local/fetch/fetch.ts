/** Tries the ways to get something, in order, and tells people what happens meanwhile. */
import { mkdir, rm } from 'node:fs/promises';
import { ConfigError, messageOf } from '../../base/errors.ts';
import { type CacheOptions, FETCH_MS_MAX } from './cache.ts';
import { lastWords, run } from '../process/command.ts';

/** One way to get a thing: `label` ends the sentence "Fetching THING with …". */
export type Way = {
  readonly label: string;
  /** Fills `folder`; throws an error that says why it could not. */
  readonly fetch: (folder: string) => Promise<void>;
};

export type FetchOptions = Omit<CacheOptions, 'cacheDir'>;

/** How often a waiting person hears that something still happens [ms]. */
const REPORT_MS = 10_000;

/** A registry or a network that is away for a moment is there again after so long [ms]. */
export const AGAIN_MS = 5_000;

type Fetching = FetchOptions & { ways: readonly Way[]; folder: string; missing: string; found: string };

/** Takes the first of `ways` that works, and tries all of them once more when none did; `thing` is a name for people. `missing`
 *  says how to get it by hand, `found` what the machine has: for the error when there is no way or none worked. Throws ConfigError, in one line. */
export async function fetchByFirstWay(thing: string, options: Fetching): Promise<void> {
  let failures = await failuresOf(thing, options);
  if (failures !== undefined && failures.length > 0) {
    options.progress(`Trying once more to fetch ${thing} in ${AGAIN_MS / 1000} s`);
    await options.clock.sleep(AGAIN_MS, options.signal);
    failures = await failuresOf(thing, options);
  }
  if (failures === undefined) return;
  const state = failures.length === 0 ? options.found : `failed (${failures.join('; ')})`;
  throw new ConfigError(`Cannot get "${thing}": expected ${options.missing}, current value is ${state}`);
}

/** Undefined: one of the ways worked. */
async function failuresOf(thing: string, options: Fetching): Promise<readonly string[] | undefined> {
  const failures: string[] = [];
  for (const way of options.ways) {
    options.signal?.throwIfAborted();
    try {
      await reported(`${thing} with ${way.label}`, options, () => way.fetch(options.folder));
      return undefined;
    } catch (error) {
      options.signal?.throwIfAborted();
      // The next way starts in an empty folder.
      await rm(options.folder, { recursive: true, force: true });
      await mkdir(options.folder);
      failures.push(`${way.label}: ${messageOf(error)}`);
      options.progress(`Could not fetch ${thing} with ${way.label}: ${messageOf(error)}`);
    }
  }
  return failures;
}

/** Runs a fetching command; throws an error with its last words unless it ends with 0. */
export async function runOrThrow(
  command: readonly string[],
  options: { signal?: AbortSignal | undefined; cwd?: string },
): Promise<string> {
  const { code, output } = await run(command, { ...options, timeoutMs: FETCH_MS_MAX });
  if (code !== 0) {
    // What `env` is told (`NAME=value`) is ours, not the command's.
    const tool = command.find((word) => word !== 'env' && !word.includes('=')) ?? '';
    throw new Error(`${tool} ended with ${code}: ${lastWords(output)}`);
  }
  return output;
}

/** Seconds with one digit, for progress lines. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function reported(what: string, options: FetchOptions, work: () => Promise<void>): Promise<void> {
  const startMs = options.clock.monotonicMs();
  const elapsed = (): string => seconds(options.clock.monotonicMs() - startMs);
  const done = new AbortController();
  options.progress(`Fetching ${what}…`);
  const reporter = (async () => {
    for (;;) {
      await options.clock.sleep(REPORT_MS, done.signal);
      if (done.signal.aborted) return;
      options.progress(`Still fetching ${what} (${elapsed()})…`);
    }
  })();
  try {
    await work();
    options.progress(`Fetched ${what} in ${elapsed()}`);
  } finally {
    done.abort();
    await reporter;
  }
}

/** Starts a server, waits until it answers, and gives it the life of a handle. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { messageOf, TransientError } from '../../base/errors.ts';
import { lastWords } from './command.ts';
import { freePorts } from './ports.ts';
import { type Supervised, supervise } from './supervise.ts';
import type { Progress, ServerHandle } from '../types.ts';

/** What both servers need to start. */
export type StartOptions = {
  /** Where fetched software is kept between runs, see `defaultCacheDir`. */
  readonly cacheDir: string;
  /** Where this server keeps its data and its log (`server.log`); created when missing. */
  readonly dataDir: string;
  /** Fixed port on 127.0.0.1; a free one when left out. */
  readonly port?: number;
  readonly progress: Progress;
  readonly clock?: Clock;
  /** Ends fetching and starting early; the promise is rejected with its reason. */
  readonly signal?: AbortSignal | undefined;
};

export type LaunchOptions<Answer> = {
  /** For people: `Kafka 4.4.0`. */
  readonly name: string;
  readonly command: readonly string[];
  readonly dataDir: string;
  /** Resolves when the server is ready to work, throws as long as it is not. */
  readonly ask: () => Promise<Answer>;
  readonly readyMs: number;
  readonly stopMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
};

/** How often a starting server is asked [ms]: short against the 30 ms in which Redis starts. */
const ASK_MS = 10;

/** Tries with other ports when somebody took one between looking and binding. */
const PORT_TRIES_MAX = 3;

/** The log of a server in its data folder. */
export const logFileOf = (dataDir: string): string => join(dataDir, 'server.log');

/** Starts the command and resolves with its answer when it is ready. Throws TransientError with the end of its log when it
 *  ends before or is not ready in `readyMs`; nothing is left running then. */
export async function launch<Answer>(options: LaunchOptions<Answer>): Promise<{ process: Supervised; answer: Answer }> {
  const { clock, dataDir, signal } = options;
  const logFile = logFileOf(dataDir);
  const process = await supervise(options.command, { logFile, cwd: dataDir, clock, stopMs: options.stopMs });
  const startMs = clock.monotonicMs();
  for (;;) {
    const attempt = await options.ask().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    // Asked after the answer: another server may listen on this port while ours has failed to bind it.
    const ended = process.ended();
    if ('answer' in attempt && ended === undefined) return { process, answer: attempt.answer };
    const late = clock.monotonicMs() - startMs > options.readyMs;
    if (ended !== undefined || late || signal?.aborted) {
      await process.kill();
      signal?.throwIfAborted();
      const silent = `no answer after ${options.readyMs} ms (${'error' in attempt ? messageOf(attempt.error) : ''})`;
      const log = lastWords(await readFile(logFile, 'utf8').catch(() => ''), 5);
      const state = ended === undefined ? silent : `ended with ${ended}`;
      throw new TransientError(
        `Cannot start "${options.name}": expected it to answer, current value is ${state}; log: ${log}`,
      );
    }
    await clock.sleep(ASK_MS, signal);
  }
}

/** Starts on `port`, or on free ports with another try when one was taken meanwhile. `start` gets `count` ports. */
export async function onFreePorts<T>(
  options: { port: number | undefined; count: number },
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const free = await freePorts(options.count);
    try {
      return await start(options.port === undefined ? free : [options.port, ...free.slice(1)]);
    } catch (error) {
      const taken = /address already in use/i.test(messageOf(error));
      if (!taken || options.port !== undefined || tries >= PORT_TRIES_MAX) throw error;
    }
  }
}

export type Life = Pick<ServerHandle, 'stop' | 'kill' | 'restart'> & { readonly pid: () => number | undefined };

/** `stop`, `kill`, `restart` and `pid` over one process after another. `start` brings it up again; `stopped` runs after every
 *  clean stop. */
export function lifeOf(
  first: Supervised,
  options: { start: () => Promise<Supervised>; stopped?: () => Promise<void> },
): Life {
  let current: Supervised | undefined = first;
  const stop = async (): Promise<void> => {
    if (current === undefined) return;
    await current.stop();
    current = undefined;
    await options.stopped?.();
  };
  return {
    pid: () => (current?.ended() === undefined ? current?.pid : undefined),
    stop,
    kill: async () => {
      await current?.kill();
      current = undefined;
    },
    restart: async () => {
      await stop();
      current = await options.start();
    },
  };
}

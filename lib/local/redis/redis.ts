/** A real Redis (or Valkey) on this machine, for the demo and for tests. */
import { mkdir } from 'node:fs/promises';
import { systemClock } from '../../base/clock.ts';
import { seconds } from '../fetch/fetch.ts';
import { launch, lifeOf, onFreePorts, type StartOptions } from '../process/launch.ts';
import { LOOPBACK } from '../process/ports.ts';
import { askRedis } from './ask.ts';
import { installRedis } from './fetch.ts';
import type { Supervised } from '../process/supervise.ts';
import type { RedisHandle } from '../types.ts';

export type StartRedisOptions = StartOptions & {
  /** More arguments of redis-server; they win over the defaults. */
  readonly args?: readonly string[];
};

/** It starts in 30 ms; a busy machine or a long append-only file may need more [ms]. */
const READY_MS_MAX = 30_000;
/** A clean stop writes the rest of the append-only file [ms]. */
const STOP_MS_MAX = 10_000;

/** State must survive a kill (append-only file) and must never be evicted; no snapshots, which would only cost. */
const SAFE = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'];

/** Finds or fetches a server, starts it on 127.0.0.1 and waits until it answers. Throws ConfigError in one line when there is
 *  no way to get one, TransientError when it does not start. */
export async function startRedis(options: StartRedisOptions): Promise<RedisHandle> {
  const { clock = systemClock, dataDir, progress, signal } = options;
  const command = await installRedis({ cacheDir: options.cacheDir, clock, progress, signal });
  await mkdir(dataDir, { recursive: true });
  return onFreePorts({ port: options.port, count: 1 }, async ([port = 0]) => {
    const url = `redis://${LOOPBACK}:${port}`;
    const place = ['--bind', LOOPBACK, '--port', String(port), '--dir', dataDir, '--daemonize', 'no'];
    const start = () =>
      launch({
        name: 'Redis',
        command: [...command, ...place, ...SAFE, ...(options.args ?? [])],
        dataDir,
        ask: () => askRedis(url),
        readyMs: READY_MS_MAX,
        stopMs: STOP_MS_MAX,
        clock,
        signal,
      });
    const startMs = clock.monotonicMs();
    const { process, answer } = await start();
    const title = answer.kind === 'valkey' ? 'Valkey' : 'Redis';
    progress(
      `${title} ${answer.version} is ready on ${LOOPBACK}:${port} after ${seconds(clock.monotonicMs() - startMs)}`,
    );
    return handleOf(process, { start: async () => (await start()).process, answer, port, url });
  });
}

function handleOf(
  process: Supervised,
  about: { start: () => Promise<Supervised>; answer: { kind: string; version: string }; port: number; url: string },
): RedisHandle {
  const life = lifeOf(process, { start: about.start });
  return {
    host: LOOPBACK,
    port: about.port,
    url: about.url,
    ...about.answer,
    get pid() {
      return life.pid();
    },
    stop: life.stop,
    kill: life.kill,
    restart: life.restart,
  };
}

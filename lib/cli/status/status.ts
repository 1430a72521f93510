/** `penstock status`: what the controller sees and wants, from the store it keeps. */
import pico from 'picocolors';
import { bullmqActions } from '../../action-queue/index.ts';
import { systemClock } from '../../base/clock.ts';
import { jsonLogger } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import { openRedis } from '../../clients/redis.ts';
import { environment, readConfig } from '../../hosts/config.ts';
import { openPolicies, openState } from '../../hosts/connections.ts';
import type { Base } from '../../hosts/connections.ts';
import { readStatus } from '../../loop/status.ts';
import type { StatusDeps } from '../../loop/status.ts';
import { renderStatus } from './render.ts';
import { redisOptionsOf } from '../../hosts/redis-options.ts';

const WATCH_MS = 2_000;

export async function statusCommand(options: { readonly watch: boolean; readonly json: boolean }): Promise<void> {
  const opened = await openStatus();
  const colors = pico.createColors(process.stdout.isTTY && environment('NO_COLOR') === undefined);
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  try {
    do {
      const view = await readStatus(opened.deps);
      const width = process.stdout.isTTY ? process.stdout.columns || null : null;
      const text = options.json
        ? JSON.stringify(view)
        : renderStatus(view, { colors, nowMs: view.atMs, width }).join('\n');
      const clear = options.watch && !options.json && process.stdout.isTTY ? '\u001b[H\u001b[2J' : '';
      process.stdout.write(`${clear}${text}\n`);
      if (options.watch) await systemClock.sleep(WATCH_MS, stopping.signal);
    } while (options.watch && !stopping.signal.aborted);
  } finally {
    await opened.close();
  }
}

/** The state, queue and policies of the configured installation, for commands that only read. */
export async function openStatus(): Promise<{ readonly deps: StatusDeps; close(): Promise<void> }> {
  const config = readConfig();
  const log = jsonLogger({ level: 'error' });
  const base: Base = { config, log, metrics: noMetrics };
  const policies = openPolicies(base);
  await policies.current();
  const state = await openState(base);
  const queue = bullmqActions({
    clock: systemClock,
    log,
    metrics: noMetrics,
    random: Math.random,
    prefix: `{${config.redis.keyPrefix}}`,
    connect: (settings) => openRedis({ ...redisOptionsOf(config), log, commandTimeoutMs: null, settings }),
  }).openQueue();
  return {
    deps: { clock: systemClock, state, policies, queue },
    close: async () => {
      await Promise.allSettled([queue.close(), state.close()]);
    },
  };
}

/** `penstock run`: the controller as one process. */
import { systemClock } from '../base/clock.ts';
import { jsonLogger } from '../base/log.ts';
import { buildProcess } from '../hosts/process/build-process.ts';
import { processEnvironment, readConfig } from '../hosts/config.ts';
import { serveApi } from '../hosts/http/server.ts';
import { startProcess } from '../hosts/process/process.ts';
import { prometheusMetrics } from '../hosts/process/prometheus-metrics.ts';
import { makeLive } from '../loop/live/live.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs until SIGTERM, SIGINT, or (as a child of the demo) until the parent is gone. Throws ConfigError, DeniedError, TransientError at start. */
export async function runCommand(): Promise<void> {
  const env = processEnvironment();
  const config = readConfig(env);
  const log = jsonLogger({ level: config.logLevel });
  const metrics = prometheusMetrics();
  const built = await buildProcess({ config, log, metrics }, env);
  // Undone in reverse order, also what a failed start left half open: a process that keeps running without doing its work is the worst of both.
  const undo: (() => Promise<void>)[] = [() => built.close()];
  try {
    const deps = { ...built.deps, clock: systemClock };
    const http = await serveApi(config.http, {
      deps: async () => deps,
      statusTokenSha256: config.http.statusTokenSha256,
      metricsText: () => metrics.text(),
      live: makeLive({ deps: async () => deps, staleAfterMs: staleAfterMs(config.loop.evaluateEveryMs) }),
    });
    undo.push(() => http.close());
    log.info('serving', { host: config.http.host, port: http.port, routes: ['/', '/healthz', '/status', '/metrics'] });
    const host = await startProcess(built);
    log.info('running', { brokers: config.kafka.brokers, group: config.kafka.groupId, policies: config.policyPaths });
    undo.push(() => host.stop());
    await untilStopped();
    log.info('stopping');
  } finally {
    for (const step of undo.toReversed()) await step();
  }
  log.info('stopped');
}

/** Five evaluations that did not come are no accident, nor are ten seconds without one [ms]. */
function staleAfterMs(evaluateEveryMs: number): number {
  return Math.max(10_000, 5 * evaluateEveryMs);
}

/** `penstock run`: the controller as one process. */
import { systemClock } from '../base/clock.ts';
import { jsonLogger } from '../base/log.ts';
import { buildProcess } from '../hosts/build-process.ts';
import { processEnvironment, readConfig } from '../hosts/config.ts';
import { serveApi } from '../hosts/http-server.ts';
import { startProcess } from '../hosts/process.ts';
import { prometheusMetrics } from '../hosts/prometheus-metrics.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs until SIGTERM, SIGINT, or (as a child of the demo) until the parent is gone. Throws ConfigError, DeniedError, TransientError at start. */
export async function runCommand(): Promise<void> {
  const env = processEnvironment();
  const config = readConfig(env);
  const log = jsonLogger({ level: config.logLevel });
  const metrics = prometheusMetrics();
  const built = await buildProcess({ config, log, metrics }, env);
  try {
    const http = await serveApi(config.http, {
      deps: () => Promise.resolve({ ...built.deps, clock: systemClock }),
      statusTokenSha256: config.http.statusTokenSha256,
      metricsText: () => metrics.text(),
    });
    log.info('serving', { host: config.http.host, port: http.port, routes: ['/healthz', '/status', '/metrics'] });
    const host = await startProcess(built);
    log.info('running', { brokers: config.kafka.brokers, group: config.kafka.groupId, policies: config.policyPaths });
    await untilStopped();
    log.info('stopping');
    await host.stop();
    await http.close();
  } finally {
    await built.close();
  }
  log.info('stopped');
}

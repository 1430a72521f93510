/** `penstock bridge`: publishes the load of servers that only have `/metrics`, and the lag of consumer groups. */
import { systemClock } from '../base/clock.ts';
import { jsonLogger } from '../base/log.ts';
import { noMetrics } from '../base/metrics.ts';
import { processEnvironment, readConfig } from '../hosts/config.ts';
import { openKubernetes, openPolicies, openStream } from '../hosts/connections.ts';
import { policySources, watchedPods } from '../load-sources/index.ts';
import { runBridge } from '../loop/bridge/bridge.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs until SIGTERM, SIGINT, or (as a child of the demo) until the parent is gone. Throws ConfigError at start. */
export async function bridgeCommand(): Promise<void> {
  const config = readConfig(processEnvironment());
  const log = jsonLogger({ level: config.logLevel });
  // Nothing serves them: what the bridge does is in its log, a line a minute.
  const base = { config, log, metrics: noMetrics };
  const policies = openPolicies(base);
  await policies.refresh();
  await policies.current();
  const kubernetes = openKubernetes(base);
  const stream = await openStream(base);
  const [producer, lag] = [stream.producer(), stream.lagReader()];
  const watched =
    kubernetes === null ? null : watchedPods({ client: kubernetes, clock: systemClock, log, random: Math.random });
  const pods = watched === null ? {} : { watched };
  const parts = {
    clock: systemClock,
    kubernetes,
    ...pods,
    readLag: (of: Parameters<typeof lag.read>[0]) => lag.read(of),
  };
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  log.info('bridge runs', { brokers: config.kafka.brokers, everyMs: config.loop.scrapeEveryMs });
  try {
    await runBridge(
      {
        clock: systemClock,
        log,
        metrics: noMetrics,
        policies,
        producer,
        topics: config.topics,
        scrapeEveryMs: config.loop.scrapeEveryMs,
        sourcesOf: (policy) => policySources(policy, parts),
      },
      stopping.signal,
    );
  } finally {
    await Promise.allSettled([producer.close(), lag.close(), watched?.close()]);
    await kubernetes?.close();
  }
  log.info('stopped');
}

/** What benchmarks of the whole controller stand on: real Kafka and Redis, a simulated cluster, `penstock run` as a process of its own. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { noMetrics } from '../../lib/base/metrics.ts';
import { kubeconfigOf } from '../../lib/cli/demo/cluster/simulated-cluster.ts';
import { startChild } from '../../lib/cli/demo/processes/children.ts';
import type { Child } from '../../lib/cli/demo/processes/children.ts';
import { readController } from '../../lib/cli/demo/processes/controller-client.ts';
import type { ControllerView } from '../../lib/cli/demo/processes/controller-client.ts';
import { startKafka, startRedis } from '../../lib/local/index.ts';
import { freePorts } from '../../lib/local/process/ports.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import { startClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { createWorld } from '../../lib/simulator/world/world.ts';
import { kafkaStream } from '../../lib/stream/index.ts';
import type { Stream } from '../../lib/stream/contract.ts';
import { buildCli } from '../../infra/local/build.mjs';

export type Rig = {
  readonly stream: Stream;
  readonly cluster: ClusterServer;
  readonly controller: Child;
  readonly kafkaVersion: string;
  readonly redisVersion: string;
  view(): Promise<ControllerView | undefined>;
  close(): Promise<void>;
};

export type RigOptions = {
  readonly world: WorldSettings;
  /** YAML documents. */
  readonly policies: string;
  readonly partitions: number;
  readonly env?: Readonly<Record<string, string>>;
};

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `env` of this process: the cache folder and PATH. */
export async function startRig(options: RigOptions, env: Readonly<Record<string, string | undefined>>): Promise<Rig> {
  const undo: (() => Promise<unknown>)[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const cacheDir = join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? tmpdir(), '.cache'), 'penstock');
  const kafka = await startKafka({ cacheDir, dataDir: join(folder, 'kafka'), progress });
  undo.push(() => kafka.stop());
  const redis = await startRedis({ cacheDir, dataDir: join(folder, 'redis'), progress });
  undo.push(() => redis.stop());
  const cluster = await startClusterServer({
    world: createWorld(options.world, systemClock.nowMs()),
    clock: systemClock,
  });
  undo.push(() => cluster.close());
  const files = {
    policies: join(folder, 'policies.yaml'),
    kubeconfig: join(folder, 'kubeconfig.json'),
    log: join(folder, 'run.log'),
  };
  await writeFile(files.policies, options.policies);
  await writeFile(files.kubeconfig, JSON.stringify(kubeconfigOf(cluster)));
  const stream = kafkaStream({
    kafka: { brokers: kafka.brokers, clientId: 'bench' },
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
    random: Math.random,
  });
  const admin = stream.admin();
  const { partitions } = options;
  await admin.ensureTopics(Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions, replicationFactor: 1 })));
  await admin.close();
  const [httpPort = 0] = await freePorts(1);
  const controller = startChild({
    command: 'run',
    script: await buildCli(),
    logFile: files.log,
    env: {
      PATH: env['PATH'] ?? '',
      PENSTOCK_KAFKA_BROKERS: kafka.brokers.join(','),
      PENSTOCK_REDIS_URL: redis.url,
      PENSTOCK_KUBERNETES: 'kubeconfig',
      KUBECONFIG: files.kubeconfig,
      PENSTOCK_AWS_ENDPOINT: cluster.awsUrl,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
      PENSTOCK_POLICIES: files.policies,
      PENSTOCK_HTTP_PORT: String(httpPort),
      PENSTOCK_LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  undo.push(() => controller.stop());
  const close = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  const url = `http://127.0.0.1:${httpPort}`;
  try {
    await until(
      async () => (await readController(url))?.status.workloads.every((workload) => workload.wanted !== null) === true,
    );
  } catch (error) {
    process.stderr.write(await readFile(files.log, 'utf8'));
    await close();
    throw error;
  }
  return {
    stream,
    cluster,
    controller,
    kafkaVersion: kafka.version,
    redisVersion: redis.version,
    view: () => readController(url),
    close,
  };
}

/** Polls until `condition` holds. Throws after `limitMs`. */
export async function until(condition: () => Promise<boolean> | boolean, limitMs = 60_000): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + limitMs;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`condition did not hold within ${limitMs} ms`);
    await systemClock.sleep(20);
  }
}

/** The policy of a workload whose gateway reports requests in flight: what both benchmarks of the whole controller run on. */
export function benchPolicy(name: string, replicasMax: number): string {
  return `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: ${name} }
spec:
  mode: act
  target: { name: ${name} }
  replicas: { max: ${replicasMax} }
  signals: [{ kind: inFlight, perReplica: 8 }]
`;
}

/** Nearest-rank quantile of a list that is not empty. */
export function quantile(values: readonly number[], ratio: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(ratio * sorted.length) - 1))] ?? Number.NaN;
}

/** What the figures were measured on, for the report. */
export function machine(): string {
  return `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.versions.node}`;
}

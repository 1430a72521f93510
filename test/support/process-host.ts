/** `penstock run` as a process of its own, on real Kafka and Redis and a simulated cluster: to be watched, killed and started again. */
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCli } from '../../infra/local/build.mjs';
import { systemClock } from '../../lib/base/clock.ts';
import { type ControllerView, readController } from '../../lib/cli/demo/processes/controller-client.ts';
import { freePorts } from '../../lib/local/process/ports.ts';
import type { Topics } from '../../lib/loop/deps.ts';
import { type ClusterServer, startClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { createWorld, type World } from '../../lib/simulator/world/world.ts';
import { rawKafka } from '../stream/kafka-support.ts';
import { uniqueName } from './kafka-redis.ts';

/** One life of the controller. */
export type Host = {
  readonly pid: number;
  /** Null while it runs; 137 after SIGKILL. */
  exitCode(): number | null;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Undefined while it does not answer. */
  view(): Promise<ControllerView | undefined>;
};

/** Everything that stays while controllers come and go. */
export type Site = {
  readonly world: World;
  readonly cluster: ClusterServer;
  readonly topics: Topics;
  readonly group: string;
  /** Of the keys in Redis, without the colon. */
  readonly keyPrefix: string;
  readonly policyFile: string;
  start(env?: Readonly<Record<string, string>>): Promise<Host>;
  /** What all controllers of this site logged. */
  log(): Promise<string>;
  /** Ends what still runs. */
  close(): Promise<void>;
};

export type SiteOptions = {
  /** The built CLI, see {@link buildTestCli}. */
  readonly script: string;
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly world: WorldSettings;
  /** YAML documents. */
  readonly policies: string;
  readonly partitions?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** A build of this test's own, so that tests side by side don't disturb each other. */
export async function buildTestCli(): Promise<{ readonly script: string; remove(): Promise<void> }> {
  const outDir = await mkdtemp(join(tmpdir(), 'penstock-cli-'));
  return { script: await buildCli({ outDir }), remove: () => rm(outDir, { recursive: true, force: true }) };
}

/** Topics, group and keys under names of their own, a cluster behind HTTP, and the files a controller needs. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-site-'));
  const name = uniqueName('site');
  const topics = topicsOf(name);
  await createTopics(options, topics);
  const world = createWorld(options.world, systemClock.nowMs());
  const cluster = await startClusterServer({ world, clock: systemClock });
  const files = {
    policies: join(folder, 'policies.yaml'),
    kubeconfig: join(folder, 'kubeconfig.json'),
    log: join(folder, 'run.log'),
  };
  await writeFile(files.policies, options.policies);
  await writeFile(files.kubeconfig, JSON.stringify(kubeconfigOf(cluster)));
  const hosts: Host[] = [];
  const base = { ...environmentOf(options, topics), ...namesOf(name), ...clusterEnvironment(cluster, files) };
  return {
    world,
    cluster,
    topics,
    group: name,
    keyPrefix: name,
    policyFile: files.policies,
    start: async (env = {}) => {
      const host = await startHost({
        script: options.script,
        log: files.log,
        env: { ...base, ...options.env, ...env },
      });
      hosts.push(host);
      return host;
    },
    log: () => readFile(files.log, 'utf8').catch(() => ''),
    close: async () => {
      await Promise.all(hosts.map((host) => host.kill()));
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Polls until `condition` holds. Throws after `limitMs`, with `what` and what `about` says then. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { limitMs = 120_000, about = async () => '' }: { limitMs?: number; about?: () => Promise<string> } = {},
): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + limitMs;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms. ${await about()}`);
    await systemClock.sleep(20);
  }
}

/** The last lines that a site's controllers logged, for the message of a failed test. */
export async function lastLog(site: Site, lines = 30): Promise<string> {
  return `Log:\n${(await site.log()).trimEnd().split('\n').slice(-lines).join('\n')}`;
}

async function startHost(of: { script: string; log: string; env: Record<string, string> }): Promise<Host> {
  const [httpPort = 0] = await freePorts(1);
  const log = await open(of.log, 'a');
  const child = spawn(process.execPath, [of.script, 'run'], {
    env: { ...of.env, PENSTOCK_HTTP_PORT: String(httpPort) },
    // The channel makes it end when this process does.
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
  ended.catch(() => {});
  await log.close();
  const exitCode = (): number | null => child.exitCode ?? (child.signalCode === null ? null : 137);
  return {
    pid: child.pid ?? -1,
    exitCode,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      return exitCode();
    },
    view: () => readController(`http://127.0.0.1:${httpPort}`),
  };
}

function topicsOf(name: string): Topics {
  return {
    inferenceLoad: `${name}-load`,
    queueDepth: `${name}-queue`,
    scalingDecision: `${name}-decision`,
    opsAlert: `${name}-alert`,
    deadLetter: `${name}-dead`,
  };
}

async function createTopics(options: SiteOptions, topics: Topics): Promise<void> {
  const admin = rawKafka(options.brokers).admin();
  await admin.connect();
  const numPartitions = options.partitions ?? 2;
  await admin.createTopics({
    waitForLeaders: true,
    topics: Object.values(topics).map((topic) => ({ topic, numPartitions, replicationFactor: 1 })),
  });
  await admin.disconnect();
}

function environmentOf(options: SiteOptions, topics: Topics): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    PENSTOCK_KAFKA_BROKERS: options.brokers.join(','),
    PENSTOCK_REDIS_URL: options.redisUrl,
    PENSTOCK_TOPIC_INFERENCE_LOAD: topics.inferenceLoad,
    PENSTOCK_TOPIC_QUEUE_DEPTH: topics.queueDepth,
    PENSTOCK_TOPIC_SCALING_DECISION: topics.scalingDecision,
    PENSTOCK_TOPIC_OPS_ALERT: topics.opsAlert,
    PENSTOCK_TOPIC_DEAD_LETTER: topics.deadLetter,
    PENSTOCK_EVALUATE_EVERY_MS: '500',
    PENSTOCK_LEADING_DEBOUNCE_MS: '100',
  };
}

function namesOf(name: string): Record<string, string> {
  return { PENSTOCK_KAFKA_GROUP: name, PENSTOCK_KEY_PREFIX: name };
}

function clusterEnvironment(
  cluster: ClusterServer,
  files: { readonly kubeconfig: string; readonly policies: string },
): Record<string, string> {
  return {
    PENSTOCK_KUBERNETES: 'kubeconfig',
    KUBECONFIG: files.kubeconfig,
    PENSTOCK_AWS_ENDPOINT: cluster.awsUrl,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    PENSTOCK_POLICIES: files.policies,
  };
}

function kubeconfigOf({ kubernetesUrl, token }: ClusterServer): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: kubernetesUrl, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'penstock', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'penstock' } }],
  };
}

/** The controller and the bridge of a demo: their topics, policies, environment, and the wait until they work. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { TransientError } from '../../../base/errors.ts';
import { environment } from '../../../hosts/config.ts';
import { DEFAULT_TOPICS } from '../../../loop/deps.ts';
import type { Topics } from '../../../loop/deps.ts';
import { startChild } from './children.ts';
import type { Child } from './children.ts';
import { readController } from './controller-client.ts';
import { tailOf } from './log-tail.ts';
import type { Servers } from '../servers/servers.ts';

export type ProcessesOptions = {
  readonly servers: Servers;
  /** The running bundle: children are the same build. */
  readonly script: string;
  readonly policyFile: string;
  readonly undo: (() => Promise<void>)[];
};

/** Where model servers answer `/metrics` by the policy file; each demo takes a free port instead, so that two of them, or a server of the user's, do not meet. */
const POLICY_PORT = 'port: 8000';
/** The controller loads policies, joins the group and observes the cluster: about 2 s. */
const START_MS_MAX = 30_000;

/** Names of its own, so that a named Kafka or Redis with other things in it is not disturbed. */
export function topicsOf(options: ProcessesOptions): Topics {
  const suffix = `demo-${systemClock.nowMs().toString(36)}-${options.servers.cluster.awsUrl.split(':').at(-1) ?? ''}`;
  return {
    inferenceLoad: `${DEFAULT_TOPICS.inferenceLoad}-${suffix}`,
    queueDepth: `${DEFAULT_TOPICS.queueDepth}-${suffix}`,
    scalingDecision: `${DEFAULT_TOPICS.scalingDecision}-${suffix}`,
    opsAlert: `${DEFAULT_TOPICS.opsAlert}-${suffix}`,
    deadLetter: `${DEFAULT_TOPICS.deadLetter}-${suffix}`,
  };
}

/** The policies of the demo with this demo's port. */
export async function writePolicies(options: ProcessesOptions, metricsPort: number): Promise<string> {
  const text = await readFile(options.policyFile, 'utf8');
  const file = join(options.servers.folder, 'policies.yaml');
  await writeFile(file, text.replaceAll(POLICY_PORT, `port: ${metricsPort}`));
  return file;
}

/** Of the controller, then of the bridge. */
export function logFilesOf({ servers }: ProcessesOptions): string[] {
  return ['run', 'bridge'].map((name) => join(servers.folder, `${name}.log`));
}

/** The environment of both processes, but for the cluster. */
export function settingsOf(
  { servers }: ProcessesOptions,
  at: { readonly topics: Topics; readonly httpPort: number; readonly policyFile: string },
): Readonly<Record<string, string>> {
  const suffix = at.topics.inferenceLoad.slice(DEFAULT_TOPICS.inferenceLoad.length + 1);
  return {
    PENSTOCK_KAFKA_BROKERS: servers.kafka.brokers.join(','),
    PENSTOCK_KAFKA_GROUP: `penstock-${suffix}`,
    PENSTOCK_TOPIC_INFERENCE_LOAD: at.topics.inferenceLoad,
    PENSTOCK_TOPIC_QUEUE_DEPTH: at.topics.queueDepth,
    PENSTOCK_TOPIC_SCALING_DECISION: at.topics.scalingDecision,
    PENSTOCK_TOPIC_OPS_ALERT: at.topics.opsAlert,
    PENSTOCK_TOPIC_DEAD_LETTER: at.topics.deadLetter,
    PENSTOCK_REDIS_URL: servers.redis.url,
    PENSTOCK_KEY_PREFIX: `penstock-${suffix}`,
    PENSTOCK_KUBERNETES: 'kubeconfig',
    PENSTOCK_AWS_ENDPOINT: servers.cluster.awsUrl,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'demo',
    AWS_SECRET_ACCESS_KEY: 'demo',
    PENSTOCK_POLICIES: at.policyFile,
    PENSTOCK_HTTP_PORT: String(at.httpPort),
    PENSTOCK_EVALUATE_EVERY_MS: '500',
    PENSTOCK_LEADING_DEBOUNCE_MS: '100',
    PENSTOCK_SCRAPE_EVERY_MS: '1000',
    PENSTOCK_DEMO_ALERT_URL: servers.receiver.url,
    PENSTOCK_DEMO_ALERT_SECRET: servers.alertSecret,
  };
}

/** Writes a file for shells, so that people can look into the running demo with `penstock status` and `penstock explain`; returns its path. */
export async function writeSettings(
  { servers }: ProcessesOptions,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const file = join(servers.folder, 'env');
  // Not those of AWS: whoever goes on in that shell has an account of their own.
  const ours = Object.entries(settings).filter(([name]) => name.startsWith('PENSTOCK_'));
  const lines = ours.map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return file;
}

/** Starts both. */
export function startChildren(options: ProcessesOptions, settings: Readonly<Record<string, string>>): Child[] {
  const env = { ...settings, PATH: environment('PATH') ?? '' };
  const [runLog = '', bridgeLog = ''] = logFilesOf(options);
  return [
    startOne(options, { command: 'run', env, logFile: runLog }),
    startOne(options, { command: 'bridge', env, logFile: bridgeLog }),
  ];
}

function startOne(
  options: ProcessesOptions,
  of: { command: 'run' | 'bridge'; env: Record<string, string>; logFile: string },
): Child {
  const env = { ...of.env, KUBECONFIG: options.servers.cluster.kubeconfigFiles[of.command] };
  const child = startChild({ ...of, env, script: options.script });
  options.undo.push(() => child.stop());
  return child;
}

/** Resolves when every workload has been decided on, or when `signal` aborts. Throws TransientError with the last lines of the logs when a process ends or takes too long. */
export async function waitForController(options: {
  readonly url: string;
  readonly children: readonly Child[];
  readonly signal: AbortSignal;
  readonly logFiles: readonly string[];
}): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + START_MS_MAX;
  while (!options.signal.aborted) {
    const view = await readController(options.url);
    if (view !== undefined && view.status.workloads.every((workload) => workload.wanted !== null)) return;
    const dead = options.children.find((child) => child.exitCode() !== null);
    if (dead !== undefined || systemClock.monotonicMs() > deadlineMs) {
      const log = (await Promise.all(options.logFiles.map((file) => tailOf(file, 10)))).join('\n');
      const what =
        dead === undefined
          ? `did not decide anything within ${START_MS_MAX / 1000} s`
          : `"penstock ${dead.name}" ended`;
      throw new TransientError(`Cannot start the controller: ${what}. Its last lines:\n${log}`);
    }
    await systemClock.sleep(100, options.signal);
  }
}

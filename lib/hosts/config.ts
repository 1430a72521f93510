/** The only place that reads the environment. Every variable, its default and its check is in this table; all problems are reported together. */
import { ConfigError } from '../base/errors.ts';
import type { LogLevel } from '../base/log.ts';
import { DEFAULT_TOPICS } from '../loop/deps.ts';
import type { Topics } from '../loop/deps.ts';
import { readDocker, readMarathon } from './config-orchestrators.ts';
import { readerOf } from './config-reader.ts';
import type { Environment, Reader } from './config-reader.ts';
import type { DockerConfig, MarathonConfig } from './config-orchestrators.ts';

export type { Environment } from './config-reader.ts';

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly groupId: string;
  readonly tls: boolean;
  /** Path of a PEM file with the CA, when it is not a public one. */
  readonly caFile: string | null;
  readonly sasl:
    | null
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | { readonly mechanism: 'aws-msk-iam'; readonly region: string };
  /** A member that is silent for so long loses its partitions [ms]. */
  readonly sessionTimeoutMs: number;
};

export type KubernetesConfig = {
  /** auto: KUBECONFIG, else in-cluster. eks: endpoint and CA given, token signed by SigV4. none: no cluster (observe events only). */
  readonly kind: 'auto' | 'kubeconfig' | 'in-cluster' | 'eks' | 'none';
  readonly kubeconfigFile: string | null;
  readonly eks: { readonly cluster: string; readonly endpoint: string; readonly caData: string } | null;
};

export type Config = {
  readonly logLevel: LogLevel;
  readonly kafka: KafkaConfig;
  readonly redis: {
    readonly url: string;
    readonly keyPrefix: string;
    /** The address is a node of a Redis Cluster. */
    readonly cluster: boolean;
    /** Path of a PEM file with the CA of a `rediss://` address, when it is not a public one. */
    readonly caFile: string | null;
  };
  readonly kubernetes: KubernetesConfig;
  /** Null: there is none. */
  readonly docker: DockerConfig | null;
  readonly marathon: MarathonConfig | null;
  readonly aws: { readonly region: string; readonly endpoint: string | null };
  /** Files or folders with policies. */
  readonly policyPaths: readonly string[];
  readonly topics: Topics;
  readonly http: { readonly host: string; readonly port: number; readonly statusTokenSha256: string | null };
  readonly loop: {
    readonly evaluateEveryMs: number;
    readonly leadingDebounceMs: number;
    readonly scrapeEveryMs: number;
  };
  /** Lambda function names (or ARNs) that wake each other; null outside Lambda. */
  readonly functions: {
    readonly evaluate: string | null;
    readonly actuate: string | null;
    readonly notify: string | null;
  };
};

/** Where the examples of a checkout are. */
export const DEFAULT_POLICY_PATHS: readonly string[] = ['infra/policies'];

/** The whole environment, for secrets by reference. */
export function processEnvironment(): Environment {
  return process.env;
}

/** One variable that is not ours (PATH, NO_COLOR, XDG_CACHE_HOME); undefined when it is not set or empty. */
export function environment(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

/** Of programs that carry the AWS SDK inside: its advice to upgrade Node is about SDKs to come, and would stand as text among JSON lines. */
export function quietAwsSdk(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
}

/** Reads `env` (default: the process's). Throws ConfigError with every problem, one a line; values of secrets are never shown. */
export function readConfig(env: Environment = process.env): Config {
  const problems: string[] = [];
  const read = readerOf(env, problems);
  const config: Config = {
    logLevel: read.oneOf('PENSTOCK_LOG_LEVEL', {
      fallback: 'info',
      allowed: ['debug', 'info', 'warn', 'error', 'silent'],
    }),
    kafka: readKafka(read),
    redis: {
      url: read.text('PENSTOCK_REDIS_URL', 'redis://127.0.0.1:6379'),
      cluster: read.oneOf('PENSTOCK_REDIS_CLUSTER', { fallback: 'false', allowed: ['true', 'false'] }) === 'true',
      caFile: read.optional('PENSTOCK_REDIS_CA_FILE'),
      // The braces keep all queue keys of BullMQ in one slot of a Redis Cluster.
      keyPrefix: read.text('PENSTOCK_KEY_PREFIX', 'penstock'),
    },
    kubernetes: readKubernetes(read),
    docker: readDocker(read),
    marathon: readMarathon(read),
    aws: {
      region: readRegion(read),
      endpoint: read.optional('PENSTOCK_AWS_ENDPOINT'),
    },
    policyPaths: read.list('PENSTOCK_POLICIES', DEFAULT_POLICY_PATHS),
    topics: {
      inferenceLoad: read.text('PENSTOCK_TOPIC_INFERENCE_LOAD', DEFAULT_TOPICS.inferenceLoad),
      queueDepth: read.text('PENSTOCK_TOPIC_QUEUE_DEPTH', DEFAULT_TOPICS.queueDepth),
      scalingDecision: read.text('PENSTOCK_TOPIC_SCALING_DECISION', DEFAULT_TOPICS.scalingDecision),
      opsAlert: read.text('PENSTOCK_TOPIC_OPS_ALERT', DEFAULT_TOPICS.opsAlert),
      deadLetter: read.text('PENSTOCK_TOPIC_DEAD_LETTER', DEFAULT_TOPICS.deadLetter),
    },
    http: {
      host: read.text('PENSTOCK_HTTP_HOST', '127.0.0.1'),
      port: read.integer('PENSTOCK_HTTP_PORT', { fallback: 8484, min: 0, max: 65_535 }),
      statusTokenSha256: read.optional('PENSTOCK_STATUS_TOKEN_SHA256'),
    },
    loop: {
      evaluateEveryMs: read.integer('PENSTOCK_EVALUATE_EVERY_MS', { fallback: 2_000, min: 250, max: 60_000 }),
      scrapeEveryMs: read.integer('PENSTOCK_SCRAPE_EVERY_MS', { fallback: 2_000, min: 500, max: 60_000 }),
      leadingDebounceMs: read.integer('PENSTOCK_LEADING_DEBOUNCE_MS', { fallback: 250, min: 0, max: 10_000 }),
    },
    functions: {
      evaluate: read.optional('PENSTOCK_FUNCTION_EVALUATE'),
      actuate: read.optional('PENSTOCK_FUNCTION_ACTUATE'),
      notify: read.optional('PENSTOCK_FUNCTION_NOTIFY'),
    },
  };
  checkExposure(config, read);
  if (problems.length > 0)
    throw new ConfigError(`Cannot read the configuration:\n${problems.map((p) => `  ${p}`).join('\n')}`);
  return config;
}

function readRegion(read: Reader): string {
  return read.text('AWS_REGION', read.text('AWS_DEFAULT_REGION', 'us-east-1'));
}

function readKafka(read: Reader): KafkaConfig {
  const mechanism = read.oneOf('PENSTOCK_KAFKA_SASL', {
    fallback: 'none',
    allowed: ['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'aws-msk-iam'],
  });
  return {
    brokers: read.list('PENSTOCK_KAFKA_BROKERS', ['127.0.0.1:9092']),
    clientId: read.text('PENSTOCK_KAFKA_CLIENT_ID', 'penstock'),
    groupId: read.text('PENSTOCK_KAFKA_GROUP', 'penstock'),
    tls:
      read.oneOf('PENSTOCK_KAFKA_TLS', {
        fallback: mechanism === 'aws-msk-iam' ? 'true' : 'false',
        allowed: ['true', 'false'],
      }) === 'true',
    caFile: read.optional('PENSTOCK_KAFKA_CA_FILE'),
    sasl: readSasl(read, mechanism),
    // 10 s: a garbage collection pause stays well below. Brokers refuse less than their group.min.session.timeout.ms, 6 s by default.
    sessionTimeoutMs: read.integer('PENSTOCK_KAFKA_SESSION_TIMEOUT_MS', { fallback: 10_000, min: 1_000, max: 300_000 }),
  };
}

function readSasl(
  read: Reader,
  mechanism: 'none' | 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'aws-msk-iam',
): KafkaConfig['sasl'] {
  if (mechanism === 'none') return null;
  if (mechanism === 'aws-msk-iam') return { mechanism, region: readRegion(read) };
  const username = read.optional('PENSTOCK_KAFKA_USERNAME');
  const password = read.optional('PENSTOCK_KAFKA_PASSWORD');
  if (username === null || password === null) {
    read.problem(
      `PENSTOCK_KAFKA_SASL is ${mechanism}, so PENSTOCK_KAFKA_USERNAME and PENSTOCK_KAFKA_PASSWORD are needed`,
    );
    return null;
  }
  return { mechanism, username, password };
}

function readKubernetes(read: Reader): KubernetesConfig {
  const kind = read.oneOf('PENSTOCK_KUBERNETES', {
    fallback: 'auto',
    allowed: ['auto', 'kubeconfig', 'in-cluster', 'eks', 'none'],
  });
  const kubeconfigFile = read.optional('KUBECONFIG');
  if (kind !== 'eks') return { kind, kubeconfigFile, eks: null };
  const eks = {
    cluster: read.text('PENSTOCK_EKS_CLUSTER', ''),
    endpoint: read.text('PENSTOCK_EKS_ENDPOINT', ''),
    caData: read.text('PENSTOCK_EKS_CA_DATA', ''),
  };
  for (const [name, value] of [
    ['PENSTOCK_EKS_CLUSTER', eks.cluster],
    ['PENSTOCK_EKS_ENDPOINT', eks.endpoint],
    ['PENSTOCK_EKS_CA_DATA', eks.caData],
  ]) {
    if (value === '') read.problem(`PENSTOCK_KUBERNETES is eks, so ${name} is needed`);
  }
  return { kind, kubeconfigFile, eks };
}

/** A status page that names every workload is not offered to the network without a token. */
function checkExposure(config: Config, read: Reader): void {
  const loopback = config.http.host === '127.0.0.1' || config.http.host === 'localhost' || config.http.host === '::1';
  if (!loopback && config.http.statusTokenSha256 === null) {
    read.problem(
      `PENSTOCK_HTTP_HOST is "${config.http.host}": expected a loopback address, or PENSTOCK_STATUS_TOKEN_SHA256 (hex SHA-256 of a bearer token)`,
    );
  }
  if (config.http.statusTokenSha256 !== null && !/^[0-9a-f]{64}$/.test(config.http.statusTokenSha256)) {
    read.problem('PENSTOCK_STATUS_TOKEN_SHA256: expected 64 lower-case hex digits (SHA-256 of the token)');
  }
}

/** From the configuration to connections: what the process host, the bridge and the status commands share. */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../base/clock.ts';
import { ConfigError, DeniedError, TransientError, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { awsClients } from '../clients/aws/clients.ts';
import type { AwsClients } from '../clients/aws/clients.ts';
import type { KafkaSettings } from '../clients/kafka/client.ts';
import { kubernetesClient } from '../clients/kubernetes/client.ts';
import type { KubernetesClient, KubernetesConnection } from '../clients/kubernetes/client.ts';
import { lastFailureOf, openRedis } from '../clients/redis.ts';
import type { PolicySource } from '../policy-source/contract.ts';
import { policySources } from '../policy-source/index.ts';
import { checkRedis, redisStateStores } from '../state/index.ts';
import type { StateStores } from '../state/contract.ts';
import { kafkaStream } from '../stream/index.ts';
import type { KafkaTuning } from '../stream/kafka-tuning.ts';
import type { Stream } from '../stream/contract.ts';
import { DEFAULT_POLICY_PATHS, environment } from './config.ts';
import type { Config, KafkaConfig } from './config.ts';
import { redisOptionsOf } from './redis-options.ts';

export type Base = { readonly config: Config; readonly log: Logger; readonly metrics: Metrics };

/** Throws ConfigError when the CA file cannot be read. Nothing is connected before it is used. */
export async function openStream(base: Base): Promise<Stream> {
  const { log, metrics } = base;
  return kafkaStream({
    kafka: await kafkaSettings(base.config.kafka),
    clock: systemClock,
    log,
    metrics,
    random: Math.random,
    tuning: tuningOf(base.config.kafka),
  });
}

/** Several heartbeats have to be lost before a member counts as dead. */
const HEARTBEATS_PER_SESSION = 5;

function tuningOf({ sessionTimeoutMs }: KafkaConfig): Partial<KafkaTuning> {
  return { sessionTimeoutMs, heartbeatIntervalMs: Math.floor(sessionTimeoutMs / HEARTBEATS_PER_SESSION) };
}

async function kafkaSettings(config: KafkaConfig): Promise<KafkaSettings> {
  const { brokers, clientId, sasl, caFile } = config;
  const tls = config.tls || caFile !== null ? { tls: caFile === null ? {} : { ca: await readCa(caFile) } } : {};
  return { brokers, clientId, ...tls, ...(sasl === null ? {} : { sasl }) };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`Cannot read PENSTOCK_KAFKA_CA_FILE "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Checked at once: throws ConfigError when this Redis could lose keys, DeniedError when it refuses us, TransientError when it does not answer. */
export async function openState(base: Base): Promise<StateStores> {
  const { config, log, metrics } = base;
  const client = openRedis({ ...redisOptionsOf(config), log, name: 'penstock' });
  try {
    for (const warning of (await checkRedis(client)).warnings) log.warn(warning);
  } catch (error) {
    const reason = lastFailureOf(client);
    client.disconnect();
    // The library only counts its attempts; why they failed was an event.
    if (error instanceof TransientError && reason !== null) throw cannotReachRedis(config.redis.url, reason, error);
    throw error;
  }
  return redisStateStores({ client, prefix: `${config.redis.keyPrefix}:`, clock: systemClock, log, metrics });
}

function cannotReachRedis(url: string, reason: string, cause: unknown): DeniedError | TransientError {
  const text = `Cannot reach Redis at "${new URL(url).host}" (PENSTOCK_REDIS_URL): ${reason}`;
  return /\b(WRONGPASS|NOAUTH|NOPERM)\b/.test(reason)
    ? new DeniedError(text, { cause })
    : new TransientError(text, { cause });
}

/** Policies from the configured files and folders; where none were configured and the default does not load, the error says how to. */
export function openPolicies(base: Base): PolicySource {
  const paths = base.config.policyPaths;
  const source = policySources.files({ paths });
  if (paths !== DEFAULT_POLICY_PATHS) return source;
  return {
    ...source,
    current: () =>
      source.current().catch((error: unknown) => {
        if (!(error instanceof ConfigError)) throw error;
        throw new ConfigError(
          `${error.message}\nPENSTOCK_POLICIES is not set: it names your policy files or folders.`,
          {
            cause: error,
          },
        );
      }),
  };
}

/** Null when the configuration says that there is no cluster. Throws ConfigError when there is neither a usable kubeconfig nor a cluster around us. */
export function openKubernetes(base: Base): KubernetesClient | null {
  const connection = kubernetesConnection(base.config);
  return connection === null ? null : kubernetesClient(connection, { clock: systemClock });
}

function kubernetesConnection({ kubernetes, aws }: Config): KubernetesConnection | null {
  const { kind, kubeconfigFile: path, eks } = kubernetes;
  if (kind === 'none') return null;
  if (kind === 'eks' && eks !== null) {
    return { kind: 'eks', server: eks.endpoint, caData: eks.caData, cluster: eks.cluster, region: aws.region };
  }
  if (kind === 'kubeconfig' && path === null) {
    throw new ConfigError('Cannot reach Kubernetes: expected KUBECONFIG to name a file, current value is empty');
  }
  const isInCluster = kind === 'in-cluster' || path === null;
  if (isInCluster && environment('KUBERNETES_SERVICE_HOST') === undefined) {
    throw new ConfigError(
      `Cannot reach Kubernetes: expected KUBECONFIG to name a file (export KUBECONFIG=~/.kube/config), a pod of a cluster around us, or PENSTOCK_KUBERNETES=none, current value is ${kind} outside of a cluster`,
    );
  }
  return isInCluster || path === null ? { kind: 'inCluster' } : { kind: 'kubeconfigFile', path };
}

/** EKS and Auto Scaling with the process's own credentials. */
export function openAws({ config }: Base): AwsClients {
  const { region, endpoint } = config.aws;
  return awsClients({ region, ...(endpoint === null ? {} : { endpoint }) });
}

/** Kafka clients: addresses, TLS, login, timeouts and bounded retries in one place. */
import kafkajs, { type Kafka } from 'kafkajs';
import { ConfigError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { kafkaLogCreator } from './logger.ts';
import { calmRequestQueue } from './request-queue.ts';
import { saslOf, type KafkaSasl } from './sasl.ts';
import { openSockets } from './sockets.ts';

export type KafkaSettings = {
  /** `host:port`, at least one; the others are found through it. */
  readonly brokers: readonly string[];
  /** Name of this client in the broker's logs, quotas and metrics. */
  readonly clientId: string;
  /** Encrypts the connection. `{}` trusts the system's authorities. */
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
  /** Time for TCP and TLS to come up [ms]. */
  readonly connectionTimeoutMs?: number;
  /** Time for an answer [ms]; joins and long polls have their own. */
  readonly requestTimeoutMs?: number;
};

export type KafkaTls = {
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string;
  /** PEM of a client certificate (mutual TLS), with its `key`. */
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
};

/** A kafkajs client and the means to end it for good. */
export type KafkaConnection = {
  readonly kafka: Kafka;
  /** Destroys every socket and refuses new ones: nothing of this client can talk to a broker any more. */
  cut(): void;
};

/** Longer than a TLS handshake across regions, short enough to try the next broker soon. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** A broker that does not answer for so long is taken as gone. kafkajs waits 30 s, longer than our freshness limits. */
const REQUEST_TIMEOUT_MS = 10_000;
/** kafkajs renews a login this long before it expires; MSK IAM sessions live 15 minutes or more. */
const REAUTHENTICATION_THRESHOLD_MS = 30_000;

/** Retries inside kafkajs, with ±30 % jitter: 5 of them take about 6 s, then the caller decides. */
const RETRY = { retries: 5, initialRetryTime: 200, maxRetryTime: 5_000, factor: 0.3, multiplier: 2 };

/** Consumers give up after 1.4 s: they are started anew with pauses of their own, and kafkajs's retries cannot be cancelled by a stop. */
export const CONSUMER_RETRY = { ...RETRY, retries: 3 };

/** A kafkajs client for producers and admins. Nothing is connected yet. Throws ConfigError for settings that cannot work. */
export function makeKafka(settings: KafkaSettings, log: Logger): Kafka {
  return connectKafka(settings, { log, rawBatches: false }).kafka;
}

/**
 * A kafkajs client that can be cut off. With `rawBatches` its consumers get one message per record batch, whose value is the
 * batch as it is on the wire (see `kafka-fetch-response.ts`), so that the consumer decides what decoding may cost.
 */
export function connectKafka(
  settings: KafkaSettings,
  options: { readonly log: Logger; readonly rawBatches: boolean },
): KafkaConnection {
  check(settings);
  calmRequestQueue();
  const sockets = openSockets(options);
  const kafka = new kafkajs.Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(settings.tls === undefined ? {} : { ssl: { ...settings.tls } }),
    ...(settings.sasl === undefined ? {} : { sasl: saslOf(settings.sasl) }),
    connectionTimeout: settings.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS,
    requestTimeout: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    authenticationTimeout: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    reauthenticationThreshold: REAUTHENTICATION_THRESHOLD_MS,
    enforceRequestTimeout: true,
    retry: options.rawBatches ? CONSUMER_RETRY : RETRY,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: kafkaLogCreator(options.log),
    socketFactory: sockets.factory,
  });
  return { kafka, cut: () => sockets.cut() };
}

function check(settings: KafkaSettings): void {
  if (settings.brokers.length === 0) {
    throw new ConfigError(
      'Cannot reach Kafka: expected at least one broker "host:port", current value is an empty list',
    );
  }
  for (const broker of settings.brokers) {
    if (!/^\S+:\d{1,5}$/.test(broker)) {
      throw new ConfigError(`Cannot reach Kafka: expected brokers as "host:port", current value is "${broker}"`);
    }
  }
  if (settings.sasl?.mechanism === 'aws-msk-iam' && settings.tls === undefined) {
    throw new ConfigError('Cannot log in to Kafka with "aws-msk-iam": expected TLS to be on, current value is off');
  }
  if ((settings.tls?.cert === undefined) !== (settings.tls?.key === undefined)) {
    throw new ConfigError('Cannot use a client certificate for Kafka: expected cert and key together, one is missing');
  }
}

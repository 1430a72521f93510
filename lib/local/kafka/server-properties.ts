/** The settings of a one-node broker that starts quickly, recovers quickly and stays small. */
import { join } from 'node:path';
import { LOOPBACK } from '../process/ports.ts';

export type BrokerPorts = { readonly plain: number; readonly controller: number };

/** Ports of the extra listeners, and who may log in. */
export type BrokerSecurity = {
  readonly ports: { readonly saslPlaintext: number; readonly ssl: number; readonly saslSsl: number };
  readonly username: string;
  readonly password: string;
  /** PEM files: key with certificate chain, and the authorities to trust. */
  readonly keyStoreFile: string;
  readonly trustStoreFile: string;
};

export type BrokerOptions = {
  readonly ports: BrokerPorts;
  readonly dataDir: string;
  readonly security?: BrokerSecurity | undefined;
  /** Kafka settings that win over the defaults. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
};

/** A broker that is killed is refused under its node id until its session has run out, so 2 s instead of 9 s is what makes a
 *  restart after a kill fast; the heartbeat must fit in several times. */
const SESSION = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '250' };

/** With one node every internal topic needs replication 1: with the default of 3 no consumer group ever starts. */
const ONE_NODE = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '4',
};

/** Groups form at once and tests may use short sessions; a topic that nobody created is an error, not a surprise. */
const QUICK = {
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'auto.create.topics.enable': 'false',
};

/** The log cleaner alone would take half of the heap by default. */
const SMALL = {
  'log.cleaner.dedupe.buffer.size': '2097152',
  'num.recovery.threads.per.data.dir': '1',
  'background.threads': '2',
};

/** Settings by name, `options.settings` last. */
export function brokerSettings(options: BrokerOptions): Record<string, string> {
  const { ports, security } = options;
  const listeners = [
    ['PLAINTEXT', ports.plain] as const,
    ...(security === undefined
      ? []
      : ([
          ['SASL_PLAINTEXT', security.ports.saslPlaintext],
          ['SSL', security.ports.ssl],
          ['SASL_SSL', security.ports.saslSsl],
        ] as const)),
  ].map(([name, port]) => ({ name, url: `${name}://${LOOPBACK}:${port}` }));
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${LOOPBACK}:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...listeners.map(({ url }) => url), `CONTROLLER://${LOOPBACK}:${ports.controller}`].join(','),
    'advertised.listeners': listeners.map(({ url }) => url).join(','),
    'listener.security.protocol.map': ['CONTROLLER:PLAINTEXT', ...listeners.map(({ name }) => `${name}:${name}`)].join(
      ',',
    ),
    'log.dirs': join(options.dataDir, 'data'),
    ...ONE_NODE,
    ...SESSION,
    ...QUICK,
    ...SMALL,
    ...(security === undefined ? {} : securitySettings(security)),
    ...options.settings,
  };
}

/** Text of a Java properties file. Backslashes are escaped; line breaks in a value are not supported. */
export function propertiesText(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}`);
  return `${lines.join('\n')}\n`;
}

function securitySettings(security: BrokerSecurity): Record<string, string> {
  const modules = 'org.apache.kafka.common.security';
  const plain = `${modules}.plain.PlainLoginModule required user_${security.username}="${security.password}";`;
  const scram = `${modules}.scram.ScramLoginModule required;`;
  const login: Record<string, string> = {};
  for (const listener of ['sasl_plaintext', 'sasl_ssl']) {
    login[`listener.name.${listener}.plain.sasl.jaas.config`] = plain;
    login[`listener.name.${listener}.scram-sha-256.sasl.jaas.config`] = scram;
    login[`listener.name.${listener}.scram-sha-512.sasl.jaas.config`] = scram;
  }
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...login,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': security.keyStoreFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': security.trustStoreFile,
    'listener.name.ssl.ssl.client.auth': 'requested',
  };
}

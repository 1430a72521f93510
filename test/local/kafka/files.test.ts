import { describe, expect, test } from '@jest/globals';
import { reportedVersion } from '../../../lib/local/kafka/kafka.ts';
import { kafkaPom } from '../../../lib/local/kafka/pom.ts';
import { brokerSettings, propertiesText } from '../../../lib/local/kafka/server-properties.ts';
import { KAFKA_VERSION } from '../../../lib/local/fetch/versions.ts';

const ports = { plain: 21_001, controller: 21_002 };

describe('kafkaPom', () => {
  test('names the broker in the pinned version and keeps the validator it needs at start', () => {
    const pom = kafkaPom();
    expect(pom).toContain(`<artifactId>kafka_2.13</artifactId>\n      <version>${KAFKA_VERSION}</version>`);
    expect(pom).toContain('<artifactId>log4j-slf4j-impl</artifactId>');
    expect(pom).toContain('<artifactId>jose4j</artifactId>');
    expect(pom).not.toContain('commons-validator');
  });

  test('names no repository, so that the mirror of the machine is used', () => {
    expect(kafkaPom()).not.toMatch(/<(plugin)?repositor/i);
  });
});

describe('brokerSettings', () => {
  test('listens only on the loopback address', () => {
    const settings = brokerSettings({ ports, dataDir: '/d' });
    expect(settings.listeners).toBe('PLAINTEXT://127.0.0.1:21001,CONTROLLER://127.0.0.1:21002');
    expect(settings['advertised.listeners']).toBe('PLAINTEXT://127.0.0.1:21001');
    expect(settings['log.dirs']).toBe('/d/data');
  });

  test('gives every internal topic replication 1', () => {
    const factors = Object.entries(brokerSettings({ ports, dataDir: '/d' })).filter(([name]) =>
      /replication\.factor|min\.isr/.test(name),
    );
    expect(factors.length).toBeGreaterThanOrEqual(5);
    expect(factors.map(([, value]) => value)).toEqual(factors.map(() => '1'));
  });

  test('lets the heartbeat fit several times into the session', () => {
    const settings = brokerSettings({ ports, dataDir: '/d' });
    const heartbeats = Number(settings['broker.session.timeout.ms']) / Number(settings['broker.heartbeat.interval.ms']);
    expect(heartbeats).toBeGreaterThanOrEqual(4);
  });

  test('lets the settings of the caller win', () => {
    const settings = brokerSettings({
      ports,
      dataDir: '/d',
      settings: { 'node.id': '7', 'message.max.bytes': '1000' },
    });
    expect(settings).toMatchObject({ 'node.id': '7', 'message.max.bytes': '1000' });
  });

  test('adds a listener per kind of security and a login per mechanism', () => {
    const security = {
      ports: { saslPlaintext: 3, ssl: 4, saslSsl: 5 },
      username: 'u',
      password: 'p',
      keyStoreFile: '/k',
      trustStoreFile: '/t',
    };
    const settings = brokerSettings({ ports, dataDir: '/d', security });
    expect(settings['advertised.listeners']).toBe(
      'PLAINTEXT://127.0.0.1:21001,SASL_PLAINTEXT://127.0.0.1:3,SSL://127.0.0.1:4,SASL_SSL://127.0.0.1:5',
    );
    expect(Object.keys(settings).filter((name) => name.endsWith('sasl.jaas.config'))).toHaveLength(6);
    expect(settings['listener.name.sasl_ssl.plain.sasl.jaas.config']).toContain('user_u="p";');
  });
});

test('propertiesText escapes backslashes, which Java would swallow', () => {
  expect(propertiesText({ a: '1', b: String.raw`C:\x` })).toBe('a=1\nb=C:\\\\x\n');
});

describe('reportedVersion', () => {
  test('takes the last start in the log', () => {
    expect(reportedVersion('x\nINFO Kafka version: 4.3.0 (A)\nINFO Kafka version: 4.4.0 (A)\n')).toBe('4.4.0');
  });

  test('throws while the broker has not said it', () => {
    expect(() => reportedVersion('WARN nothing yet')).toThrow('expected the version');
  });
});

/** TLS and logins against a broker that demands them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KafkaSettings } from '../../lib/clients/kafka/client.ts';
import type { ConsumerHandlers } from '../../lib/stream/contract.ts';
import { kafkaStream } from '../../lib/stream/kafka.ts';
import type { KafkaHandle, KafkaSecurity } from '../../lib/local/index.ts';
import { kafkaOptions, until } from '../stream/kafka-support.ts';
import { ownKafka, uniqueName } from '../support/kafka-redis.ts';

const noHandlers: ConsumerHandlers = {
  onBatch: () => Promise.resolve({}),
  startOffset: () => Promise.resolve(undefined),
};

describe('a broker with security', () => {
  let kafka: KafkaHandle;
  let security: KafkaSecurity;

  beforeAll(async () => {
    kafka = await ownKafka({ security: true });
    if (kafka.security === undefined) throw new Error('the broker has no security');
    security = kafka.security;
  });
  afterAll(() => kafka.stop());

  const login = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = security.password) =>
    ({ mechanism, username: security.username, password }) as const;

  test.each<[string, () => Omit<KafkaSettings, 'clientId'>]>([
    ['TLS', () => ({ brokers: security.brokers.ssl, tls: { ca: security.caPem } })],
    [
      'TLS with a client certificate',
      () => ({
        brokers: security.brokers.ssl,
        tls: { ca: security.caPem, cert: security.clientCertPem, key: security.clientKeyPem },
      }),
    ],
    ['PLAIN', () => ({ brokers: security.brokers.saslPlaintext, sasl: login('plain') })],
    [
      'PLAIN over TLS',
      () => ({ brokers: security.brokers.saslSsl, tls: { ca: security.caPem }, sasl: login('plain') }),
    ],
    ['SCRAM-SHA-256', () => ({ brokers: security.brokers.saslPlaintext, sasl: login('scram-sha-256') })],
    [
      'SCRAM-SHA-512 over TLS',
      () => ({ brokers: security.brokers.saslSsl, tls: { ca: security.caPem }, sasl: login('scram-sha-512') }),
    ],
  ])('%s: topics, records and lag work', async (_name, settings) => {
    const stream = kafkaStream(kafkaOptions(settings()));
    const topic = uniqueName('secure');
    const group = uniqueName('group');
    const admin = stream.admin();
    await admin.ensureTopics([{ topic, partitions: 1, replicationFactor: 1 }]);
    const producer = stream.producer();
    await producer.send([{ topic, key: 'k', value: 'v' }]);
    const values: string[] = [];
    const consumer = stream.consumer({ group, topics: [topic] });
    await consumer.start({
      ...noHandlers,
      onBatch: ({ records }) => {
        values.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
        return Promise.resolve({});
      },
    });
    const lag = stream.lagReader();
    await until(async () => values.length === 1 && (await lag.read({ topic, group })).kind === 'value');
    await Promise.all([consumer.stop(), producer.close(), admin.close(), lag.close()]);
    expect(values).toEqual(['v']);
  });

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'a wrong password (%s) is told at once, clearly and without the password',
    async (mechanism) => {
      const wrong = 'not-the-password';
      const settings = { brokers: security.brokers.saslPlaintext, sasl: login(mechanism, wrong) };
      const stream = kafkaStream(kafkaOptions(settings));
      const consumer = stream.consumer({ group: uniqueName('group'), topics: ['any'] });
      const startedMs = performance.now();
      const error = await consumer.start(noHandlers).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/Cannot consume.*[Aa]uthentication/),
      });
      // Long before the 45 s after which a start gives up.
      expect(performance.now() - startedMs).toBeLessThan(30_000);
      expect(consumer.status()).toMatchObject({ state: 'failed', reason: expect.stringMatching(/[Aa]uthentication/) });
      expect(JSON.stringify(consumer.status())).not.toContain(wrong);
      await consumer.stop();
      expect(consumer.status().state).toBe('failed');

      const producer = stream.producer();
      await expect(producer.send([{ topic: 'any', key: null, value: 'x' }])).rejects.toMatchObject({ code: 'denied' });
      await producer.close();
      const lag = stream.lagReader();
      expect(await lag.read({ topic: 'any', group: 'any' })).toMatchObject({ kind: 'missing' });
      await lag.close();
    },
  );

  test('a certificate that nobody vouches for is a configuration error', async () => {
    const stream = kafkaStream(kafkaOptions({ brokers: security.brokers.ssl, tls: {} }));
    const consumer = stream.consumer({ group: uniqueName('group'), topics: ['any'] });
    await expect(consumer.start(noHandlers)).rejects.toMatchObject({ code: 'config' });
    await consumer.stop();
  });

  test('a listener with TLS that is spoken to without TLS is told', async () => {
    const stream = kafkaStream(kafkaOptions({ brokers: security.brokers.ssl }, { startTimeoutMs: 3_000 }));
    const consumer = stream.consumer({ group: uniqueName('group'), topics: ['any'] });
    await expect(consumer.start(noHandlers)).rejects.toMatchObject({ code: 'transient' });
    await consumer.stop();
  });
});

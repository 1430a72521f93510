import { connect } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { existingKafka, existingRedis, type KafkaHandle, type RedisHandle } from '../../lib/local/index.ts';
import { parseServerInfo } from '../../lib/local/redis/ask.ts';
import { KAFKA_VERSION } from '../../lib/local/fetch/versions.ts';
import { ownKafka, ownRedis, testKafkaBrokers, testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { groupIsGone, until } from './process/processes.ts';

const client = (config: Omit<KafkaConfig, 'logLevel' | 'clientId'>) =>
  new Kafka({ clientId: 'test', logLevel: logLevel.NOTHING, ...config });

/** Creates a topic with one partition and waits until it has a leader. */
async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: false });
  await until(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return (topics[0]?.partitions[0]?.leader ?? -1) >= 0;
  });
  await admin.disconnect();
}

async function send(kafka: Kafka, topic: string, value: string): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ key: 'k', value }] });
  await producer.disconnect();
}

/** Everything in the topic from its start, read until `count` messages have come. */
async function readAll(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const values: string[] = [];
  const consumer = kafka.consumer({ groupId: uniqueName('g'), sessionTimeout: 3_000, heartbeatInterval: 500 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(message.value?.toString() ?? '');
    },
  });
  await until(() => values.length >= count);
  await consumer.disconnect();
  return values;
}

describe('a Kafka of its own', () => {
  let kafka: KafkaHandle;

  beforeAll(async () => {
    kafka = await ownKafka({ security: true });
  });

  afterAll(() => kafka.stop());

  test('is the pinned version, keeps a message over a kill and a restart, and leaves no process', async () => {
    const { brokers, port } = kafka;
    const topic = uniqueName('kept');
    expect(kafka).toMatchObject({ kind: 'apache-kafka', version: KAFKA_VERSION, host: '127.0.0.1' });
    await createTopic(client({ brokers: [...brokers] }), topic);
    await send(client({ brokers: [...brokers] }), topic, 'before');
    const killedPid = kafka.pid ?? 0;
    await kafka.kill();
    expect(kafka.pid).toBeUndefined();
    await until(() => groupIsGone(killedPid));
    await kafka.restart();
    expect(kafka.port).toBe(port);
    await send(client({ brokers: [...brokers] }), topic, 'after');
    expect(await readAll(client({ brokers: [...brokers] }), topic, 2)).toEqual(['before', 'after']);
  });

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'lets its user in with %s, over TLS too',
    async (mechanism) => {
      const { brokers, username, password, caPem } = securityOf(kafka);
      const sasl = { mechanism, username, password } as KafkaConfig['sasl'] & object;
      for (const config of [
        { brokers: [...brokers.saslPlaintext], sasl },
        { brokers: [...brokers.saslSsl], sasl, ssl: { ca: [caPem] } },
      ]) {
        const admin = client(config).admin();
        await admin.connect();
        expect((await admin.describeCluster()).brokers).toHaveLength(1);
        await admin.disconnect();
      }
    },
  );

  test('refuses a wrong password', async () => {
    const { brokers, username } = securityOf(kafka);
    const sasl = { mechanism: 'scram-sha-512' as const, username, password: 'wrong' };
    const admin = client({ brokers: [...brokers.saslPlaintext], sasl, retry: { retries: 0 } }).admin();
    await expect(admin.connect()).rejects.toThrow(/authentication|credentials/i);
    await admin.disconnect();
  });

  test('has a certificate that its authority vouches for, and takes a client certificate', async () => {
    const { brokers, caPem, clientCertPem, clientKeyPem } = securityOf(kafka);
    const [host, port] = (brokers.ssl[0] ?? '').split(':');
    const socket = connect({ host, port: Number(port), ca: caPem, cert: clientCertPem, key: clientKeyPem });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
    const stranger = connect({ host, port: Number(port) });
    await expect(once(stranger, 'secureConnect')).rejects.toThrow(/certificate/);
  });
});

describe('a Redis of its own', () => {
  let redis: RedisHandle;

  beforeAll(async () => {
    redis = await ownRedis();
  });

  afterAll(() => redis.stop());

  test('keeps what it was told over a clean stop and over a kill, and leaves no process', async () => {
    await withRedis(redis.url, (connection) => connection.set('a', '1'));
    await redis.restart();
    await withRedis(redis.url, (connection) => connection.set('b', '2'));
    const killedPid = redis.pid ?? 0;
    await redis.kill();
    await until(() => groupIsGone(killedPid));
    await redis.restart();
    expect(await withRedis(redis.url, (connection) => connection.mget('a', 'b'))).toEqual(['1', '2']);
    await withRedis(redis.url, async (connection) => {
      expect(await connection.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await connection.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
      expect(await connection.config('GET', 'save')).toEqual(['save', '']);
    });
  });
});

describe('servers that are only named', () => {
  test('have the shape of a handle, and refuse to be killed or restarted', async () => {
    const kafka = await existingKafka(testKafkaBrokers());
    const redis = await existingRedis(testRedisUrl());
    expect(kafka).toMatchObject({
      kind: 'kafka',
      version: 'unknown',
      port: Number(testKafkaBrokers()[0]?.split(':')[1]),
    });
    expect(redis.kind).toMatch(/^(redis|valkey)$/);
    expect(redis.version).toMatch(/^\d+\.\d+\.\d+/);
    for (const handle of [kafka, redis]) {
      await handle.stop();
      await expect(handle.kill()).rejects.toThrow(/^Cannot kill/);
      await expect(handle.restart()).rejects.toThrow(/^Cannot restart/);
    }
    expect(await withRedis(testRedisUrl(), (connection) => connection.ping())).toBe('PONG');
  });

  test('are refused in one line when they do not answer', async () => {
    const gone = await ownRedis();
    await gone.stop();
    await expect(existingRedis(gone.url)).rejects.toThrow(`Cannot use "Redis at 127.0.0.1:${gone.port}"`);
    await expect(existingKafka([`127.0.0.1:${gone.port}`])).rejects.toThrow('expected an answer');
  });
});

test('parseServerInfo tells Valkey from Redis', () => {
  expect(parseServerInfo('# Server\r\nredis_version:7.0.15\r\n')).toEqual({ kind: 'redis', version: '7.0.15' });
  const valkey = 'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n';
  expect(parseServerInfo(valkey)).toEqual({ kind: 'valkey', version: '9.1.2' });
});

function securityOf(kafka: KafkaHandle): NonNullable<KafkaHandle['security']> {
  if (kafka.security === undefined) throw new Error('expected a broker with security');
  return kafka.security;
}

async function withRedis<T>(url: string, use: (connection: Redis) => Promise<T>): Promise<T> {
  const connection = new Redis(url);
  try {
    return await use(connection);
  } finally {
    connection.disconnect();
  }
}

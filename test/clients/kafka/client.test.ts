import { describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { DeniedError } from '../../../lib/base/errors.ts';
import { jsonLogger, silentLogger } from '../../../lib/base/log.ts';
import { kafkaError } from '../../../lib/clients/kafka/errors.ts';
import { kafkaLogCreator } from '../../../lib/clients/kafka/logger.ts';
import { saslOf } from '../../../lib/clients/kafka/sasl.ts';
import { makeKafka, type KafkaSettings } from '../../../lib/clients/kafka/client.ts';

const settings: KafkaSettings = { brokers: ['127.0.0.1:1'], clientId: 'test' };

describe('makeKafka', () => {
  test.each<[string, Partial<KafkaSettings>, string]>([
    ['no broker', { brokers: [] }, 'expected at least one broker'],
    ['a broker without a port', { brokers: ['kafka.example'] }, 'current value is "kafka.example"'],
    ['IAM without TLS', { sasl: { mechanism: 'aws-msk-iam', region: 'eu-west-1' } }, 'expected TLS to be on'],
    ['a certificate without a key', { tls: { cert: 'PEM' } }, 'expected cert and key together'],
  ])('refuses %s', (_name, wrong, text) => {
    expect(() => makeKafka({ ...settings, ...wrong }, silentLogger)).toThrow(text);
  });

  test('a broker that is not there is a transient error, after bounded retries', async () => {
    const admin = makeKafka({ ...settings, connectionTimeoutMs: 500 }, silentLogger).admin();
    const refused = await admin.connect().catch((error: unknown) => error);
    expect(kafkaError(refused, 'reach Kafka')).toMatchObject({
      code: 'transient',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('kafkaError', () => {
  test.each<[string, Error, string]>([
    ['a wrong password', loginError('SASL PLAIN authentication failed: Invalid username or password'), 'denied'],
    ['a login that broke off', loginError('SASL PLAIN authentication failed: Closed connection'), 'transient'],
    ['a missing ACL', Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED' }), 'denied'],
    ['a missing topic', Object.assign(new Error('no'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }), 'not-found'],
    ['a record that is too large', Object.assign(new Error('no'), { type: 'MESSAGE_TOO_LARGE' }), 'bad-event'],
    [
      'an untrusted certificate',
      Object.assign(new Error('self-signed'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
      'config',
    ],
    ['an unknown name', Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), 'config'],
    ['a timeout', new Error('Request Produce timed out'), 'transient'],
    ['an error of ours', new DeniedError('Cannot sign'), 'denied'],
  ])('tells what to do about %s, alone or wrapped', (_name, error, code) => {
    expect(kafkaError(error, 'write').code).toBe(code);
    expect(kafkaError(wrapped(wrapped(error)), 'write').code).toBe(code);
  });

  test('names the act and the innermost reason', () => {
    const error = kafkaError(wrapped(new Error('connect ECONNREFUSED')), 'write to topic "a"');
    expect(error.message).toBe('Cannot write to topic "a": connect ECONNREFUSED');
  });
});

describe('saslOf', () => {
  test('passes passwords on, and asks for IAM tokens only when kafkajs does', () => {
    expect(saslOf({ mechanism: 'scram-sha-512', username: 'u', password: 'p' })).toEqual({
      mechanism: 'scram-sha-512',
      username: 'u',
      password: 'p',
    });
    expect(saslOf({ mechanism: 'aws-msk-iam', region: 'eu-west-1' })).toMatchObject({
      mechanism: 'oauthbearer',
      oauthBearerProvider: expect.any(Function),
    });
  });
});

describe('kafkaLogCreator', () => {
  test('keeps ids and reasons, drops everything else, and is less loud', () => {
    const lines: Record<string, unknown>[] = [];
    const log = jsonLogger({
      level: 'debug',
      write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    });
    const write = kafkaLogCreator(log)(kafkajs.logLevel.INFO);
    for (const level of [kafkajs.logLevel.ERROR, kafkajs.logLevel.WARN, kafkajs.logLevel.INFO]) {
      write({
        namespace: '',
        label: '',
        level,
        log: { timestamp: '', message: 'm', broker: 'b:1', password: 'secret', payload: Buffer.alloc(9) },
      });
    }
    expect(lines.map(({ level }) => level)).toEqual(['info', 'debug', 'debug']);
    expect(JSON.stringify(lines)).not.toMatch(/secret|payload/);
    expect(lines[0]).toMatchObject({ broker: 'b:1', msg: 'kafka client: m' });
  });
});

function loginError(text: string): Error {
  return Object.assign(new Error(text), { name: 'KafkaJSSASLAuthenticationError' });
}

/** As kafkajs gives up after its retries. */
function wrapped(cause: Error): Error {
  return Object.assign(new Error('retries exceeded'), { name: 'KafkaJSNumberOfRetriesExceeded', cause });
}

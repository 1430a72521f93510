import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../lib/base/errors.ts';
import { environment, readConfig } from '../../lib/hosts/config.ts';
import type { Environment } from '../../lib/hosts/config.ts';

/** The message of the refusal; fails when there was none. */
function refusal(env: Environment): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('expected a ConfigError');
}

const problemsOf = (env: Environment): string[] =>
  refusal(env)
    .split('\n')
    .slice(1)
    .map((line) => line.trim());

const DIGEST = 'a'.repeat(64);

describe('readConfig', () => {
  test('an empty environment gives every default that the documentation names', () => {
    expect(readConfig({})).toEqual({
      logLevel: 'info',
      kafka: {
        brokers: ['127.0.0.1:9092'],
        clientId: 'penstock',
        groupId: 'penstock',
        tls: false,
        caFile: null,
        sasl: null,
        sessionTimeoutMs: 10_000,
      },
      redis: { url: 'redis://127.0.0.1:6379', keyPrefix: 'penstock', cluster: false, caFile: null },
      kubernetes: { kind: 'auto', kubeconfigFile: null, eks: null },
      docker: null,
      marathon: null,
      aws: { region: 'us-east-1', endpoint: null },
      policyPaths: ['infra/policies'],
      topics: {
        inferenceLoad: 'inference-load',
        queueDepth: 'queue-depth',
        scalingDecision: 'penstock.scaling-decision',
        opsAlert: 'penstock.ops-alert',
        deadLetter: 'penstock.dead-letter',
      },
      http: { host: '127.0.0.1', port: 8484, statusTokenSha256: null },
      loop: { evaluateEveryMs: 2_000, scrapeEveryMs: 2_000, leadingDebounceMs: 250 },
      functions: { evaluate: null, actuate: null, notify: null },
    });
  });

  test('an empty or blank variable counts as not set', () => {
    const blank = Object.fromEntries(
      ['PENSTOCK_KAFKA_BROKERS', 'PENSTOCK_HTTP_PORT', 'PENSTOCK_KAFKA_SASL', 'KUBECONFIG', 'PENSTOCK_POLICIES'].map(
        (name) => [name, '  '],
      ),
    );
    expect(readConfig(blank)).toEqual(readConfig({}));
  });

  test('takes what is set', () => {
    const config = readConfig({
      PENSTOCK_LOG_LEVEL: 'warn',
      PENSTOCK_KAFKA_BROKERS: ' b-1:9092, b-2:9092 ,',
      PENSTOCK_KAFKA_CLIENT_ID: 'c',
      PENSTOCK_KAFKA_GROUP: 'g',
      PENSTOCK_KAFKA_TLS: 'true',
      PENSTOCK_KAFKA_CA_FILE: '/ca.pem',
      PENSTOCK_KAFKA_SASL: 'scram-sha-512',
      PENSTOCK_KAFKA_USERNAME: 'u',
      PENSTOCK_KAFKA_PASSWORD: 'p',
      PENSTOCK_REDIS_URL: 'rediss://user:pw@redis:6380/2',
      PENSTOCK_REDIS_CLUSTER: 'true',
      PENSTOCK_REDIS_CA_FILE: '/etc/redis-ca.pem',
      PENSTOCK_KEY_PREFIX: 'prod',
      PENSTOCK_KUBERNETES: 'eks',
      PENSTOCK_EKS_CLUSTER: 'prod',
      PENSTOCK_EKS_ENDPOINT: 'https://x.eks.amazonaws.com',
      PENSTOCK_EKS_CA_DATA: 'Q0E=',
      KUBECONFIG: '/kube',
      PENSTOCK_DOCKER_HOST: 'tcp://manager:2376',
      PENSTOCK_DOCKER_CERT_PATH: '/certs',
      PENSTOCK_MARATHON_URL: 'https://marathon:8443',
      PENSTOCK_MARATHON_AUTH: 'token',
      PENSTOCK_MARATHON_SECRET_FROM: 'file:/run/secrets/marathon',
      PENSTOCK_MARATHON_CA_FILE: '/marathon-ca.pem',
      AWS_REGION: 'eu-west-1',
      PENSTOCK_AWS_ENDPOINT: 'http://127.0.0.1:1',
      PENSTOCK_POLICIES: 'a.yaml,b',
      PENSTOCK_TOPIC_INFERENCE_LOAD: 't1',
      PENSTOCK_TOPIC_QUEUE_DEPTH: 't2',
      PENSTOCK_TOPIC_SCALING_DECISION: 't3',
      PENSTOCK_TOPIC_OPS_ALERT: 't4',
      PENSTOCK_TOPIC_DEAD_LETTER: 't5',
      PENSTOCK_HTTP_HOST: '0.0.0.0',
      PENSTOCK_HTTP_PORT: '0',
      PENSTOCK_STATUS_TOKEN_SHA256: DIGEST,
      PENSTOCK_EVALUATE_EVERY_MS: '250',
      PENSTOCK_SCRAPE_EVERY_MS: '500',
      PENSTOCK_LEADING_DEBOUNCE_MS: '0',
      PENSTOCK_KAFKA_SESSION_TIMEOUT_MS: '6000',
      PENSTOCK_FUNCTION_EVALUATE: 'f1',
      PENSTOCK_FUNCTION_ACTUATE: 'f2',
      PENSTOCK_FUNCTION_NOTIFY: 'f3',
    });
    expect(config).toEqual({
      logLevel: 'warn',
      kafka: {
        brokers: ['b-1:9092', 'b-2:9092'],
        clientId: 'c',
        groupId: 'g',
        tls: true,
        caFile: '/ca.pem',
        sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
        sessionTimeoutMs: 6_000,
      },
      redis: { url: 'rediss://user:pw@redis:6380/2', keyPrefix: 'prod', cluster: true, caFile: '/etc/redis-ca.pem' },
      kubernetes: {
        kind: 'eks',
        kubeconfigFile: '/kube',
        eks: { cluster: 'prod', endpoint: 'https://x.eks.amazonaws.com', caData: 'Q0E=' },
      },
      docker: { url: new URL('https://manager:2376'), certPath: '/certs' },
      marathon: {
        url: new URL('https://marathon:8443'),
        auth: { scheme: 'token', secretFrom: { file: '/run/secrets/marathon' } },
        caFile: '/marathon-ca.pem',
      },
      aws: { region: 'eu-west-1', endpoint: 'http://127.0.0.1:1' },
      policyPaths: ['a.yaml', 'b'],
      topics: { inferenceLoad: 't1', queueDepth: 't2', scalingDecision: 't3', opsAlert: 't4', deadLetter: 't5' },
      http: { host: '0.0.0.0', port: 0, statusTokenSha256: DIGEST },
      loop: { evaluateEveryMs: 250, scrapeEveryMs: 500, leadingDebounceMs: 0 },
      functions: { evaluate: 'f1', actuate: 'f2', notify: 'f3' },
    });
  });

  test('reports every problem at once, one a line, with what is allowed and what it is now', () => {
    const problems = problemsOf({
      PENSTOCK_LOG_LEVEL: 'loud',
      PENSTOCK_KAFKA_BROKERS: ' , ',
      PENSTOCK_KAFKA_SASL: 'plain',
      PENSTOCK_KUBERNETES: 'eks',
      PENSTOCK_EKS_CLUSTER: 'prod',
      PENSTOCK_HTTP_HOST: '0.0.0.0',
      PENSTOCK_HTTP_PORT: '65536',
      PENSTOCK_EVALUATE_EVERY_MS: '249',
      PENSTOCK_LEADING_DEBOUNCE_MS: '1.5',
      PENSTOCK_SCRAPE_EVERY_MS: 'often',
    });
    expect(problems).toEqual([
      'PENSTOCK_LOG_LEVEL is "loud": expected one of debug, info, warn, error, silent',
      'PENSTOCK_KAFKA_BROKERS is ",": expected at least one entry',
      'PENSTOCK_KAFKA_SASL is plain, so PENSTOCK_KAFKA_USERNAME and PENSTOCK_KAFKA_PASSWORD are needed',
      'PENSTOCK_KUBERNETES is eks, so PENSTOCK_EKS_ENDPOINT is needed',
      'PENSTOCK_KUBERNETES is eks, so PENSTOCK_EKS_CA_DATA is needed',
      'PENSTOCK_HTTP_PORT is "65536": expected an integer from 0 to 65535',
      'PENSTOCK_EVALUATE_EVERY_MS is "249": expected an integer from 250 to 60000',
      'PENSTOCK_SCRAPE_EVERY_MS is "often": expected an integer from 500 to 60000',
      'PENSTOCK_LEADING_DEBOUNCE_MS is "1.5": expected an integer from 0 to 10000',
      'PENSTOCK_HTTP_HOST is "0.0.0.0": expected a loopback address, or PENSTOCK_STATUS_TOKEN_SHA256 (hex SHA-256 of a bearer token)',
    ]);
  });
});

describe('SASL', () => {
  test.each(['plain', 'scram-sha-256', 'scram-sha-512'])('%s without credentials is refused', (mechanism) => {
    const env = { PENSTOCK_KAFKA_SASL: mechanism };
    expect(problemsOf(env)).toHaveLength(1);
    expect(problemsOf({ ...env, PENSTOCK_KAFKA_USERNAME: 'u' })).toHaveLength(1);
    expect(problemsOf({ ...env, PENSTOCK_KAFKA_PASSWORD: 'p' })).toHaveLength(1);
    expect(readConfig({ ...env, PENSTOCK_KAFKA_USERNAME: 'u', PENSTOCK_KAFKA_PASSWORD: 'p' }).kafka.sasl).toMatchObject(
      { mechanism },
    );
  });

  test('aws-msk-iam turns TLS on by itself', () => {
    expect(readConfig({ PENSTOCK_KAFKA_SASL: 'aws-msk-iam' }).kafka.tls).toBe(true);
    expect(readConfig({ PENSTOCK_KAFKA_SASL: 'aws-msk-iam', PENSTOCK_KAFKA_TLS: 'false' }).kafka.tls).toBe(false);
  });

  test.each([
    [{}, 'us-east-1'],
    [{ AWS_DEFAULT_REGION: 'eu-north-1' }, 'eu-north-1'],
    [{ AWS_DEFAULT_REGION: 'eu-north-1', AWS_REGION: 'eu-west-1' }, 'eu-west-1'],
  ])('aws-msk-iam signs for the region of the other AWS clients: %j', (env, region) => {
    const config = readConfig({ PENSTOCK_KAFKA_SASL: 'aws-msk-iam', ...env });
    expect(config.kafka.sasl).toEqual({ mechanism: 'aws-msk-iam', region });
    expect(config.aws.region).toBe(region);
  });
});

describe('the HTTP API', () => {
  test.each(['0.0.0.0', '::', '10.0.0.5', 'penstock.internal'])('is refused on %s without a token', (host) => {
    expect(refusal({ PENSTOCK_HTTP_HOST: host })).toContain('PENSTOCK_STATUS_TOKEN_SHA256');
    expect(readConfig({ PENSTOCK_HTTP_HOST: host, PENSTOCK_STATUS_TOKEN_SHA256: DIGEST }).http.host).toBe(host);
  });

  test.each(['127.0.0.1', 'localhost', '::1'])('needs no token on %s', (host) => {
    expect(readConfig({ PENSTOCK_HTTP_HOST: host }).http.statusTokenSha256).toBeNull();
  });

  test.each(['my-token', 'A'.repeat(64), 'a'.repeat(63), `${'a'.repeat(64)}0`])(
    'a digest that is none is refused, and not shown: %s',
    (digest) => {
      const message = refusal({ PENSTOCK_STATUS_TOKEN_SHA256: digest });
      expect(message).toContain('64 lower-case hex digits');
      expect(message).not.toContain(digest);
    },
  );
});

describe('secrets', () => {
  test('never show in the message, whatever else is wrong', () => {
    const canary = 'c4n4ry';
    const message = refusal({
      PENSTOCK_KAFKA_SASL: 'plain',
      PENSTOCK_KAFKA_PASSWORD: canary,
      PENSTOCK_REDIS_URL: `http://user:${canary}@redis`,
      PENSTOCK_STATUS_TOKEN_SHA256: canary,
      PENSTOCK_EKS_CA_DATA: canary,
      PENSTOCK_KUBERNETES: 'eks',
      PENSTOCK_HTTP_PORT: 'x',
    });
    expect(message).not.toContain(canary);
  });
});

describe('environment', () => {
  test('is undefined for what is not set', () => {
    expect(environment('PATH')).toMatch(/./);
    expect(environment('PENSTOCK_NOBODY_SETS_THIS')).toBeUndefined();
  });
});

import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../../lib/hosts/config.ts';
import { withSecrets } from '../../../lib/hosts/lambda/secrets.ts';

const REDIS_ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:penstock/redis-url-AbCdEf';
const KAFKA_ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_penstock-AbCdEf';
const PARAMETER_ARN = 'arn:aws:ssm:eu-west-1:123456789012:parameter/penstock/redis-url';

const stored: Readonly<Record<string, string>> = {
  [REDIS_ARN]: 'rediss://user:canary@redis.internal:6379',
  [PARAMETER_ARN]: 'rediss://parameter:canary@redis.internal:6379',
  [KAFKA_ARN]: JSON.stringify({ username: 'penstock', password: 'canary', nothing: 1 }),
};

const secrets = {
  resolve: async (ref: object): Promise<string> => stored[String(Object.values(ref)[0])] ?? '',
};

const scram = (password: string) =>
  readConfig({
    PENSTOCK_REDIS_URL: REDIS_ARN,
    PENSTOCK_KAFKA_SASL: 'scram-sha-512',
    PENSTOCK_KAFKA_USERNAME: `${KAFKA_ARN}#username`,
    PENSTOCK_KAFKA_PASSWORD: password,
  });

describe('withSecrets', () => {
  test('replaces ARNs by what they refer to, whole or by field', async () => {
    const config = await withSecrets(scram(`${KAFKA_ARN}#password`), secrets);
    expect(config.redis.url).toBe(stored[REDIS_ARN]);
    expect(config.kafka.sasl).toEqual({ mechanism: 'scram-sha-512', username: 'penstock', password: 'canary' });
  });

  test('reads SSM parameters too', async () => {
    const config = await withSecrets(readConfig({ PENSTOCK_REDIS_URL: PARAMETER_ARN }), secrets);
    expect(config.redis.url).toBe(stored[PARAMETER_ARN]);
  });

  test('leaves values that are no ARN alone, and asks nobody', async () => {
    const config = readConfig({ PENSTOCK_REDIS_URL: 'redis://127.0.0.1:6379/0' });
    expect(await withSecrets(config, { resolve: () => Promise.reject(new Error('asked')) })).toEqual(config);
  });

  test.each([['missing'], ['nothing'], ['__proto__'], ['toString']])(
    'says that the field "%s" is not there, without showing the secret',
    async (field) => {
      const failing = withSecrets(scram(`${KAFKA_ARN}#${field}`), secrets);
      await expect(failing).rejects.toThrow(`a text field "${field}", current value has none`);
      await expect(failing).rejects.not.toThrow('canary');
    },
  );

  test('a secret that is no JSON is not quoted in the error', async () => {
    const failing = withSecrets(scram(`${REDIS_ARN}#password`), secrets);
    await expect(failing).rejects.toThrow('current value is no JSON');
    await failing.catch((error: unknown) =>
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('canary'),
    );
  });
});

/** Secrets of the configuration in Lambda: the environment holds ARNs, the values are read at start. */
import { ConfigError } from '../../base/errors.ts';
import type { Secrets } from '../../clients/secrets.ts';
import type { SecretRef } from '../../core/policy.ts';
import type { Config } from '../config.ts';

const SECRET_ARN = /^arn:[a-z-]+:secretsmanager:[^#]+$/;
const PARAMETER_ARN = /^arn:[a-z-]+:ssm:[^#]+$/;

/**
 * Replaces every ARN by what it refers to: the URL of Redis, user and password of Kafka. `ARN#field` takes one field of a secret that is a JSON object
 * (as MSK keeps them). Values that are no ARN stay. Throws ConfigError when the field does not exist, and what `secrets` throws; never shows a value.
 */
export async function withSecrets(config: Config, secrets: Pick<Secrets, 'resolve'>): Promise<Config> {
  const { redis, kafka } = config;
  const valueOf = (text: string): Promise<string> => resolveReference(text, secrets);
  return {
    ...config,
    redis: { ...redis, url: await valueOf(redis.url) },
    kafka: { ...kafka, sasl: await resolveSasl(kafka.sasl, valueOf) },
  };
}

async function resolveSasl(
  sasl: Config['kafka']['sasl'],
  valueOf: (text: string) => Promise<string>,
): Promise<Config['kafka']['sasl']> {
  if (sasl === null || sasl.mechanism === 'aws-msk-iam') return sasl;
  return { ...sasl, username: await valueOf(sasl.username), password: await valueOf(sasl.password) };
}

async function resolveReference(text: string, secrets: Pick<Secrets, 'resolve'>): Promise<string> {
  const [arn = '', field] = text.split('#');
  const ref = referenceOf(arn);
  if (ref === undefined) return text;
  const value = await secrets.resolve(ref);
  return field === undefined ? value : fieldOf(value, { arn, field });
}

/** SSM takes a parameter's ARN where it takes a name. */
function referenceOf(arn: string): SecretRef | undefined {
  if (SECRET_ARN.test(arn)) return { secretsManager: arn };
  return PARAMETER_ARN.test(arn) ? { ssm: arn } : undefined;
}

function fieldOf(json: string, { arn, field }: { arn: string; field: string }): string {
  const expected = `Cannot read the secret "${arn}": expected a JSON object with a text field "${field}"`;
  let object: unknown;
  try {
    object = JSON.parse(json);
  } catch {
    // The cause would quote the secret.
    throw new ConfigError(`${expected}, current value is no JSON`);
  }
  const value = typeof object === 'object' && object !== null ? new Map(Object.entries(object)).get(field) : undefined;
  if (typeof value !== 'string') throw new ConfigError(`${expected}, current value has none`);
  return value;
}

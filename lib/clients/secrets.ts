/** Secrets by reference: environment, file, Secrets Manager, SSM. Values are cached for a while and never logged or put into errors. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { ConfigError, TransientError } from '../base/errors.ts';
import type { SecretRef } from '../core/policy.ts';
import { awsCall } from './aws/errors.ts';
import { awsIdentity } from './aws/identity.ts';
import type { AwsCredentials } from './aws/identity.ts';
import { thrownOf } from './thrown.ts';

export type Secrets = {
  /** The value. Throws ConfigError when there is none, DeniedError, NotFoundError, TransientError. */
  resolve(ref: SecretRef): Promise<string>;
  /** Forgets cached values: after a 401 of the receiver, so that a rotated secret is read at once. */
  forget(): void;
};

export type SecretsOptions = {
  readonly clock: Clock;
  /** The environment, read by the host. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Needed for `secretsManager` and `ssm` only. */
  readonly region?: string;
  readonly endpoint?: string;
  /** The SDK's default chain when left out. */
  readonly credentials?: () => Promise<AwsCredentials>;
};

/** A rotated secret is used at the latest after this long [ms]; Secrets Manager charges per call. */
export const SECRET_MS_MAX = 300_000;

/** Larger values are not secrets but mistakes [bytes]: the bound of Secrets Manager. */
const SECRET_BYTES_MAX = 65_536;

/** Resolves references; SDK clients are loaded at the first use of their kind. */
export function secretsResolver(options: SecretsOptions): Secrets {
  const cache = new Map<string, { readonly value: string; readonly readMs: number }>();
  return {
    resolve: async (ref) => {
      const key = JSON.stringify(ref);
      const known = cache.get(key);
      const nowMs = options.clock.monotonicMs();
      if (known !== undefined && nowMs - known.readMs < SECRET_MS_MAX) return known.value;
      const value = checked(await read(ref, options), ref);
      cache.set(key, { value, readMs: nowMs });
      return value;
    },
    forget: () => cache.clear(),
  };
}

async function read(ref: SecretRef, options: SecretsOptions): Promise<string | undefined> {
  if ('env' in ref) return options.env[ref.env];
  if ('file' in ref) return readSecretFile(ref.file);
  return 'ssm' in ref ? readParameter(ref.ssm, options) : readManaged(ref.secretsManager, options);
}

/** Mounted secrets often end with a line break that is not part of them. */
async function readSecretFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const { code, message } = thrownOf(error);
    const missing = code === 'ENOENT';
    const text = `Cannot read the secret file "${path}": ${message}`;
    throw missing ? new ConfigError(text, { cause: error }) : new TransientError(text, { cause: error });
  }
}

async function readManaged(id: string, options: SecretsOptions): Promise<string | undefined> {
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient(clientOptions(options));
  const call = { what: `read the secret "${id}"`, action: 'secretsmanager:GetSecretValue' };
  try {
    const answer = await awsCall(call, () => client.send(new GetSecretValueCommand({ SecretId: id })));
    return answer.SecretString;
  } finally {
    client.destroy();
  }
}

async function readParameter(name: string, options: SecretsOptions): Promise<string | undefined> {
  const { SSMClient, GetParameterCommand } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(clientOptions(options));
  const call = { what: `read the parameter "${name}"`, action: 'ssm:GetParameter' };
  try {
    const command = new GetParameterCommand({ Name: name, WithDecryption: true });
    const answer = await awsCall(call, () => client.send(command));
    return answer.Parameter?.Value;
  } finally {
    client.destroy();
  }
}

function clientOptions(options: SecretsOptions) {
  return {
    maxAttempts: 2,
    requestHandler: { connectionTimeout: 1_000, requestTimeout: 2_000, throwOnRequestTimeout: true },
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: awsIdentity(options.credentials) }),
  };
}

function checked(value: string | undefined, ref: SecretRef): string {
  const name = `${Object.keys(ref)[0]} ${Object.values(ref)[0]}`;
  if (value === undefined || value === '') {
    throw new ConfigError(`Cannot resolve the secret "${name}": expected a value, current value is none`);
  }
  if (Buffer.byteLength(value) > SECRET_BYTES_MAX) {
    throw new ConfigError(
      `Cannot resolve the secret "${name}": expected at most ${SECRET_BYTES_MAX} bytes, current value is longer`,
    );
  }
  return value;
}

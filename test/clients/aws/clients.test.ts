import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { ConfigError, TransientError } from '../../../lib/base/errors.ts';
import { awsError } from '../../../lib/clients/aws/errors.ts';
import { SECRET_MS_MAX, secretsResolver } from '../../../lib/clients/secrets.ts';

function serviceError(name: string, message = 'it did not work', httpStatusCode: number | undefined = 400) {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
}

describe('awsError', () => {
  const call = { what: 'resize node group "prod/g5"', action: 'eks:UpdateNodegroupConfig' };
  const codeOf = (error: unknown) => awsError(call, error).code;

  test.each([
    ['ThrottlingException', 'transient'],
    ['Throttling', 'transient'],
    ['TooManyRequestsException', 'transient'],
    ['RequestLimitExceeded', 'transient'],
    ['ResourceInUseException', 'conflict'],
    ['ScalingActivityInProgress', 'conflict'],
    ['ResourceContention', 'conflict'],
    ['AccessDeniedException', 'denied'],
    ['UnrecognizedClientException', 'denied'],
    ['ExpiredTokenException', 'denied'],
    ['CredentialsProviderError', 'denied'],
    ['ResourceNotFoundException', 'not-found'],
    ['ParameterNotFound', 'not-found'],
    ['InvalidParameterException', 'config'],
    ['InvalidRequestException', 'config'],
    ['ClientException', 'config'],
  ])('%s is %s', (name, expected) => {
    expect(codeOf(serviceError(name))).toBe(expected);
  });

  test('server faults, timeouts and lost connections are transient', () => {
    expect(codeOf(serviceError('ServerException', 'x', 500))).toBe('transient');
    expect(codeOf(serviceError('Whatever', 'x', 503))).toBe('transient');
    expect(codeOf(Object.assign(new Error('t'), { name: 'TimeoutError' }))).toBe('transient');
    expect(codeOf(Object.assign(new Error('r'), { code: 'ECONNRESET' }))).toBe('transient');
    expect(codeOf(new SyntaxError('Unexpected token <'))).toBe('transient');
  });

  test('what AWS says under several codes is judged by its words', () => {
    const busy = 'Nodegroup cannot be updated as it is currently not in Active State';
    expect(codeOf(serviceError('InvalidRequestException', busy))).toBe('conflict');
    const none = 'Could not launch. InsufficientInstanceCapacity - We do not have sufficient capacity';
    expect(codeOf(serviceError('ClientException', none))).toBe('capacity');
    const gone = 'Instance Id not found - No managed instance found for instance ID: i-1';
    expect(codeOf(serviceError('ValidationError', gone))).toBe('not-found');
  });

  test('names the action that is missing, from the answer or from the call', () => {
    const said =
      'User: arn:aws:sts::1:assumed-role/p is not authorized to perform: eks:DescribeNodegroup on resource: r';
    expect(awsError(call, serviceError('AccessDeniedException', said)).message).toContain(
      'expected permission for eks:DescribeNodegroup (docs/permissions.md),',
    );
    expect(awsError(call, serviceError('AccessDenied')).message).toContain(
      'permission for eks:UpdateNodegroupConfig (docs/permissions.md),',
    );
  });
});

const start = (env: Record<string, string | undefined> = {}) => {
  const clock = new VirtualClock();
  return { clock, env, secrets: secretsResolver({ clock, env }) };
};
const credentials = () => Promise.resolve({ accessKeyId: 'AKID', secretAccessKey: 'secret' });

describe('secretsResolver', () => {
  test('reads the environment it was given, and reads it again when the value is old', async () => {
    const { clock, env, secrets } = start({ HOOK: 'first' });
    expect(await secrets.resolve({ env: 'HOOK' })).toBe('first');
    env['HOOK'] = 'second';
    expect(await secrets.resolve({ env: 'HOOK' })).toBe('first');
    await clock.advance(SECRET_MS_MAX);
    expect(await secrets.resolve({ env: 'HOOK' })).toBe('second');
    env['HOOK'] = 'third';
    secrets.forget();
    expect(await secrets.resolve({ env: 'HOOK' })).toBe('third');
  });

  test('reads a file without its last line break', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secret-'));
    try {
      const file = join(folder, 'key');
      await writeFile(file, 'two\nlines\n');
      expect(await start().secrets.resolve({ file })).toBe('two\nlines');
      await expect(start().secrets.resolve({ file: join(folder, 'none') })).rejects.toBeInstanceOf(ConfigError);
      await expect(start().secrets.resolve({ file: folder })).rejects.toBeInstanceOf(TransientError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a value that is not there or far too long is refused by its name, never with its value', async () => {
    const { secrets } = start({ EMPTY: '', LONG: 'canary'.repeat(20_000) });
    await expect(secrets.resolve({ env: 'NONE' })).rejects.toThrow(/"env NONE": expected a value/);
    await expect(secrets.resolve({ env: 'EMPTY' })).rejects.toBeInstanceOf(ConfigError);
    const long = await secrets.resolve({ env: 'LONG' }).catch((error: unknown) => String(error));
    expect(long).toMatch(/"env LONG": expected at most 65536 bytes/);
    expect(long).not.toContain('canary');
  });

  test('asks Secrets Manager and SSM through their clients', async () => {
    const targets: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      const target = request.headers['x-amz-target'];
      targets.push(typeof target === 'string' ? target : undefined);
      const isSecret = String(target).startsWith('secretsmanager');
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(isSecret ? { SecretString: 'managed' } : { Parameter: { Value: 'parameter' } }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const clock = new VirtualClock();
      const secrets = secretsResolver({ clock, env: {}, region: 'eu-west-1', endpoint, credentials });
      expect(await secrets.resolve({ secretsManager: 'prod/slack' })).toBe('managed');
      expect(await secrets.resolve({ ssm: '/prod/slack' })).toBe('parameter');
      expect(await secrets.resolve({ secretsManager: 'prod/slack' })).toBe('managed');
      expect(targets).toEqual(['secretsmanager.GetSecretValue', 'AmazonSSM.GetParameter']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '../../lib/base/clock.ts';
import { ConfigError, DeniedError } from '../../lib/base/errors.ts';
import { secretsResolver } from '../../lib/clients/secrets.ts';
import { readConfig } from '../../lib/hosts/config.ts';
import { openOrchestrators } from '../../lib/hosts/orchestrators.ts';
import { makeCertificates } from '../../lib/local/certificates/certificates.ts';
import { workloadPolicy } from '../core/builders.ts';
import { startSwarm } from '../emulators/docker-swarm.ts';
import { PATIENT_MS } from '../support/patience.ts';
import { startMarathon } from '../emulators/marathon.ts';

const LLAMA = { namespace: 'inference', name: 'llama' };

const problemsOf = (env: Record<string, string>): string => {
  try {
    readConfig(env);
  } catch (error) {
    return String(error);
  }
  return 'none';
};

function urlOf(env: Record<string, string>): string | undefined {
  return readConfig(env).docker?.url.href;
}

async function open(env: Record<string, string>) {
  const clock = new VirtualClock();
  const opened = await openOrchestrators(readConfig(env), {
    clock,
    secrets: secretsResolver({ clock, env }),
    timeoutMs: PATIENT_MS,
  });
  const target = (kind: string) => {
    const found = new Map(opened.targets).get(kind);
    if (found === undefined) throw new Error(`no target ${kind}`);
    return found;
  };
  return { ...opened, target };
}

describe('settings of Swarm and Marathon', () => {
  test('a socket, TLS and a plain address on purpose are understood', () => {
    expect(urlOf({ PENSTOCK_DOCKER_HOST: 'unix:///var/run/docker.sock' })).toBe('unix:///var/run/docker.sock');
    const tls = { PENSTOCK_DOCKER_HOST: 'tcp://manager:2376', PENSTOCK_DOCKER_CERT_PATH: '/certs' };
    expect(urlOf(tls)).toBe('https://manager:2376/');
    expect(urlOf({ PENSTOCK_DOCKER_HOST: 'http://socket-proxy:2375' })).toBe('http://socket-proxy:2375/');
  });

  test.each([
    [{ PENSTOCK_DOCKER_HOST: 'tcp://manager:2375' }, /PENSTOCK_DOCKER_HOST is tcp, so PENSTOCK_DOCKER_CERT_PATH/],
    [
      { PENSTOCK_DOCKER_HOST: '/var/run/docker.sock' },
      /PENSTOCK_DOCKER_HOST is "\/var\/run\/docker.sock": expected unix:/,
    ],
    [{ PENSTOCK_MARATHON_URL: 'http://user:hunter2@m:8080' }, /PENSTOCK_MARATHON_URL: expected .* without user/],
    [
      { PENSTOCK_MARATHON_URL: 'http://m', PENSTOCK_MARATHON_AUTH: 'basic' },
      /so PENSTOCK_MARATHON_SECRET_FROM is needed/,
    ],
    [{ PENSTOCK_MARATHON_SECRET_FROM: 'hunter2' }, /PENSTOCK_MARATHON_SECRET_FROM: expected a reference/],
  ])('%p is told to be wrong, without a secret', (env, problem) => {
    expect(problemsOf(env)).toMatch(problem);
    expect(problemsOf(env)).not.toContain('hunter2');
  });

  test.each([
    ['env:MARATHON', { env: 'MARATHON' }],
    ['file:/run/secrets/marathon', { file: '/run/secrets/marathon' }],
    ['arn:aws:ssm:eu-west-1:1:parameter/m', { ssm: 'arn:aws:ssm:eu-west-1:1:parameter/m' }],
    ['arn:aws:secretsmanager:eu-west-1:1:secret:m', { secretsManager: 'arn:aws:secretsmanager:eu-west-1:1:secret:m' }],
  ])('the secret %s is a reference', (text, secretFrom) => {
    const env = {
      PENSTOCK_MARATHON_URL: 'http://m:8080',
      PENSTOCK_MARATHON_AUTH: 'token',
      PENSTOCK_MARATHON_SECRET_FROM: text,
    };
    expect(readConfig(env).marathon).toMatchObject({ auth: { scheme: 'token', secretFrom }, caFile: null });
  });
});

describe('openOrchestrators', () => {
  const closers: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'penstock-orchestrators-'));
    closers.push(() => rmSync(made, { recursive: true }));
    return made;
  };
  const swarmRef = { kind: 'SwarmService', ...LLAMA };
  const appRef = { kind: 'MarathonApp', ...LLAMA };

  test('without settings, each kind says what it needs, to resize and to observe', async () => {
    const { target, views } = await open({});
    await expect(target('SwarmService').read(swarmRef)).rejects.toThrow(/PENSTOCK_DOCKER_HOST is not set/);
    await expect(target('MarathonApp').read(appRef)).rejects.toBeInstanceOf(ConfigError);
    expect([...views.values()]).toEqual(['PENSTOCK_DOCKER_HOST is not set', 'PENSTOCK_MARATHON_URL is not set']);
  });

  test('a Swarm behind mutual TLS is resized and observed with the certificates of the folder', async () => {
    const certificates = makeCertificates(Date.now());
    const { certPem: cert, keyPem: key } = certificates.server;
    const swarm = await startSwarm({ tls: { cert, key, ca: certificates.caPem } });
    closers.push(() => swarm.close());
    swarm.create('inference_llama', { replicas: 3 });
    const certs = folder();
    const write = (ca: string, client = certificates.client) => {
      writeFileSync(join(certs, 'ca.pem'), ca);
      writeFileSync(join(certs, 'cert.pem'), client.certPem);
      writeFileSync(join(certs, 'key.pem'), client.keyPem);
    };
    const env = {
      PENSTOCK_DOCKER_HOST: swarm.endpoint.url.href.replace('https:', 'tcp:'),
      PENSTOCK_DOCKER_CERT_PATH: certs,
    };
    write(certificates.caPem);
    const { target, views } = await open(env);
    const expected = await target('SwarmService').read(swarmRef);
    expect((await target('SwarmService').scale(swarmRef, { replicas: 5, expected, planSeq: 1 })).replicas).toBe(5);
    const view = views.get('SwarmService');
    const policy = workloadPolicy({ target: swarmRef }, 'llama');
    if (typeof view !== 'object') throw new Error('no view');
    expect((await view.observe({ workloads: [policy], nodeGroups: [] })).targets).toMatchObject({
      llama: { ready: 5 },
    });

    const strangers = makeCertificates(Date.now());
    write(certificates.caPem, strangers.client);
    const unknown = (await open(env)).target('SwarmService').read(swarmRef);
    await expect(unknown).rejects.toMatchObject({ message: expect.stringMatching(/Cannot read SwarmService/) });
    write(strangers.caPem);
    const untrusted = (await open(env)).target('SwarmService').read(swarmRef);
    await expect(untrusted).rejects.toBeInstanceOf(DeniedError);
    await expect(untrusted).rejects.toThrow(/expected certificates that both sides trust/);
  });

  test('certificates that are not there are a mistake in the settings', async () => {
    const env = { PENSTOCK_DOCKER_HOST: 'tcp://127.0.0.1:1', PENSTOCK_DOCKER_CERT_PATH: folder() };
    await expect(open(env)).rejects.toThrow(/Cannot read PENSTOCK_DOCKER_CERT_PATH ".*ca.pem"/);
  });

  test.each([
    ['basic', 'penstock:s3cret', `Basic ${Buffer.from('penstock:s3cret').toString('base64')}`],
    ['token', 's3cret', 'token=s3cret'],
    ['bearer', 's3cret', 'Bearer s3cret'],
  ])('Marathon gets its secret as %s, read from a file', async (scheme, secret, header) => {
    const marathon = await startMarathon({ authorization: header });
    closers.push(() => marathon.close());
    marathon.create('/inference/llama', { instances: 3 });
    const path = join(folder(), 'secret');
    writeFileSync(path, `${secret}\n`);
    const { target } = await open({
      PENSTOCK_MARATHON_URL: marathon.endpoint.url.href,
      PENSTOCK_MARATHON_AUTH: scheme,
      PENSTOCK_MARATHON_SECRET_FROM: `file:${path}`,
    });
    expect((await target('MarathonApp').read(appRef)).replicas).toBe(3);
    marathon.authorization = 'something else';
    await expect(target('MarathonApp').read(appRef)).rejects.toBeInstanceOf(DeniedError);
    await expect(target('MarathonApp').read(appRef)).rejects.not.toThrow(/s3cret/);
  });
});

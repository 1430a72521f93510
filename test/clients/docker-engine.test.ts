import { afterEach, describe, expect, test } from '@jest/globals';
import { ConfigError, ConflictError, TransientError } from '../../lib/base/errors.ts';
import { dockerEngine } from '../../lib/clients/docker-engine.ts';
import { readService, resizeService } from '../../lib/clients/docker-engine-services.ts';
import { startSwarm } from '../emulators/docker-swarm.ts';
import type { Swarm } from '../emulators/docker-swarm.ts';
import { startEmulator } from '../emulators/http-emulator.ts';
import type { Emulator } from '../emulators/http-emulator.ts';
import { PATIENT_MS } from '../support/patience.ts';

function paths(swarm: Swarm): string[] {
  return swarm.requests.map((one) => one.url.pathname);
}

describe('dockerEngine', () => {
  const open: Emulator[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  const start = async (apiVersion = '1.47'): Promise<Swarm> => {
    const swarm = await startSwarm({ apiVersion });
    open.push(swarm);
    swarm.create('llama', { replicas: 1 });
    return swarm;
  };

  test('speaks the version of the engine, asked for once', async () => {
    const swarm = await start('1.52');
    const engine = dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS });
    await readService(engine, 'llama', 'read');
    await readService(engine, 'llama', 'read');
    expect(paths(swarm)).toEqual(['/_ping', '/v1.52/services/llama', '/v1.52/services/llama']);
  });

  test('an engine that was upgraded meanwhile is read again in its own version, before anything is written', async () => {
    const swarm = await start('1.43');
    const engine = dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS });
    await readService(engine, 'llama', 'read');
    swarm.apiVersion = '1.52';
    const service = await readService(engine, 'llama', 'read');
    await resizeService(engine, service, { replicas: 2, what: 'scale' });
    expect(paths(swarm).slice(2, 4)).toEqual(['/v1.43/services/llama', '/v1.52/services/llama']);
    expect(paths(swarm).at(-1)).toMatch(/^\/v1\.52\/services\/\w+\/update$/);
  });

  test('a write that met another engine than the read is told as unknown, and works from the next read on', async () => {
    const swarm = await start('1.47');
    const engine = dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS });
    const service = await readService(engine, 'llama', 'read');
    swarm.before('POST', () => (swarm.apiVersion = '1.41'));
    const refused = resizeService(engine, service, { replicas: 2, what: 'scale' });
    await expect(refused).rejects.toBeInstanceOf(TransientError);
    await expect(refused).rejects.toThrow(/API version 1.41/);
    await resizeService(engine, await readService(engine, 'llama', 'read'), { replicas: 2, what: 'scale' });
    expect(swarm.service('llama').Spec.Mode.Replicated?.Replicas).toBe(2);
  });

  test.each(['1.29', '2.0', 'none'])(
    'an engine of version %s is refused: an update could replace the image',
    async (version) => {
      const swarm = await start(version);
      await expect(
        readService(dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS }), 'llama', 'read'),
      ).rejects.toBeInstanceOf(ConfigError);
      expect(paths(swarm)).toEqual(['/_ping']);
    },
  );

  test.each([
    [500, 'rpc error: code = Unknown desc = update out of sequence'],
    [400, 'update out of sequence'],
    [409, 'some other conflict'],
  ])('status %i with "%s" is a conflict', async (status, message) => {
    const swarm = await start();
    const engine = dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS });
    const service = await readService(engine, 'llama', 'read');
    swarm.fail({
      kind: 'answer',
      method: 'POST',
      answer: { status, body: { message }, headers: { 'api-version': '1.47' } },
    });
    await expect(resizeService(engine, service, { replicas: 2, what: 'scale' })).rejects.toBeInstanceOf(ConflictError);
  });

  test('a 429 tells how long to wait', async () => {
    const swarm = await start();
    swarm.fail({ kind: 'answer', answer: { status: 429, body: 'slow down', headers: { 'retry-after': '7' } } });
    await expect(
      readService(dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS }), 'llama', 'read'),
    ).rejects.toMatchObject({
      code: 'transient',
      retryAfterMs: 7_000,
    });
  });

  test('numbers that JavaScript cannot hold come back exactly as they were', async () => {
    const spec =
      '{"Name":"llama","TaskTemplate":{"ContainerSpec":{"Ulimits":[{"Name":"memlock","Hard":9223372036854775807,"Soft":-9223372036854775808}],"Env":["N=9223372036854775807"]},"Resources":{"Limits":{"MemoryBytes":0.5}}},"Mode":{"Replicated":{"Replicas":3}}}';
    const service = `{"ID":"abc","Version":{"Index":18446744073709551615},"Spec":${spec}}`;
    const raw = await startEmulator(({ url }) => ({
      status: 200,
      body: url.pathname === '/_ping' ? 'OK' : service,
      headers: { 'api-version': '1.47' },
    }));
    open.push(raw);
    const engine = dockerEngine(raw.endpoint, { timeoutMs: PATIENT_MS });
    await resizeService(engine, await readService(engine, 'llama', 'read'), { replicas: 5, what: 'scale' });
    const update = raw.requests.at(-1);
    expect(update?.body).toBe(spec.replace('"Replicas":3', '"Replicas":5'));
    expect(update?.url.search).toBe('?version=18446744073709551615');
  });
});

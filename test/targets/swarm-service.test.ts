import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, ConflictError, DeniedError, NotFoundError, TransientError } from '../../lib/base/errors.ts';
import { dockerEngine } from '../../lib/clients/docker-engine.ts';
import type { DockerEngineOptions } from '../../lib/clients/docker-engine.ts';
import { swarmService } from '../../lib/targets/swarm-service.ts';
import { targetConformance } from '../conformance/target.ts';
import { startSwarm } from '../emulators/docker-swarm.ts';
import type { Swarm, SwarmOptions } from '../emulators/docker-swarm.ts';
import { PATIENT_MS } from '../support/patience.ts';

const ref = { kind: 'SwarmService', namespace: 'inference', name: 'llama' };
const NAME = 'inference_llama';

async function started(options: SwarmOptions = {}): Promise<Swarm> {
  const swarm = await startSwarm(options);
  swarm.create(NAME, { replicas: 3, stack: 'inference' });
  return swarm;
}

targetConformance('swarmService', async () => {
  const swarm = await started();
  return {
    target: swarmService(dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS })),
    ref,
    put: async (replicas) => swarm.scale(NAME, replicas),
    touch: async () => swarm.note(NAME, 'completed'),
    remove: async () => swarm.remove(NAME),
    close: () => swarm.close(),
  };
});

targetConformance('swarmService over a unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-swarm-'));
  const swarm = await started({ socketPath: join(folder, 'docker.sock') });
  return {
    target: swarmService(dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS })),
    ref,
    put: async (replicas) => swarm.scale(NAME, replicas),
    touch: async () => swarm.note(NAME, 'completed'),
    remove: async () => swarm.remove(NAME),
    close: async () => {
      await swarm.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('swarmService', () => {
  let swarm: Swarm | undefined;
  afterEach(() => swarm?.close());
  const start = async (options: SwarmOptions = {}, engine: DockerEngineOptions = { timeoutMs: PATIENT_MS }) => {
    swarm = await started(options);
    return { swarm, target: swarmService(dockerEngine(swarm.endpoint, engine)) };
  };

  test('writes the whole spec back with one number changed, and the version it was read with', async () => {
    const { swarm: running, target } = await start();
    const before = structuredClone(running.service(NAME));
    const expected = await target.read(ref);
    await target.scale(ref, { replicas: 5, expected, planSeq: 1 });
    const [update] = running.requests.filter((one) => one.method === 'POST');
    expect(update?.url.pathname).toBe(`/v1.47/services/${before.ID}/update`);
    expect(update?.url.search).toBe(`?version=${before.Version.Index}`);
    expect(JSON.parse(update?.body ?? '')).toEqual({ ...before.Spec, Mode: { Replicated: { Replicas: 5 } } });
    expect(running.service(NAME).UpdateStatus).toBeUndefined();
    expect(running.tasks(NAME)).toHaveLength(5);
  });

  test('writes nothing when the count is there already', async () => {
    const { swarm: running, target } = await start();
    await target.scale(ref, { replicas: 3, expected: await target.read(ref), planSeq: 1 });
    expect(running.requests.filter((one) => one.method === 'POST')).toEqual([]);
  });

  test('a read and a scale are three requests and a ping', async () => {
    const { swarm: running, target } = await start();
    await target.scale(ref, { replicas: 5, expected: await target.read(ref), planSeq: 1 });
    expect(running.requests.map((one) => one.method)).toEqual(['GET', 'GET', 'POST', 'GET']);
  });

  test('a state that another process read is as good: the service is read again and compared', async () => {
    const { target } = await start();
    const expected = structuredClone(await target.read(ref));
    expect((await target.scale(ref, { replicas: 5, expected, planSeq: 1 })).replicas).toBe(5);
    const late = target.scale(ref, { replicas: 6, expected, planSeq: 1 });
    await expect(late).rejects.toThrow(/expected version \d+, current value is \d+/);
  });

  test('a forced update of somebody else is another generation', async () => {
    const { swarm: running, target } = await start();
    const before = await target.read(ref);
    running.rollout(NAME);
    expect((await target.read(ref)).generation).not.toBe(before.generation);
  });

  test('a service of the same name that was made anew is not resized in the place of the old one', async () => {
    const { swarm: running, target } = await start();
    const expected = await target.read(ref);
    running.remove(NAME);
    running.create(NAME, { replicas: 8 });
    await expect(target.scale(ref, { replicas: 1, expected, planSeq: 1 })).rejects.toBeInstanceOf(ConflictError);
    expect(running.service(NAME).Spec.Mode.Replicated?.Replicas).toBe(8);
  });

  test('a name that is the beginning of the id of another service is not found', async () => {
    const { swarm: running, target } = await start();
    const other = { ...ref, namespace: 'default', name: running.service(NAME).ID.slice(0, 6) };
    await expect(target.read(other)).rejects.toBeInstanceOf(NotFoundError);
  });

  test('a service without replicas is a mistake in the policy', async () => {
    const { swarm: running, target } = await start();
    running.service(NAME).Spec.Mode = { Global: {} };
    await expect(target.read(ref)).rejects.toThrow(/expected a replicated service, current value is Global/);
    await expect(target.read(ref)).rejects.toBeInstanceOf(ConfigError);
  });

  test('an engine that is no manager is told in its own words, and tried again', async () => {
    const { swarm: running, target } = await start();
    const message = 'This node is not a swarm manager. Use "docker swarm init"';
    running.fail({ kind: 'answer', path: /services/, answer: { status: 503, body: { message } } });
    await expect(target.read(ref)).rejects.toThrow(/HTTP 503: This node is not a swarm manager/);
    await expect(target.read(ref)).rejects.toBeInstanceOf(TransientError);
  });

  test('a lost answer is transient, and the count is there at the next read', async () => {
    const { swarm: running, target } = await start();
    const expected = await target.read(ref);
    running.fail({ kind: 'lost', method: 'POST', times: 1 });
    await expect(target.scale(ref, { replicas: 5, expected, planSeq: 1 })).rejects.toBeInstanceOf(TransientError);
    expect((await target.read(ref)).replicas).toBe(5);
  });

  test('gives up on an engine that does not answer, and works when it answers again', async () => {
    let isPatient = false;
    const deadlineOf = (ms: number): AbortSignal => AbortSignal.timeout(isPatient ? PATIENT_MS : ms);
    const { swarm: running, target } = await start({}, { timeoutMs: 200, deadlineOf });
    running.fail({ kind: 'hang', times: 1 });
    await expect(target.read(ref)).rejects.toThrow(/expected an answer, current value is none within 200 ms/);
    isPatient = true;
    expect((await target.read(ref)).replicas).toBe(3);
  });

  test('an engine that is away is transient', async () => {
    const { swarm: running, target } = await start();
    await running.close();
    await expect(target.read(ref)).rejects.toBeInstanceOf(TransientError);
    swarm = undefined;
  });

  test('a proxy that forbids writes is a missing permission', async () => {
    const { swarm: running, target } = await start();
    running.fail({ kind: 'answer', method: 'POST', answer: { status: 403, body: '<html>403 Forbidden</html>' } });
    const denied = target.scale(ref, { replicas: 5, expected: await target.read(ref), planSeq: 1 });
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
  });
});

import { afterEach, describe, expect, test } from '@jest/globals';
import { ConfigError, ConflictError, DeniedError, NotFoundError, TransientError } from '../../lib/base/errors.ts';
import { marathonClient } from '../../lib/clients/marathon.ts';
import { marathonApp } from '../../lib/targets/marathon-app.ts';
import { targetConformance } from '../conformance/target.ts';
import { PATIENT_MS } from '../support/patience.ts';
import { startMarathon } from '../emulators/marathon.ts';
import type { Marathon, MarathonOptions } from '../emulators/marathon.ts';

const ref = { kind: 'MarathonApp', namespace: 'inference', name: 'llama' };
const ID = '/inference/llama';

async function started(options: MarathonOptions = {}): Promise<Marathon> {
  const marathon = await startMarathon(options);
  marathon.create(ID, { instances: 3 });
  return marathon;
}

function writes(running: Marathon) {
  return running.requests.filter((one) => one.method !== 'GET');
}

targetConformance(
  'marathonApp',
  async () => {
    // As in life, a deployment takes a while: it is what keeps a second writer out.
    const marathon = await started({ instant: false });
    return {
      target: marathonApp(marathonClient({ ...marathon, timeoutMs: PATIENT_MS })),
      ref,
      put: async (instances) => marathon.scale(ID, instances),
      remove: async () => marathon.remove(ID),
      close: () => marathon.close(),
    };
  },
  { noTouch: 'Marathon has no write beside the definition: what tasks do is no part of the version' },
);

describe('marathonApp', () => {
  test('its hole: a change that began and ended between the last look and the write is not noticed', async () => {
    const { marathon: running, target } = await start({ instant: true });
    const expected = await target.read(ref);
    running.before('PUT', () => running.scale(ID, 8));
    expect((await target.scale(ref, { replicas: 7, expected, planSeq: 1 })).replicas).toBe(7);
  });

  let marathon: Marathon | undefined;
  afterEach(() => marathon?.close());
  const start = async (options: MarathonOptions = {}, timeoutMs = PATIENT_MS) => {
    marathon = await started(options);
    return { marathon, target: marathonApp(marathonClient({ ...marathon, timeoutMs })) };
  };

  test('asks for a number of instances and nothing else, without force', async () => {
    const { marathon: running, target } = await start();
    await target.scale(ref, { replicas: 5, expected: await target.read(ref), planSeq: 1 });
    const [put] = writes(running);
    expect(`${put?.method} ${put?.url.pathname}${put?.url.search}`).toBe('PUT /v2/apps/inference/llama?force=false');
    expect(put?.body).toBe('{"instances":5}');
    expect(running.app(ID).instances).toBe(5);
  });

  test('writes nothing when the count is there already: every write would be a deployment', async () => {
    const { marathon: running, target } = await start();
    await target.scale(ref, { replicas: 3, expected: await target.read(ref), planSeq: 1 });
    expect(writes(running)).toEqual([]);
  });

  test('goes on while an earlier scaling still waits for its instances: that deployment alone is ended', async () => {
    const { marathon: running, target } = await start({ instant: false, gpus: 4 });
    await target.scale(ref, { replicas: 9, expected: await target.read(ref), planSeq: 1 });
    running.settle();
    const [stuck] = running.deployments;
    expect(running.tasks(ID)).toHaveLength(4);
    const scaled = await target.scale(ref, { replicas: 2, expected: await target.read(ref), planSeq: 2 });
    expect(scaled).toMatchObject({ replicas: 2, resourceVersion: running.app(ID).version });
    expect(running.requests.some((one) => one.method === 'DELETE' && one.url.pathname.endsWith(stuck?.id ?? '-'))).toBe(
      true,
    );
    running.settle();
    expect([running.tasks(ID).length, running.deployments.length]).toEqual([2, 0]);
    expect(running.requests.every((one) => one.method !== 'PUT' || one.url.search === '?force=false')).toBe(true);
  });

  test('waits for a restart, and does not end it', async () => {
    const { marathon: running, target } = await start({ instant: false });
    running.restart(ID);
    const expected = await target.read(ref);
    const locked = target.scale(ref, { replicas: 5, expected, planSeq: 1 });
    await expect(locked).rejects.toBeInstanceOf(ConflictError);
    await expect(locked).rejects.toThrow(/App is locked by one or more deployments/);
    expect(running.deployments).toHaveLength(1);
    expect(running.app(ID).instances).toBe(3);
    running.settle();
    expect((await target.scale(ref, { replicas: 5, expected, planSeq: 1 })).replicas).toBe(5);
  });

  test('waits for a deployment that scales other apps as well', async () => {
    const { marathon: running, target } = await start({ instant: false });
    running.scale(ID, 4);
    const [deployment] = running.deployments;
    deployment?.affectedApps.push('/inference/mistral');
    const locked = target.scale(ref, { replicas: 5, expected: await target.read(ref), planSeq: 1 });
    await expect(locked).rejects.toBeInstanceOf(ConflictError);
    expect(running.deployments).toEqual([deployment]);
  });

  test('does not end a scaling that began after it read the app', async () => {
    const { marathon: running, target } = await start({ instant: false });
    const expected = await target.read(ref);
    running.before('PUT', () => running.scale(ID, 8));
    await expect(target.scale(ref, { replicas: 1, expected, planSeq: 1 })).rejects.toBeInstanceOf(ConflictError);
    expect(running.app(ID).instances).toBe(8);
    expect(running.deployments).toHaveLength(1);
  });

  test('an app that goes between the last look and the write is not made anew', async () => {
    const { marathon: running, target } = await start();
    const expected = await target.read(ref);
    running.before('PUT', () => running.remove(ID));
    await expect(target.scale(ref, { replicas: 5, expected, planSeq: 1 })).rejects.toBeInstanceOf(ConfigError);
    await expect(target.read(ref)).rejects.toBeInstanceOf(NotFoundError);
  });

  test('a wrong token is denied, and a rotated one is read again', async () => {
    const { marathon: running } = await start({ authorization: 'token=new' });
    let [secret, read] = ['old', 0];
    const auth = {
      scheme: 'token' as const,
      secret: async () => (read++, secret),
      forget: () => void (secret = read > 1 ? 'new' : secret),
    };
    const target = marathonApp(marathonClient({ ...running, auth, timeoutMs: PATIENT_MS }));
    const denied = target.read(ref);
    await expect(denied).rejects.toBeInstanceOf(DeniedError);
    await expect(denied).rejects.toThrow(/HTTP 401: Invalid username or password/);
    await expect(denied).rejects.not.toThrow(/old|new/);
    expect((await target.read(ref)).replicas).toBe(3);
  });

  test('a lost answer is transient, and the count is there at the next read', async () => {
    const { marathon: running, target } = await start();
    const expected = await target.read(ref);
    running.fail({ kind: 'lost', method: 'PUT', times: 1 });
    await expect(target.scale(ref, { replicas: 5, expected, planSeq: 1 })).rejects.toBeInstanceOf(TransientError);
    expect((await target.read(ref)).replicas).toBe(5);
  });

  test.each([
    ['a Marathon without a leader', { status: 503, body: 'Could not determine the current leader' }],
    ['an error of its own', { status: 500, body: { message: 'Futures timed out after [10000 milliseconds]' } }],
    ['a page of a proxy', { status: 200, body: '<html>Sign in</html>' }],
    [
      'an app without its number of instances',
      { status: 200, body: { app: { id: ID, version: '2026-01-01T00:00:00Z' } } },
    ],
  ])('%s is transient', async (_, answer) => {
    const { marathon: running, target } = await start();
    running.fail({ kind: 'answer', answer });
    await expect(target.read(ref)).rejects.toBeInstanceOf(TransientError);
  });

  test('gives up on a server that does not answer', async () => {
    const { marathon: running, target } = await start({}, 200);
    running.fail({ kind: 'hang', times: 1 });
    await expect(target.read(ref)).rejects.toThrow(/expected an answer, current value is none within 200 ms/);
  });
});

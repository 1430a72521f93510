import { afterEach, describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { dockerEngine } from '../../lib/clients/docker-engine.ts';
import { clusterViewByKind } from '../../lib/cluster-view/index.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import { swarmView } from '../../lib/cluster-view/swarm.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, node, observedGroup, workloadPolicy } from '../core/builders.ts';
import { startSwarm } from '../emulators/docker-swarm.ts';
import type { Swarm, SwarmOptions } from '../emulators/docker-swarm.ts';
import { PATIENT_MS } from '../support/patience.ts';

const policyOf = (name: string, spec: object = {}) =>
  workloadPolicy({ target: { kind: 'SwarmService', namespace: 'inference', name }, ...spec }, name);

clusterViewConformance('swarmView, beside another orchestrator,', async () => {
  const clock = new VirtualClock();
  const swarm = await startSwarm({ nodes: [1, 1] });
  swarm.create('inference_llama', { replicas: 2 });
  const otherwise = memoryClusterView({ clock });
  otherwise.nodeGroups.set('g5', observedGroup([node('node-0'), node('node-1')]));
  const view = swarmView({ engine: dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS }), clock });
  return {
    view: clusterViewByKind({ views: new Map([['SwarmService', view]]), otherwise, clock }),
    workload: policyOf('llama'),
    group: groupPolicy({}, 'g5'),
    unknownWorkload: policyOf('nothing'),
    unknownGroup: groupPolicy({}, 'nothing'),
    nowMs: () => clock.nowMs(),
    pass: (sec) => clock.advance(sec * 1000),
    cut: () => {
      otherwise.unreachable = true;
      swarm.fail({
        kind: 'answer',
        answer: { status: 500, body: { message: 'rpc error: context deadline exceeded' } },
      });
    },
    close: () => swarm.close(),
  };
});

describe('swarmView', () => {
  let swarm: Swarm;
  afterEach(() => swarm.close());
  const start = async (options: SwarmOptions = {}) => {
    swarm = await startSwarm(options);
    const view = swarmView({
      engine: dockerEngine(swarm.endpoint, { timeoutMs: PATIENT_MS }),
      clock: new VirtualClock(),
    });
    const observe = async (...policies: ReturnType<typeof policyOf>[]) =>
      (await view.observe({ workloads: policies, nodeGroups: [] })).targets;
    const observeOne = async (policy = policyOf('llama')) => {
      const target = (await observe(policy))[policy.metadata.name];
      if (target?.kind !== 'observed') throw new Error(target?.reason ?? 'nothing');
      return target;
    };
    return { observe, observeOne };
  };

  test('tells replicas, version, tasks and the GPUs a task reserves', async () => {
    const { observeOne } = await start({ kind: 'gpu-a100' });
    const service = swarm.create('inference_llama', { replicas: 3, gpus: 2 });
    const target = await observeOne();
    expect(target).toMatchObject({
      replicas: 3,
      ready: 3,
      resourceVersion: String(service.Version.Index),
      gpusPerReplica: { 'nvidia.com/gpu': 2 },
      rolloutInProgress: false,
    });
    expect(target.pods[0]).toMatchObject({
      name: expect.stringMatching(/^inference_llama\.1\.\w+$/),
      nodeName: 'node-0',
      terminationGraceSec: 30,
      ip: expect.stringMatching(/^10\.0\.9\.\d+$/),
    });
  });

  test.each([
    ['amd-gpu', { 'amd.com/gpu': 1 }],
    ['ssd', {}],
  ])('generic resources of kind %s count as %p', async (kind, counts) => {
    const { observeOne } = await start({ kind });
    swarm.create('inference_llama', { replicas: 1 });
    expect((await observeOne()).gpusPerReplica).toEqual(counts);
    const told = policyOf('llama', { gpusPerReplica: { 'nvidia.com/gpu': 4 } });
    expect((await observeOne(told)).gpusPerReplica).toEqual({ 'nvidia.com/gpu': 4 });
  });

  test('a task that no node has GPUs for is not ready, and cannot be scheduled', async () => {
    const { observeOne } = await start({ nodes: [1] });
    swarm.create('inference_llama', { replicas: 2 });
    const target = await observeOne();
    expect(target).toMatchObject({ replicas: 2, ready: 1 });
    expect(target.pods.filter((pod) => pod.unschedulable)).toMatchObject([{ nodeName: null, ready: false }]);
  });

  test('a task that starts is not ready; one on its way out is terminating, and gone when it is over', async () => {
    const { observeOne } = await start();
    swarm.holdStarts = true;
    swarm.create('inference_llama', { replicas: 2 });
    expect((await observeOne()).ready).toBe(0);
    swarm.release();
    expect((await observeOne()).ready).toBe(2);
    swarm.scale('inference_llama', 1);
    const leaving = await observeOne();
    expect([leaving.ready, leaving.pods.filter((pod) => pod.terminating).length]).toEqual([1, 1]);
    swarm.release();
    expect((await observeOne()).pods).toHaveLength(1);
  });

  test.each(['updating', 'paused', 'rollback_started', 'rollback_paused'])(
    'an update that is %s is a rollout',
    async (state) => {
      const { observeOne } = await start();
      swarm.create('inference_llama', { replicas: 1 });
      const before = await observeOne();
      swarm.note('inference_llama', state);
      const during = await observeOne();
      expect([before.rolloutInProgress, during.rolloutInProgress]).toEqual([false, true]);
      expect(during.generation).toBe(before.generation);
      swarm.note('inference_llama', 'completed');
      expect((await observeOne()).rolloutInProgress).toBe(false);
    },
  );

  test('a service that another autoscaler is told to own says so', async () => {
    const { observeOne } = await start();
    swarm.create('inference_llama', { replicas: 1 }).Spec.Labels['swarm.autoscaler'] = 'true';
    expect((await observeOne()).scaledBy).toBe('label swarm.autoscaler');
  });

  test('a service that cannot be resized is missing with the reason, and spoils nothing else', async () => {
    const { observe } = await start();
    swarm.create('inference_agent', { replicas: 1 }).Spec.Mode = { Global: {} };
    swarm.create('inference_llama', { replicas: 1 });
    const targets = await observe(policyOf('agent'), policyOf('llama'), policyOf('other'));
    expect(targets).toMatchObject({
      agent: { kind: 'missing', reason: expect.stringContaining('current value is Global') },
      llama: { kind: 'observed' },
      other: { kind: 'missing', reason: 'SwarmService "inference_other" does not exist' },
    });
  });

  test('a service that goes between the two lists is missing, and the others are observed', async () => {
    const { observe } = await start();
    swarm.create('inference_llama', { replicas: 1 });
    swarm.create('inference_mistral', { replicas: 1 });
    // The ping, the services, and then the tasks.
    swarm.before('GET', () => swarm.before('GET', () => swarm.before('GET', () => swarm.remove('inference_mistral'))));
    const targets = await observe(policyOf('llama'), policyOf('mistral'));
    expect(targets).toMatchObject({ llama: { kind: 'observed' }, mistral: { kind: 'missing' } });
  });

  test('tasks that cannot be listed leave the service unknown, never without tasks', async () => {
    const { observe } = await start();
    swarm.create('inference_llama', { replicas: 1 });
    swarm.fail({ kind: 'answer', path: /tasks$/, answer: { status: 500, body: { message: 'rpc error' } } });
    await expect(observe(policyOf('llama'))).rejects.toThrow(/HTTP 500: rpc error/);
  });

  test('two lists per observation, however many services there are', async () => {
    const { observe } = await start({ nodes: [100] });
    const names = Array.from({ length: 40 }, (_, index) => `model-${index}`);
    for (const name of names) swarm.create(`inference_${name}`, { replicas: 1 });
    const targets = await observe(...names.map((name) => policyOf(name)));
    expect(Object.values(targets).every((one) => one.kind === 'observed' && one.ready === 1)).toBe(true);
    expect(swarm.requests.map((one) => one.url.pathname)).toEqual(['/_ping', '/v1.47/services', '/v1.47/tasks']);
  });
});

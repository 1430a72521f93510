import { afterEach, describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { marathonClient } from '../../lib/clients/marathon.ts';
import { clusterViewByKind } from '../../lib/cluster-view/index.ts';
import { marathonView } from '../../lib/cluster-view/marathon.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, node, observedGroup, workloadPolicy } from '../core/builders.ts';
import { PATIENT_MS } from '../support/patience.ts';
import { startMarathon } from '../emulators/marathon.ts';
import type { Marathon, MarathonOptions } from '../emulators/marathon.ts';

const policyOf = (name: string) =>
  workloadPolicy({ target: { kind: 'MarathonApp', namespace: 'inference', name } }, name);

clusterViewConformance('marathonView, beside another orchestrator,', async () => {
  const clock = new VirtualClock();
  const marathon = await startMarathon();
  marathon.create('/inference/llama', { instances: 2 });
  const otherwise = memoryClusterView({ clock });
  otherwise.nodeGroups.set('g5', observedGroup([node('agent-0'), node('agent-1')]));
  const view = marathonView({ client: marathonClient({ ...marathon, timeoutMs: PATIENT_MS }), clock });
  return {
    view: clusterViewByKind({ views: new Map([['MarathonApp', view]]), otherwise, clock }),
    workload: policyOf('llama'),
    group: groupPolicy({}, 'g5'),
    unknownWorkload: policyOf('nothing'),
    unknownGroup: groupPolicy({}, 'nothing'),
    nowMs: () => clock.nowMs(),
    pass: (sec) => clock.advance(sec * 1000),
    cut: () => {
      otherwise.unreachable = true;
      marathon.fail({ kind: 'answer', answer: { status: 503, body: 'Could not determine the current leader' } });
    },
    close: () => marathon.close(),
  };
});

describe('marathonView', () => {
  let marathon: Marathon;
  afterEach(() => marathon.close());
  const start = async (options: MarathonOptions = {}) => {
    marathon = await startMarathon({ instant: false, ...options });
    marathon.create('/inference/llama', { instances: 2, gpus: 4 });
    const view = marathonView({
      client: marathonClient({ ...marathon, timeoutMs: PATIENT_MS }),
      clock: new VirtualClock(),
    });
    return async (...policies: ReturnType<typeof policyOf>[]) =>
      (await view.observe({ workloads: policies, nodeGroups: [] })).targets;
  };

  test('tells instances, version, tasks and GPUs', async () => {
    const observe = await start();
    const { version } = marathon.app('/inference/llama');
    expect(await observe(policyOf('llama'))).toMatchObject({
      llama: {
        kind: 'observed',
        replicas: 2,
        ready: 2,
        generation: Date.parse(version),
        resourceVersion: version,
        gpusPerReplica: { 'nvidia.com/gpu': 4 },
        pods: [{ nodeName: 'agent-1', ready: true, terminating: false, ip: '10.1.0.1' }, { nodeName: 'agent-0' }],
        rolloutInProgress: false,
        scaledBy: null,
      },
    });
  });

  test('a staged task is there and not ready; a running one is ready when every health check says so', async () => {
    const observe = await start();
    marathon.scale('/inference/llama', 3);
    expect(await observe(policyOf('llama'))).toMatchObject({
      llama: { replicas: 3, ready: 2, rolloutInProgress: false },
    });
    const [task] = marathon.tasks('/inference/llama').slice(2);
    if (task === undefined) throw new Error('no task');
    task.state = 'TASK_RUNNING';
    expect(await observe(policyOf('llama'))).toMatchObject({ llama: { ready: 2 } });
    marathon.settle();
    expect(await observe(policyOf('llama'))).toMatchObject({ llama: { ready: 3 } });
  });

  test('a task that cannot be reached is there and not ready; one that is killed is terminating', async () => {
    const observe = await start();
    const [first, second] = marathon.tasks('/inference/llama');
    if (first === undefined || second === undefined) throw new Error('no tasks');
    first.state = 'TASK_UNREACHABLE';
    second.state = 'TASK_KILLING';
    expect(await observe(policyOf('llama'))).toMatchObject({
      llama: { ready: 0, pods: [{ terminating: false }, { terminating: true }] },
    });
  });

  test('a restart is a rollout', async () => {
    const observe = await start();
    marathon.restart('/inference/llama');
    expect(await observe(policyOf('llama'))).toMatchObject({ llama: { rolloutInProgress: true } });
  });

  test('deployments that cannot be listed leave only the apps unknown that are being changed', async () => {
    const observe = await start();
    marathon.create('/inference/mistral', { instances: 1 });
    marathon.scale('/inference/llama', 3);
    marathon.fail({ kind: 'answer', path: /deployments$/, answer: { status: 500 } });
    expect(await observe(policyOf('llama'), policyOf('mistral'))).toMatchObject({
      llama: { kind: 'missing', reason: expect.stringContaining('HTTP 500') },
      mistral: { kind: 'observed' },
    });
  });
});

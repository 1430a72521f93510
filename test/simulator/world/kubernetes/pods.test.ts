import { describe, expect, test } from '@jest/globals';
import { deletionOrder } from '../../../../lib/simulator/world/kubernetes/deletion-order.ts';
import { buildWorld, deployment, elapsedSec, group, secUntil, START_MS, wait } from '../builders.ts';

describe('L1 replicas', () => {
  test('the initial pods are Ready where they fit', () => {
    const world = buildWorld({ deployments: [deployment({ replicas: 3 })] });
    wait(world, 1);
    expect(world.readyPods('chat')).toHaveLength(2);
    expect(world.deployment('chat').status).toMatchObject({ replicas: 3, readyReplicas: 2, observedGeneration: 1 });
  });

  test('scaling bumps the generation at once and observedGeneration after the controller delay', () => {
    const world = buildWorld();
    world.scale('chat', 1);
    expect(world.deployment('chat')).toMatchObject({ generation: 2, status: { observedGeneration: 1 } });
    wait(world, 0.02);
    expect(world.deployment('chat').status.observedGeneration).toBe(2);
  });

  test('scaling to the present replicas changes nothing', () => {
    const world = buildWorld();
    wait(world, 1);
    const before = world.state.version;
    world.scale('chat', 2);
    wait(world, 1);
    expect(world.state.version).toBe(before);
  });

  test('a deleted pod is replaced', () => {
    const world = buildWorld();
    const [victim] = world.readyPods('chat');
    if (victim === undefined) throw new Error('no pod');
    world.deletePod(victim);
    wait(world, 100);
    expect(world.readyPods('chat')).toHaveLength(2);
    expect(world.readyPods('chat')).not.toContain(victim);
  });
});

describe('L2 placement', () => {
  test('a pod without a free GPU stays Pending and says why, until a node brings one', () => {
    const world = buildWorld();
    world.scale('chat', 3);
    wait(world, 1);
    const [pending] = world.state.pendingPods;
    expect(pending?.unschedulable).toBe('0/2 nodes are available: 2 Insufficient nvidia.com/gpu.');
    world.editGroup('gpu', { desiredSize: 3 });
    expect(secUntil(world, () => world.readyPods('chat').length === 3)).toBeCloseTo(1 + 1 + 60 + 10 + 0.02 + 5 + 79, 2);
  });

  test('cordoned nodes, foreign taints and other node selectors are avoided', () => {
    const world = buildWorld({
      nodeGroups: [
        group({ desiredSize: 1 }),
        group({ name: 'tainted', desiredSize: 1, taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] }),
        group({ name: 'other', desiredSize: 1, labels: { pool: 'other' } }),
      ],
      deployments: [
        deployment({ replicas: 0 }),
        deployment({ name: 'picky', replicas: 1, nodeSelector: { pool: 'other' } }),
      ],
    });
    expect(world.readyPods('picky')[0]?.node?.labels['eks.amazonaws.com/nodegroup']).toBe('other');
    const [node] = world.readyNodes('gpu');
    if (node === undefined) throw new Error('no node');
    world.cordon(node, true);
    world.scale('chat', 1);
    wait(world, 1);
    const [pending] = world.state.pendingPods;
    expect(pending?.unschedulable).toBe(
      '0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had untolerated taint {team: a}, 1 node(s) were unschedulable.',
    );
    world.cordon(node, false);
    wait(world, 1);
    expect(pending?.node).toBe(node);
  });
});

describe('L3 start', () => {
  test('a pod is Ready after image pull and model load, and the image is pulled once per node', () => {
    const big = { gpusPerNode: 8, desiredSize: 1 };
    const world = buildWorld({
      nodeGroups: [group(big)],
      deployments: [deployment({ replicas: 0, imagePullSec: 100, modelLoadSec: 50 })],
    });
    world.scale('chat', 2);
    expect(secUntil(world, () => world.readyPods('chat').length === 2)).toBeCloseTo(150.02, 2);
    world.scale('chat', 3);
    const third = secUntil(world, () => world.readyPods('chat').length === 3);
    expect(third - 150.02).toBeCloseTo(50.02, 2);
  });

  test('failed starts crash, back off for 10, 20, 40 s and count as restarts', () => {
    const world = buildWorld({
      nodeGroups: [group({ desiredSize: 1 })],
      deployments: [deployment({ replicas: 0, imagePullSec: 0, modelLoadSec: 10 })],
    });
    world.failStarts('chat', { count: 3 });
    world.scale('chat', 1);
    wait(world, 15);
    const [pod] = world.state.pods.values();
    expect(pod).toMatchObject({ crashed: true, restarts: 1, ready: false });
    expect(secUntil(world, () => world.readyPods('chat').length === 1)).toBeCloseTo(4 * 10 + 10 + 20 + 40 + 0.02, 2);
    expect(pod?.restarts).toBe(3);
  });

  test('a failure ratio fails about that share of the starts', () => {
    const world = buildWorld({
      nodeGroups: [group({ gpusPerNode: 400, desiredSize: 1 })],
      deployments: [deployment({ replicas: 0, failedStartRatio: 0.2 })],
    });
    world.scale('chat', 400);
    wait(world, 85);
    const crashed = [...world.state.pods.values()].filter((pod) => pod.crashed).length;
    expect(crashed).toBeGreaterThan(50);
    expect(crashed).toBeLessThan(110);
  });

  test('drawn durations spread around the median when a sigma is set', () => {
    const world = buildWorld({
      durationSigma: 0.3,
      nodeGroups: [group({ gpusPerNode: 101, desiredSize: 1 })],
      deployments: [deployment({ replicas: 0, imagePullSec: 0, modelLoadSec: 100 })],
    });
    world.scale('chat', 101);
    const median = secUntil(world, () => world.readyPods('chat').length === 51);
    expect(median).toBeGreaterThan(85);
    expect(median).toBeLessThan(115);
    const all = secUntil(world, () => world.readyPods('chat').length === 101);
    expect(all).toBeGreaterThan(median * 1.4);
  });
});

describe('L4 end', () => {
  test('a deleted pod holds its GPU while it drains, at most for its grace period', () => {
    const drains = { drainSec: 20, terminationGracePeriodSec: 600 };
    const world = buildWorld({ deployments: [deployment(drains)] });
    world.scale('chat', 1);
    wait(world, 19);
    expect(world.drainingPods('chat')).toHaveLength(1);
    expect(world.readyPods('chat')).toHaveLength(1);
    expect(world.deployment('chat').status).toMatchObject({ replicas: 1, terminatingReplicas: 1 });
    wait(world, 2);
    expect(world.deployment('chat').pods.size).toBe(1);
    world.setDrainSec('chat', 5_000);
    world.scale('chat', 0);
    expect(secUntil(world, () => world.deployment('chat').pods.size === 0)).toBeCloseTo(21 + 0.02 + 600 + 0.1, 1);
  });

  test('finishDrain ends a terminating pod before its time', () => {
    const world = buildWorld({ deployments: [deployment({ drainSec: 500, terminationGracePeriodSec: 600 })] });
    world.scale('chat', 1);
    wait(world, 1);
    const [draining] = world.drainingPods('chat');
    if (draining === undefined) throw new Error('none drains');
    world.finishDrain(draining);
    expect(world.deployment('chat').pods.size).toBe(1);
  });

  test('a pod that never ran is gone at once', () => {
    const world = buildWorld({ deployments: [deployment({ replicas: 5, drainSec: 100 })] });
    wait(world, 1);
    world.scale('chat', 2);
    wait(world, 0.02);
    expect(world.deployment('chat').pods.size).toBe(2);
  });
});

describe('L5 deletion order', () => {
  test('not placed, then not Ready, then the lower deletion cost go first', () => {
    const world = buildWorld({
      nodeGroups: [group({ desiredSize: 4 })],
      deployments: [deployment({ replicas: 3, modelLoadSec: 1000 })],
    });
    world.scale('chat', 5);
    wait(world, 10);
    const [a, b, c] = world.readyPods('chat');
    const starting = [...world.deployment('chat').pods].find((pod) => pod.node !== undefined && !pod.ready);
    const [unplaced] = world.state.pendingPods;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three are Ready');
    a.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '10' };
    c.annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-5' };
    expect(deletionOrder(world.deployment('chat').pods, world.nowMs())).toEqual([unplaced, starting, c, b, a]);
  });

  test('among equals the one with more siblings on its node goes first, then the younger', () => {
    const world = buildWorld({
      nodeGroups: [group({ desiredSize: 1, gpusPerNode: 2 }), group({ name: 'small', desiredSize: 2 })],
      deployments: [deployment({ replicas: 3, modelLoadSec: 1 })],
    });
    const [paired, pairedToo, alone] = world.readyPods('chat');
    wait(world, 4000);
    world.scale('chat', 4);
    wait(world, 100);
    const young = world.readyPods('chat').find((pod) => ![paired, pairedToo, alone].includes(pod));
    const order = deletionOrder(world.deployment('chat').pods, world.nowMs());
    expect(new Set(order.slice(0, 2))).toEqual(new Set([paired, pairedToo]));
    expect(order.slice(2)).toEqual([young, alone]);
  });
});

describe('L6 disruption budgets', () => {
  test.each([
    [{ minAvailable: 2 }, 0],
    [{ minAvailable: 1 }, 1],
    [{ minAvailable: '60%' }, 0],
    [{ minAvailable: '50%' }, 1],
    [{ maxUnavailable: 0 }, 0],
    [{ maxUnavailable: '50%' }, 1],
  ])('%j allows %i evictions of two Ready pods', (rule, allowed) => {
    const world = buildWorld({ disruptionBudgets: [{ name: 'pdb', matchLabels: { app: 'chat' }, ...rule }] });
    const results = world.readyPods('chat').map((pod) => world.evict(pod).kind);
    expect(results.filter((kind) => kind === 'evicted')).toHaveLength(allowed);
  });

  test('a Pending pod and a terminating one may always be evicted, a dry run evicts nothing', () => {
    const world = buildWorld({
      deployments: [deployment({ replicas: 3, drainSec: 100, terminationGracePeriodSec: 600 })],
      disruptionBudgets: [{ name: 'pdb', matchLabels: { app: 'chat' }, maxUnavailable: 2 }],
    });
    wait(world, 1);
    const [first, second] = world.readyPods('chat');
    const [pending] = world.state.pendingPods;
    if (first === undefined || second === undefined || pending === undefined) throw new Error('three pods');
    expect(world.evict(first, { dryRun: true })).toEqual({ kind: 'evicted' });
    expect(first.deletion).toBeUndefined();
    expect(world.evict(first)).toEqual({ kind: 'evicted' });
    expect(world.evict(second)).toMatchObject({ kind: 'forbidden', budget: 'pdb' });
    expect(world.evict(first)).toEqual({ kind: 'evicted' });
    expect(world.evict(pending)).toEqual({ kind: 'evicted' });
  });
});

describe('L7 nodes', () => {
  test('a NotReady node takes the readiness of its pods; after 5 minutes they are deleted but stay until it returns', () => {
    const world = buildWorld({ nodeGroups: [group({ desiredSize: 3 })] });
    const [pod] = world.readyPods('chat');
    const name = pod?.node?.name ?? '';
    world.setNodeReady(name, false);
    wait(world, 1);
    expect(world.readyPods('chat')).toHaveLength(1);
    wait(world, 298);
    expect(pod?.deletion).toBeUndefined();
    wait(world, 100);
    expect(pod?.deletion).toBeDefined();
    expect(world.readyPods('chat')).toHaveLength(2);
    expect(pod?.gone).toBe(false);
    world.setNodeReady(name, true);
    expect(pod?.gone).toBe(true);
  });

  test('a removed Deployment takes its pods along and reports nothing afterwards', () => {
    const world = buildWorld();
    const changes: string[] = [];
    world.onChange(({ type, record }) => void (record.kind === 'deployments' && changes.push(type)));
    world.removeDeployment('chat');
    wait(world, 60);
    expect(world.state.pods.size).toBe(0);
    expect(changes).toEqual(['DELETED']);
    expect(elapsedSec(world)).toBe(60);
    expect(world.nowMs()).toBe(START_MS + 60_000);
  });
});

/** The actuate stage with the real adapters and the official clients, on the simulated cluster behind HTTP. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ActionJob } from '../../../lib/action-queue/contract.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import { kubernetesEksView } from '../../../lib/cluster-view/kubernetes-eks.ts';
import type { Plan, PlannedNodeGroup, PlannedTarget } from '../../../lib/core/types.ts';
import { actuate } from '../../../lib/loop/actuate/actuate.ts';
import type { ActuateDeps } from '../../../lib/loop/deps.ts';
import { eksNodeGroup } from '../../../lib/node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { startCluster } from '../../clients/kubernetes/server.ts';
import type { Cluster } from '../../clients/kubernetes/server.ts';
import { groupPolicy, workloadPolicy } from '../../core/builders.ts';
import { GROUP_JOB, LLAMA, TARGET_JOB, actuateWorld } from './world.ts';

const MUTATING = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

describe('actuate on a cluster', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  const start = async (over: WorldSettings = {}, mode: 'act' | 'observe' = 'act') => {
    cluster = await startCluster({
      deployments: [{ name: 'llama', replicas: 3, drainSec: 5 }],
      nodeGroups: [{ name: 'g5', minSize: 0, maxSize: 10, desiredSize: 4 }],
      ...over,
    });
    const { clock, kubernetes } = cluster;
    const policies = {
      workload: workloadPolicy({ mode, nodeGroups: ['g5'] }, 'llama'),
      group: groupPolicy({ mode }, 'g5'),
    };
    const memory = actuateWorld();
    Object.assign(memory.policies, policies);
    const deps: ActuateDeps = {
      ...memory.deps,
      clock,
      targets: new Map([['*', kubernetesScale(kubernetes)]]),
      provisioners: new Map([['eksNodeGroup', eksNodeGroup(cluster.aws)]]),
      drainer: kubernetesDrainer(kubernetes, { clock }),
    };
    const view = kubernetesEksView(cluster);
    let seq = 0;

    /** A full plan from a fresh look at the cluster. */
    const plan = async (of: { readonly replicas?: number; readonly nodes?: number; readonly victims?: number }) => {
      const seen = await view.observe({ workloads: [policies.workload], nodeGroups: [policies.group] });
      const target = seen.targets['llama'];
      const group = seen.nodeGroups['g5'];
      if (target?.kind !== 'observed' || group?.kind !== 'observed') throw new Error('not observed');
      const idle = group.nodes.toSorted((a, b) => a.podCount - b.podCount || (a.name < b.name ? -1 : 1));
      const llama: PlannedTarget = {
        workload: 'llama',
        ref: LLAMA,
        mode,
        replicas: of.replicas ?? target.replicas,
        observed: { replicas: target.replicas, generation: target.generation },
        bounds: { min: 1, max: 40 },
        decision: 'd_1',
      };
      const g5: PlannedNodeGroup = {
        name: 'g5',
        mode,
        ownership: 'own',
        nodes: of.nodes ?? group.desired,
        observed: { desired: group.desired, min: group.min, max: group.max },
        bounds: { min: 0, max: 20 },
        victims: idle
          .slice(0, of.victims ?? 0)
          .map((node) => ({ nodeName: node.name, instanceId: node.instanceId ?? '' })),
        decision: 'd_1',
      };
      seq = Math.max(seq + 1, clock.nowMs());
      const made: Plan = {
        pool: 'default',
        seq,
        atMs: clock.nowMs(),
        kind: 'full',
        targets: { llama },
        nodeGroups: { g5 },
      };
      await memory.storePlan(made);
    };

    /** Works the job off like the queue: again when asked, later when it failed. Ends when done or after `sec`. */
    const work = async (job: ActionJob, sec = 300): Promise<string[]> => {
      const errors: string[] = [];
      const endMs = clock.nowMs() + sec * 1000;
      let attempt = 1;
      while (clock.nowMs() < endMs) {
        try {
          const result = await actuate(deps, job, { attempt });
          if (result.done) return errors;
          attempt = 1;
          await cluster.pass(Math.min(result.againInMs, endMs - clock.nowMs()) / 1000);
        } catch (error) {
          errors.push(messageOf(error));
          attempt++;
          await cluster.pass(1);
        }
      }
      return errors;
    };
    const record = (id: string) => memory.record(id);
    return { plan, work, record, group: () => cluster.world.group('g5') };
  };

  test('a Deployment is scaled up and down', async () => {
    const { plan, work } = await start();
    await plan({ replicas: 4 });
    expect(await work(TARGET_JOB)).toEqual([]);
    expect(cluster.world.deployment(LLAMA).replicas).toBe(4);
    await plan({ replicas: 2 });
    await work(TARGET_JOB);
    expect(cluster.world.deployment(LLAMA).replicas).toBe(2);
  });

  test('mode observe makes no mutating call at all', async () => {
    const { plan, work } = await start({}, 'observe');
    await plan({ replicas: 9, nodes: 2, victims: 2 });
    await work(TARGET_JOB);
    await work(GROUP_JOB);
    expect(
      cluster.server.requests.all().filter((one) => one.service === 'kubernetes' && MUTATING.has(one.method)),
    ).toEqual([]);
    expect(cluster.server.requests.of('UpdateNodegroupConfig')).toEqual([]);
    expect(cluster.server.requests.of('TerminateInstanceInAutoScalingGroup')).toEqual([]);
  });

  test('a node group grows, and its nodes come', async () => {
    const { plan, work } = await start();
    await plan({ nodes: 6 });
    expect(await work(GROUP_JOB)).toEqual([]);
    expect(cluster.world.readyNodes('g5')).toHaveLength(6);
    expect(cluster.server.requests.of('UpdateNodegroupConfig')).toHaveLength(1);
  });

  test('idle nodes are freed by name, busy ones keep their pods', async () => {
    const { plan, work, group } = await start();
    const pods = cluster.world.readyPods(LLAMA).map((pod) => pod.name);
    await plan({ nodes: 3, victims: 1 });
    expect(await work(GROUP_JOB)).toEqual([]);
    expect(group().size.desiredSize).toBe(3);
    await cluster.pass(120);
    expect(cluster.world.readyNodes('g5')).toHaveLength(3);
    expect(cluster.world.readyPods(LLAMA).map((pod) => pod.name)).toEqual(pods);
    expect(cluster.server.requests.of('UpdateNodegroupConfig')).toEqual([]);
  });

  test('a node with pods is emptied through evictions before its instance ends', async () => {
    const { plan, work, group } = await start({ deployments: [{ name: 'llama', replicas: 4, drainSec: 5 }] });
    await plan({ nodes: 3, victims: 1 });
    await work(GROUP_JOB, 50);
    expect(group().size.desiredSize).toBe(3);
    const order = cluster.server.requests
      .all()
      .filter((one) =>
        ['patch nodes', 'create pods/eviction', 'TerminateInstanceInAutoScalingGroup'].includes(one.operation),
      );
    expect(order.map((one) => one.operation)).toEqual([
      'patch nodes',
      'create pods/eviction',
      'TerminateInstanceInAutoScalingGroup',
    ]);
  });

  test('min is lowered first where it forbids to free a node', async () => {
    const { plan, work, group } = await start({
      nodeGroups: [{ name: 'g5', minSize: 4, maxSize: 10, desiredSize: 4 }],
    });
    await plan({ nodes: 3, victims: 1 });
    expect(await work(GROUP_JOB, 50)).toEqual([]);
    expect(group().size).toMatchObject({ minSize: 3, desiredSize: 3 });
  });

  test('a stock-out backs off, and growth goes on when the capacity is back', async () => {
    const { plan, work, record, group } = await start();
    cluster.world.setCapacity('g5', 4);
    await plan({ nodes: 6 });
    await work(GROUP_JOB, 60);
    expect((await record('nodeGroup/g5'))?.capacityBackoff).toMatchObject({
      attempts: 1,
      cause: expect.stringContaining('InsufficientInstanceCapacity'),
    });
    cluster.world.setCapacity('g5', 20);
    await cluster.pass(300);
    await plan({ nodes: 8 });
    await work(GROUP_JOB);
    expect(group().size.desiredSize).toBe(8);
    expect((await record('nodeGroup/g5'))?.capacityBackoff).toBeUndefined();
    expect(cluster.world.readyNodes('g5')).toHaveLength(8);
  });

  test('lost answers, throttling and refusals of a third of all calls end in the planned state, with one update a wish', async () => {
    const { plan, work, group } = await start();
    for (const kind of ['loseAnswer', 'error', 'drop'] as const) cluster.server.faults.add({ kind, ratio: 0.15 });
    // The AWS client would slow itself down in real time: its throttling has tests of its own.
    cluster.server.faults.add({ kind: 'throttle', service: 'kubernetes', ratio: 0.15 });
    const keepPlan = async (of: Parameters<typeof plan>[0]) => {
      for (let attempt = 0; attempt < 200; attempt++) {
        try {
          return await plan(of);
        } catch {
          await cluster.pass(1);
        }
      }
      throw new Error('never observed');
    };
    await keepPlan({ replicas: 6, nodes: 7 });
    await work(TARGET_JOB);
    await work(GROUP_JOB);
    expect(cluster.world.deployment(LLAMA).replicas).toBe(6);
    expect(group().size.desiredSize).toBe(7);
    expect(group().updates.size).toBe(1);
    for (let rounds = 0; rounds < 10 && group().size.desiredSize > 6; rounds++) {
      await keepPlan({ nodes: 6, victims: 1 });
      await work(GROUP_JOB, 50);
    }
    expect(group().size.desiredSize).toBe(6);
    await cluster.pass(200);
    expect(cluster.world.readyPods(LLAMA)).toHaveLength(6);
  });

  test('a target that was deleted meanwhile is told and not tried for ever', async () => {
    const { plan, work, record } = await start();
    await plan({ replicas: 5 });
    cluster.world.removeDeployment(LLAMA);
    const errors = await work(TARGET_JOB, 1);
    expect(errors[0]).toMatch(/Deployment "default\/llama": expected an existing object/);
    expect(await record('target/llama')).toMatchObject({ outcome: 'failed', failures: 1 });
  });
});

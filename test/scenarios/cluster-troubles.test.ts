/** Trouble of the cluster and of those who share it, on the simulated cloud: what happens when, and the way back without a person. */
import { afterEach, describe, expect, test } from '@jest/globals';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

const GPUS = { 'nvidia.com/gpu': 1 };
const LLAMA = { namespace: 'default', name: 'llama' };

/** Two replicas on two nodes of g5. */
async function start(of: {
  readonly settings?: Partial<WorldSettings>;
  readonly group?: Record<string, unknown>;
}): Promise<NodesWorld> {
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 2 }],
      nodeGroups: [{ name: 'g5', maxSize: 10, desiredSize: 2 }],
      ...of.settings,
    },
    workloads: [workloadPolicy({ nodeGroups: ['g5'] }, 'llama')],
    nodeGroups: [groupPolicy(of.group ?? {}, 'g5')],
  });
  return nodes;
}

describe('pods that start and crash', () => {
  test('count as asked for: no more replicas and no more nodes for them, and all serve when the fault is mended', async () => {
    const { world, want, run, when, plan } = await start({});
    world.failStarts('llama', { ratio: 1 });
    want('llama', 4);
    await run(600, { planSec: 60 });
    expect(when(/g5 desired 4/)).toBe(5);
    expect(when(/g5 desired ([5-9]|10)/)).toBeNaN();
    expect(plan().targets['llama']?.replicas).toBe(4);
    expect(world.deployment(LLAMA).status).toMatchObject({ replicas: 4, readyReplicas: 2 });
    // Their nodes are in use, whatever the pods do.
    expect(plan().nodeGroups['g5']?.victims).toEqual([]);
    world.failStarts('llama', { ratio: 0 });
    await run(420, { planSec: 60 });
    // The longest pause of a crash loop is five minutes.
    expect(when(/llama serving 4/, 600)).toBeLessThanOrEqual(600 + 300 + 90);
  });
});

describe('a node that cannot be emptied', () => {
  test('is tried for 15 minutes, takes pods again, and is left alone for 10', async () => {
    const spare = { name: 'g6', usdPerHour: 0.5, maxSize: 10, desiredSize: 2 };
    nodes = await nodesWorld({
      settings: {
        deployments: [{ name: 'llama', replicas: 2 }],
        nodeGroups: [{ name: 'g5', maxSize: 10, desiredSize: 2 }, spare],
        disruptionBudgets: [{ name: 'guard', matchLabels: { app: 'llama' }, minAvailable: 2 }],
      },
      workloads: [workloadPolicy({ nodeGroups: ['g5', 'g6'] }, 'llama')],
      nodeGroups: [
        groupPolicy(
          {
            shape: { instanceType: 'g5', gpus: GPUS, usdPerHour: 1.006 },
            scaleDown: { consolidate: true, idleSec: 0 },
          },
          'g5',
        ),
        groupPolicy({ nodes: { min: 2, max: 10 }, shape: { instanceType: 'g6', gpus: GPUS, usdPerHour: 0.5 } }, 'g6'),
      ],
    });
    const { world, want, run, when, timeline } = nodes;
    want('llama', 2);
    await run(1_620, { planSec: 60 });
    // A node younger than ten minutes is not moved from.
    const begins = when(/^cordoned: \S/);
    expect(begins).toBeGreaterThanOrEqual(600);
    expect(begins).toBeLessThanOrEqual(670);
    const [, node = ''] = /^cordoned: (\S+)/.exec(timeline.find(([atSec]) => atSec === begins)?.[1] ?? '') ?? [];
    const ends =
      timeline.find(([atSec, line]) => atSec > begins && line.startsWith('cordoned:') && !line.includes(node))?.[0] ??
      Number.NaN;
    expect(ends - begins).toBeGreaterThanOrEqual(900);
    expect(ends - begins).toBeLessThanOrEqual(965);
    await run(240, { planSec: 60 });
    expect(timeline.some(([atSec, line]) => atSec > ends && line.startsWith('cordoned:') && line.includes(node))).toBe(
      false,
    );
    expect(world.readyPods(LLAMA)).toHaveLength(2);
    expect(world.group('g5').size.desiredSize).toBe(2);
    world.removeDisruptionBudget('guard');
    await run(900, { planSec: 60 });
    // Now both move to the cheaper nodes, one at a time, and theirs go.
    expect(world.group('g5').size.desiredSize).toBe(0);
    expect(world.readyPods(LLAMA)).toHaveLength(2);
    expect([...world.state.nodes.values()].every(({ unschedulable }) => !unschedulable)).toBe(true);
  });
});

describe('a Deployment that somebody deletes', () => {
  test('is not made again, brings no node, is told after a minute, and goes on when it is back', async () => {
    const { world, want, run, when } = await start({ group: { scaleDown: { idleSec: 60 } } });
    want('llama', 4);
    world.removeDeployment(LLAMA);
    await run(300);
    expect(
      when(/firing not-observed\/llama: llama cannot be observed \| Deployment "default\/llama" does not exist/),
    ).toBeLessThanOrEqual(90);
    expect(when(/g5 desired [3-9]/)).toBeNaN();
    expect(world.state.deployments.size).toBe(0);
    world.addDeployment({ name: 'llama', replicas: 1 });
    await run(300);
    expect(when(/g5 desired 4/, 300)).toBeLessThanOrEqual(340);
    expect(when(/llama serving 4/, 300)).toBeLessThanOrEqual(530);
    expect(when(/resolved not-observed\/llama/, 300)).toBeLessThanOrEqual(400);
  });
});

describe('an HPA on the same Deployment', () => {
  test('is told by name, nothing is written while it is there, and the plan is carried out when it is gone', async () => {
    const { world, want, run, when } = await start({});
    world.addPodAutoscaler({ name: 'hpa', deployment: 'llama', maxReplicas: 10 });
    want('llama', 4);
    await run(120);
    expect(when(/firing foreign-writer\/llama: llama is scaled by HorizontalPodAutoscaler\/hpa/)).toBe(0);
    expect(world.deployment(LLAMA).replicas).toBe(2);
    world.removePodAutoscaler('hpa');
    await run(120);
    expect(world.deployment(LLAMA).replicas).toBe(4);
    expect(when(/resolved foreign-writer\/llama/, 120)).toBeLessThanOrEqual(220);
  });
});

describe('many nodes that stop answering at once', () => {
  test('nothing is freed while they do, and idle ones go when the nodes are back', async () => {
    const { world, want, run, when } = await start({
      settings: { nodeGroups: [{ name: 'g5', maxSize: 10, desiredSize: 8 }] },
      group: { scaleDown: { idleSec: 1_020 } },
    });
    want('llama', 2);
    const names = world.readyNodes('g5').map(({ name }) => name);
    // Younger ones pass for nodes that are still starting.
    await run(960, { planSec: 60 });
    for (const name of names.slice(2, 7)) world.setNodeReady(name, false);
    await run(240, { planSec: 60 });
    expect(when(/g5 desired [0-7]$/)).toBeNaN();
    for (const name of names) world.setNodeReady(name, true);
    // How long they were idle before and meanwhile does not count.
    await run(1_020, { planSec: 60 });
    expect(when(/g5 desired [0-7]$/)).toBeNaN();
    await run(420, { planSec: 60 });
    expect(when(/g5 desired 2/, 2_220)).toBeLessThanOrEqual(2_640);
    expect(world.readyPods(LLAMA)).toHaveLength(2);
  });
});

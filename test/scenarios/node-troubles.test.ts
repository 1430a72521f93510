/** Node groups in trouble: each state by name, its timeline, the group that takes over, and the way back without a person. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { troubleOf } from '../../lib/core/nodes/trouble.ts';
import type { World } from '../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';
import type { NodesWorld } from './nodes-world.ts';

let nodes: NodesWorld | undefined;
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});

/** Two replicas on two nodes of g5, and g6 as the second choice. */
async function start(settings: Partial<WorldSettings> = {}): Promise<NodesWorld> {
  nodes = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 2 }],
      nodeGroups: [
        { name: 'g5', maxSize: 10, desiredSize: 2 },
        { name: 'g6', maxSize: 10, desiredSize: 0 },
      ],
      ...settings,
    },
    workloads: [workloadPolicy({ nodeGroups: ['g5', 'g6'] }, 'llama')],
    nodeGroups: [groupPolicy({}, 'g5'), groupPolicy({}, 'g6')],
  });
  return nodes;
}

type Launch = {
  readonly state: string;
  readonly begins: (world: World) => void;
  readonly ends: (world: World) => void;
  readonly title: RegExp;
};

const LAUNCHES: readonly Launch[] = [
  {
    state: 'noCapacity',
    begins: (world) => world.setCapacity('g5', 2),
    ends: (world) => world.setCapacity('g5', 10),
    title: /g5 cannot get 2 nodes: InsufficientInstanceCapacity in eu-west-1a \| The cloud has no machines/,
  },
  {
    state: 'noAddresses',
    begins: (world) => world.setFreeAddresses('g5', 0),
    ends: (world) => world.setFreeAddresses('g5', 10),
    title:
      /g5 cannot get 2 nodes: There are not enough free addresses in subnet .* \| The subnets of the group have no/,
  },
  {
    state: 'launchFault',
    begins: (world) => world.breakLaunchTemplate('g5', true),
    ends: (world) => world.breakLaunchTemplate('g5', false),
    title:
      /g5 cannot get 2 nodes: The image id .* does not exist \| Instances of the group cannot start as it is set up/,
  },
];

describe('a node group that starts nothing', () => {
  test.each(LAUNCHES)(
    '$state: the next group at once, an alert with the cause, and no person to end it',
    async (launch) => {
      const { world, want, run, when, plan } = await start();
      launch.begins(world);
      want('llama', 4);
      await run(240);
      expect(when(/g5 planned 4/)).toBe(0);
      expect(when(launch.title)).toBe(30);
      expect(when(/g6 planned 2/)).toBe(30);
      expect(when(/g6 ready 2/)).toBeLessThanOrEqual(110);
      expect(when(/llama serving 4/)).toBeLessThanOrEqual(200);
      launch.ends(world);
      await run(720, { planSec: 60 });
      // The cloud tries every minute by itself; the alert waits another 5 minutes before it says that it is over.
      expect(when(/g5 ready 4/, 240)).toBeLessThanOrEqual(400);
      expect(when(/resolved capacity-shortage\/g5/, 240)).toBeLessThanOrEqual(720);
      expect(plan().targets['llama']?.replicas).toBe(4);
    },
  );

  test('quotaReached: every group meets the same limit, what exists is kept, and the alerts say so', async () => {
    const { want, run, when, world } = await start({ gpuQuota: 3 });
    want('llama', 4);
    await run(240);
    expect(when(/g5 cannot get 2 nodes: VcpuLimitExceeded \| The account's limit/)).toBe(30);
    expect(when(/firing capacity-shortage\/g6.*VcpuLimitExceeded/)).toBe(60);
    expect(when(/firing unmet-demand\/llama/)).toBeLessThanOrEqual(200);
    expect(when(/llama serving 3/)).toBeLessThanOrEqual(200);
    expect(world.group('g5').size.desiredSize + world.group('g6').size.desiredSize).toBeLessThanOrEqual(6);
  });
});

describe('nodes that are of no use', () => {
  test('neverJoins: given up after 15 minutes, ended by name, the next group asked', async () => {
    const { world, want, run, when } = await start();
    world.failBoots('g5', { fault: 'neverJoins', count: 2 });
    want('llama', 4);
    await run(1_260, { planSec: 60 });
    expect(when(/firing nodes-unusable\/g5: Nodes of g5 never joined the cluster/)).toBe(1_020);
    expect(when(/g6 planned 2/)).toBe(1_020);
    expect(when(/g5 desired 2/, 900)).toBeLessThanOrEqual(1_050);
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(1_210);
    expect(world.readyNodes('g5')).toHaveLength(2);
    expect(when(/foreign-writer/)).toBeNaN();
  });

  test('withoutGpus: given up after 15 minutes, the next group asked, the nodes freed, and asked again when it is mended', async () => {
    const { world, want, run, when } = await start();
    world.failBoots('g5', { fault: 'joinsWithoutGpus', count: 2 });
    want('llama', 4);
    await run(1_380, { planSec: 60 });
    expect(when(/firing nodes-unusable\/g5: Nodes of g5 joined without GPUs/)).toBe(960);
    expect(when(/g6 planned 2/)).toBe(960);
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(1_150);
    expect(when(/g5 desired 2/, 1_200)).toBeLessThanOrEqual(1_350);
    want('llama', 6);
    await run(480, { planSec: 60 });
    expect(when(/g5 ready 4/, 1_380)).toBeLessThanOrEqual(1_500);
    expect(when(/resolved nodes-unusable\/g5/, 1_380)).toBeLessThanOrEqual(1_860);
  });
});

test('the words of the cloud name the state', () => {
  const words: readonly (readonly [string, string])[] = [
    ['Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity', 'noCapacity'],
    ['InstanceLimitExceeded: Your quota allows for 0 more running instance(s)', 'quotaReached'],
    ['MaxSpotInstanceCountExceeded - Max spot instance count exceeded', 'quotaReached'],
    ['InsufficientFreeAddresses: One or more of the subnets', 'noAddresses'],
    ['Ec2LaunchTemplateNotFound: The launch template does not exist', 'launchFault'],
    ['NodeCreationFailure: Instances failed to join the kubernetes cluster', 'neverJoins'],
  ];
  for (const [cause, state] of words) expect([cause, troubleOf(cause)]).toEqual([cause, state]);
});

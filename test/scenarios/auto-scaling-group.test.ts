/** A plain Auto Scaling group from end to end: grows, meets a stock-out, and gives idle nodes back by name. */
import { expect, test } from '@jest/globals';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { nodesWorld } from './nodes-world.ts';

test('a plain Auto Scaling group grows, falls back to the next group, and gives idle nodes back', async () => {
  const { world, want, run, when, close } = await nodesWorld({
    settings: {
      deployments: [{ name: 'llama', replicas: 1 }],
      nodeGroups: [
        { name: 'g5', maxSize: 10, desiredSize: 1, capacity: 3 },
        { name: 'g6', maxSize: 10, desiredSize: 0 },
      ],
    },
    workloads: [workloadPolicy({ nodeGroups: ['g5', 'g6'] }, 'llama')],
    nodeGroups: (simulated) =>
      ['g5', 'g6'].map((name) => {
        const provider = { kind: 'autoScalingGroup', name: simulated.group(name).scalingGroupName };
        return groupPolicy({ provider, scaleDown: { idleSec: 60 } }, name);
      }),
  });
  try {
    want('llama', 3);
    await run(180);
    expect(when(/g5 desired 3/)).toBe(5);
    expect(when(/llama serving 3/)).toBeLessThanOrEqual(170);
    want('llama', 4);
    await run(270);
    expect(when(/capacity-shortage\/g5.*InsufficientInstanceCapacity/)).toBeLessThanOrEqual(240);
    expect(when(/g6 desired 1/)).toBeLessThanOrEqual(245);
    expect(when(/llama serving 4/)).toBeLessThanOrEqual(430);
    want('llama', 1);
    await run(540);
    // The node that was missing comes when others have gone, and goes like any other that nobody needs.
    expect(when(/g5 desired 0/, 450)).toBeLessThanOrEqual(960);
    expect(world.readyPods({ name: 'llama', namespace: 'default' })).toHaveLength(1);
    expect(world.readyNodes('g6')).toHaveLength(1);
    expect(when(/foreign-writer/)).toBeNaN();
  } finally {
    await close();
  }
});

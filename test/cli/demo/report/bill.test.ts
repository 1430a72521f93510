import { describe, expect, test } from '@jest/globals';
import { makeBill, usdPerHour } from '../../../../lib/cli/demo/report/bill.ts';
import { createWorld } from '../../../../lib/simulator/world/world.ts';

const START_MS = 1_763_920_800_000;
const HOUR_MS = 3_600_000;

/** One group of nodes with 2 GPUs at 3 USD/h. */
function cloudOf(desiredSize: number) {
  const group = { name: 'gpu', desiredSize, maxSize: 9, gpusPerNode: 2, usdPerHour: 3, bootSec: 1, gpuReadySec: 0 };
  return createWorld(
    { nodeGroups: [group], scalingDelaySec: 0, updateApplySec: 0, updateSec: 0, shutdownSec: 0, billedSecMin: 0 },
    START_MS,
  );
}

describe('the bill', () => {
  test('begins when it is made: what the fleet cost before is not in it', () => {
    const cloud = cloudOf(1);
    cloud.advanceTo(START_MS + HOUR_MS);
    const bill = makeBill(cloud);
    expect(bill.read().cost).toEqual({ gpuHours: 0, usd: 0 });
    cloud.advanceTo(START_MS + 2 * HOUR_MS);
    expect(bill.read()).toEqual({ cost: { gpuHours: 2, usd: 3 }, constant: { gpuHours: 2, usd: 3 } });
  });

  test('sets the largest fleet that was seen, kept all the time, beside what there was', () => {
    const cloud = cloudOf(1);
    const bill = makeBill(cloud);
    cloud.updateNodeGroup('gpu', { desiredSize: 4, token: 'four' });
    cloud.advanceTo(START_MS + HOUR_MS);
    bill.look();
    expect(usdPerHour(cloud)).toBe(12);
    const { instances } = cloud.group('gpu');
    for (const id of [...instances.keys()].slice(0, 3)) cloud.terminateInstance(id, { decrement: true });
    cloud.advanceTo(START_MS + 2 * HOUR_MS);
    expect(usdPerHour(cloud)).toBe(3);
    const { constant, cost } = bill.read();
    expect(constant).toEqual({ gpuHours: 16, usd: 24 });
    // Four nodes for an hour, one for another.
    expect(cost.gpuHours).toBeCloseTo(10, 1);
    expect(cost.usd).toBeCloseTo(15, 1);
  });
});

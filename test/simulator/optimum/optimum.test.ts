import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { seededRandom } from '../../../lib/base/random.ts';
import { clairvoyantOptimum } from '../../../lib/simulator/optimum/optimum.ts';
import type { OptimumEffort } from '../../../lib/simulator/optimum/optimum.ts';
import { createFluidPlant } from '../../../lib/simulator/plant/fluid/fluid.ts';
import { mixOf, serviceLevelOf } from '../../../lib/simulator/plant/capacity.ts';
import { fixedStart } from '../../../lib/simulator/plant/plant-options.ts';
import { replicaClassOf } from '../../../lib/simulator/plant/replica-classes.ts';

const TICK_SEC = 5;

type Case = { readonly work: readonly number[]; readonly waitTicks: number; readonly leadTicks: number };

function optimumOf({ work, waitTicks, leadTicks }: Case, effort: OptimumEffort = {}) {
  return clairvoyantOptimum(
    {
      workReplicaSec: Float64Array.from(work, (ticks) => ticks * TICK_SEC),
      tickSec: TICK_SEC,
      waitLimitSec: waitTicks * TICK_SEC,
      leadTimeSec: leadTicks * TICK_SEC,
    },
    effort,
  );
}

/** Tries every schedule of at most `replicasMax` replicas. Least cost [replica-ticks]. */
function bruteForce({ work, waitTicks, leadTicks }: Case, replicasMax: number): number {
  const arrivedBy = (tick: number): number => work.slice(0, Math.max(0, tick)).reduce((sum, each) => sum + each, 0);
  let best = Infinity;
  const search = (tick: number, state: { replicas: number; served: number; cost: number }): void => {
    if (state.cost >= best) return;
    if (tick === work.length) {
      best = state.cost;
      return;
    }
    for (let replicas = 0; replicas <= replicasMax; replicas++) {
      const served = Math.min(arrivedBy(tick + 1), state.served + replicas);
      // Due by the end of this tick: what arrived up to the limit before it.
      if (served < arrivedBy(tick + 1 - waitTicks) - 1e-9) continue;
      const starts = tick === 0 ? 0 : Math.max(0, replicas - state.replicas);
      search(tick + 1, { replicas, served, cost: state.cost + replicas + starts * Math.min(leadTicks, tick) });
    }
  };
  search(0, { replicas: 0, served: 0, cost: 0 });
  return best;
}

const smallCase: fc.Arbitrary<Case> = fc.record({
  work: fc.array(
    fc.integer({ min: 0, max: 12 }).map((quarters) => quarters / 4),
    { minLength: 1, maxLength: 6 },
  ),
  waitTicks: fc.integer({ min: 0, max: 3 }),
  leadTicks: fc.integer({ min: 0, max: 4 }),
});

/** Load, a gap, load. */
const gap = (ticks: number): number[] => [
  ...Array.from({ length: 20 }, () => 1),
  ...Array.from({ length: ticks }, () => 0),
  1,
  1,
];

describe('the optimum', () => {
  test('equals the cheapest of all schedules', () => {
    fc.assert(
      fc.property(smallCase, (small) => {
        expect(optimumOf(small).replicaSec).toBeCloseTo(bruteForce(small, 7) * TICK_SEC, 6);
      }),
      { numRuns: 300 },
    );
  });

  test('takes more replicas than a constant fleet needs where whole ones would idle', () => {
    // One replica serves it all in time, but idles a quarter of the first tick; none at first and two later do not.
    const small = { work: [0.75, 2.75, 0.5, 0, 0, 1], waitTicks: 2, leadTicks: 0 };

    expect(optimumOf(small).replicaSec).toBe(4 * TICK_SEC);
    expect(bruteForce(small, 1)).toBe(5);
  });

  test('of larger fleets, from coarse to fine, is the exact one of smooth traces', () => {
    const shape = fc.record({
      swing: fc.double({ min: 0, max: 8, noNaN: true }),
      periodTicks: fc.integer({ min: 20, max: 200 }),
      seed: fc.nat(1000),
      leadTicks: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(shape, ({ swing, periodTicks, seed, leadTicks }) => {
        const random = seededRandom(seed);
        const work = Array.from({ length: 400 }, (_, tick) => {
          return (10 + swing * Math.sin((2 * Math.PI * tick) / periodTicks)) * (0.8 + 0.4 * random());
        });
        const exact = optimumOf({ work, waitTicks: 2, leadTicks });
        const banded = optimumOf({ work, waitTicks: 2, leadTicks }, { exactUnitsMax: 16 });

        expect(exact.isExact).toBe(true);
        expect(banded.isExact).toBe(false);
        expect(banded.replicaSec).toBeGreaterThanOrEqual(exact.replicaSec - 1e-6);
        expect(banded.replicaSec / exact.replicaSec).toBeLessThan(1.005);
      }),
      { numRuns: 20 },
    );
  });

  test('of a constant load is the load, rounded up', () => {
    const optimum = optimumOf({ work: Array.from({ length: 100 }, () => 2.4), waitTicks: 0, leadTicks: 12 });

    expect(optimum).toMatchObject({ replicaSec: 300 * TICK_SEC, replicaStarts: 0, replicasMax: 3 });
  });

  test('bridges a gap as long as the lead time and leaves a longer one', () => {
    const options = { waitTicks: 0, leadTicks: 10 };

    expect(optimumOf({ ...options, work: gap(9) })).toMatchObject({ replicaSec: 31 * TICK_SEC, replicaStarts: 0 });
    expect(optimumOf({ ...options, work: gap(15) })).toMatchObject({ replicaSec: 32 * TICK_SEC, replicaStarts: 1 });
  });

  test('spreads a burst over the wait that is allowed', () => {
    const optimum = optimumOf({ work: [0, 0, 0, 6, 0, 0, 0], waitTicks: 2, leadTicks: 2 });

    expect(optimum).toMatchObject({ replicaSec: (6 + 2 * 2) * TICK_SEC, replicaStarts: 2, replicasMax: 2 });
  });

  test('serves traces of next to nothing, too', () => {
    const optimum = optimumOf({ work: Array.from({ length: 100 }, () => 1e-10), waitTicks: 2, leadTicks: 3 });

    expect(optimum.replicasMax).toBeLessThanOrEqual(1);
  });

  test('of nothing is nothing', () => {
    expect(optimumOf({ work: [], waitTicks: 2, leadTicks: 3 }).replicaSec).toBe(0);
    expect(optimumOf({ work: [0, 0, 0], waitTicks: 2, leadTicks: 3 }).replicaSec).toBe(0);
  });
});

const level = serviceLevelOf(replicaClassOf('B'), mixOf([{ inputTokens: 1155, outputTokens: 211 }]));

/** A fluid plant fed with that work. */
function plantOf({ work, waitTicks, leadTicks }: Case, replicas: number) {
  return createFluidPlant({
    level,
    start: fixedStart(leadTicks * TICK_SEC),
    waitLimitSec: waitTicks * TICK_SEC,
    replicas,
    seed: 1,
    arrivals: work.map((ticks, tick) => ({
      startMs: tick * TICK_SEC * 1000,
      requests: ticks * TICK_SEC * level.requestsPerSec,
      workReplicaSec: ticks * TICK_SEC,
      inputTokens: 0,
      outputTokens: 0,
    })),
  });
}

describe('the optimum and the fluid plant', () => {
  const longCase: fc.Arbitrary<Case> = fc.record({
    work: fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 30, maxLength: 80 }),
    waitTicks: fc.integer({ min: 1, max: 3 }),
    leadTicks: fc.integer({ min: 0, max: 8 }),
  });

  test('its schedule misses nothing', () => {
    fc.assert(
      fc.property(longCase, (long) => {
        const { replicas } = optimumOf(long);
        // Without a lead time the plant can follow the schedule tick by tick.
        const plant = plantOf({ ...long, leadTicks: 0 }, replicas[0] ?? 0);
        for (const [tick, count] of replicas.entries()) {
          plant.scale(count);
          plant.advanceTo((tick + 1) * TICK_SEC * 1000);
        }

        expect(plant.totals().sloMissCount).toBeLessThan(1e-6);
      }),
    );
  });

  test('no run without misses costs less', () => {
    let clean = 0;
    const policy = fc.record({
      first: fc.integer({ min: 0, max: 4 }),
      wanted: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 80, maxLength: 80 }),
      every: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(longCase, policy, (long, { first, wanted, every }) => {
        const plant = plantOf(long, first);
        for (const tick of long.work.keys()) {
          if (tick % every === 0) plant.scale(Math.max(wanted[tick] ?? 0, 2 + (tick % 3)));
          plant.advanceTo((tick + 1) * TICK_SEC * 1000);
        }
        const totals = plant.totals();
        if (totals.sloMissCount > 0) return;
        clean++;

        expect(totals.gpuHours * 3600).toBeGreaterThanOrEqual(optimumOf(long).replicaSec - 1e-6);
      }),
      { numRuns: 400 },
    );

    // The property says nothing about runs with misses: there must be enough without.
    expect(clean).toBeGreaterThan(100);
  });
});

test('the optimum with due times of its own waits as long as each request allows', () => {
  // Half a tick of work in each of six ticks: whole replicas at once, or half as many when all of it may wait for the last one.
  const shared = { workReplicaSec: Float64Array.from({ length: 6 }, () => 2.5), tickSec: TICK_SEC, leadTimeSec: 0 };
  const late = Float64Array.from([0, 0, 0, 0, 0, 15]);
  expect(clairvoyantOptimum({ ...shared, waitLimitSec: 0 }).replicaSec).toBe(30);
  expect(clairvoyantOptimum({ ...shared, waitLimitSec: 0, dueReplicaSec: late }).replicaSec).toBe(15);
});

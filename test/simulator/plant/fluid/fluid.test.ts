import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { concurrencyAt, mixOf, serviceLevelOf } from '../../../../lib/simulator/plant/capacity.ts';
import type { Plant } from '../../../../lib/simulator/plant/contract.ts';
import { createFluidPlant } from '../../../../lib/simulator/plant/fluid/fluid.ts';
import type { FluidOptions } from '../../../../lib/simulator/plant/fluid/fluid.ts';
import { fixedStart } from '../../../../lib/simulator/plant/plant-options.ts';
import { replicaClassOf } from '../../../../lib/simulator/plant/replica-classes.ts';

const level = serviceLevelOf(replicaClassOf('B'), mixOf([{ inputTokens: 1155, outputTokens: 211 }]));

/** Replicas of work that arrive, one number per tick of 5 s. */
function arrivalsOf(load: readonly number[]): FluidOptions['arrivals'] {
  return load.map((replicas, tick) => ({
    startMs: tick * 5000,
    requests: replicas * 5 * level.requestsPerSec,
    workReplicaSec: replicas * 5,
    inputTokens: replicas * 1000,
    outputTokens: replicas * 200,
  }));
}

function plantOf(load: readonly number[], options: Partial<FluidOptions> = {}): Plant {
  return createFluidPlant({
    level,
    start: fixedStart(60),
    waitLimitSec: 10,
    replicas: 2,
    seed: 1,
    arrivals: arrivalsOf(load),
    ...options,
  });
}

const steady = (replicas: number, ticks: number): number[] => Array.from({ length: ticks }, () => replicas);

describe('waits in the fluid plant', () => {
  test('are none while the load is below the ready replicas', () => {
    const plant = plantOf(steady(1.9, 100));
    plant.advanceTo(500_000);

    expect(plant.totals()).toMatchObject({ sloMissCount: 0, waitSec: { p50: 0, p99: 0, max: 0 } });
  });

  test('grow by the excess over capacity: at 1.5 times, half a second per second', () => {
    const plant = plantOf(steady(3, 20));
    plant.advanceTo(100_000);
    const { requestCount, sloMissCount, waitSec } = plant.totals();

    // What arrives at time u is admitted at 1.5 u: at the end the oldest one arrived at 66.7 s. More than 10 s waits whoever arrived from 20 s on, up to those that
    // came in the last 10 s and are still waiting.
    expect(waitSec.max).toBeCloseTo(100 / 3, 6);
    expect(sloMissCount / requestCount).toBeCloseTo((90 - 20) / 100, 6);
  });

  test('of work that nobody serves last until somebody is ready', () => {
    const plant = plantOf([1], { replicas: 0 });
    plant.advanceTo(5000);
    plant.scale(1);
    plant.advanceTo(100_000);

    // Ready at 65 s; the first one arrived at 0 s, the last one, at 5 s, is admitted at 70 s.
    expect(plant.totals().waitSec.max).toBeCloseTo(65, 6);
    expect(plant.totals().sloMissCount).toBeCloseTo(plant.totals().requestCount, 9);
  });

  test('do not depend on the steps in which time moves', () => {
    const load = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 10, maxLength: 40 });
    const cuts = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(load, cuts, (replicas, steps) => {
        const whole = plantOf(replicas);
        const cut = plantOf(replicas);
        const endMs = replicas.length * 5000;
        for (let atMs = steps[0] ?? 1, step = 1; atMs < endMs; atMs += steps[step++ % steps.length] ?? 1) {
          cut.advanceTo(atMs);
        }
        whole.advanceTo(endMs);
        if (cut.nowMs < endMs) cut.advanceTo(endMs);

        expect(cut.totals().sloMissCount).toBeCloseTo(whole.totals().sloMissCount, 6);
        expect(cut.totals().waitSec.max).toBeCloseTo(whole.totals().waitSec.max, 6);
      }),
    );
  });
});

/** When eight replicas get ready whose starts are drawn. */
const readyAt = (seed: number): (number | null)[] => {
  const plant = plantOf([], { seed, start: { ...fixedStart(60), sigma: 0.3 } });
  plant.scale(8);
  plant.advanceTo(600_000);
  return plant.pods.map((pod) => pod.readyMs);
};

describe('replicas of the fluid plant', () => {
  test('are ready after the lead time and cost from launch', () => {
    const plant = plantOf([]);
    plant.scale(3);
    plant.advanceTo(59_999);

    expect(plant).toMatchObject({ specReplicas: 3, readyReplicas: 2 });
    expect(plant.pods.at(-1)).toEqual({ id: 2, createdMs: 0, readyMs: null });

    plant.advanceTo(100_000);

    expect(plant.readyReplicas).toBe(3);
    expect(plant.pods.at(-1)).toEqual({ id: 2, createdMs: 0, readyMs: 60_000 });
    expect(plant.totals()).toMatchObject({ replicaStarts: 1, replicasMax: 3 });
    expect(plant.totals().gpuHours * 3600).toBeCloseTo(300, 6);
  });

  test('that start are cancelled first, the youngest first, and their time is paid', () => {
    const plant = plantOf([]);
    plant.scale(4);
    plant.advanceTo(30_000);
    plant.scale(3);
    plant.advanceTo(100_000);

    expect(plant.pods.map((pod) => pod.id)).toEqual([0, 1, 2]);
    expect(plant.totals().gpuHours * 3600).toBeCloseTo(330, 6);
  });

  test('that are removed under load are paid until their requests have ended', () => {
    const idle = plantOf([]);
    const busy = plantOf(steady(1.9, 20));
    for (const plant of [idle, busy]) {
      plant.advanceTo(50_000);
      plant.scale(1);
      plant.advanceTo(100_000);
    }

    expect(idle.totals().gpuHours * 3600).toBeCloseTo(150, 6);
    expect(busy.totals().gpuHours * 3600).toBeGreaterThan(155);
    expect(busy.totals().gpuHours * 3600).toBeLessThan(170);
  });

  test('count changes of direction, not changes', () => {
    const plant = plantOf([]);
    for (const [index, replicas] of [3, 4, 4, 3, 2, 5].entries()) {
      plant.scale(replicas);
      plant.advanceTo((index + 1) * 5000);
    }

    expect(plant.totals().directionChanges).toBe(2);
  });

  test('take longer when starts fail, and wait for machines without paying', () => {
    const failing = plantOf([], { start: { ...fixedStart(60), failedStartRatio: 1 } });
    const waiting = plantOf([], { start: { ...fixedStart(60), capacityWaitSec: () => 100 } });
    for (const plant of [failing, waiting]) {
      plant.scale(3);
      plant.advanceTo(150_000);

      expect(plant.readyReplicas).toBe(2);
    }
    expect(failing.totals().gpuHours * 3600).toBeCloseTo(450, 6);
    expect(waiting.totals().gpuHours * 3600).toBeCloseTo(350, 6);
    waiting.advanceTo(161_000);

    expect(waiting.readyReplicas).toBe(3);
  });

  test('start at different times with the same seed alone the same', () => {
    expect(readyAt(7)).toEqual(readyAt(7));
    expect(readyAt(7)).not.toEqual(readyAt(8));
    expect(new Set(readyAt(7).slice(2)).size).toBe(6);
  });
});

describe('samples of the fluid plant', () => {
  test('show rates, tokens and what runs', () => {
    const plant = plantOf(steady(1, 30));
    plant.advanceTo(115_000);
    const sample = plant.advanceTo(120_000);

    expect(sample).toMatchObject({
      atMs: 120_000,
      readyReplicas: 2,
      queued: 0,
      inputTokensPerSec: 200,
      outputTokensPerSec: 40,
    });
    expect(sample.arrivalsPerSec).toBeCloseTo(level.requestsPerSec, 9);
    expect(sample.completedPerSec).toBeCloseTo(level.requestsPerSec, 9);
    // Half the load of each of two.
    expect(sample.running).toBeGreaterThan(20);
    expect(sample.running).toBeLessThan(64);
    expect(sample.running / 2).toBeCloseTo(concurrencyAt(level, 0.5), 3);
    expect(sample.kvRatio).toBeCloseTo(((sample.running / 2) * 1260.5) / 530_000, 6);
  });

  test('show the mean queue of the interval', () => {
    const plant = plantOf(steady(4, 10));

    expect(plant.advanceTo(5000).queued).toBeCloseTo((2 * 5 * level.requestsPerSec) / 2, 6);
    expect(plant.advanceTo(10_000).queued).toBeCloseTo(15 * level.requestsPerSec, 6);
  });

  test('lose no request: arrived is completed or queued', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 5, maxLength: 50 }),
        fc.array(fc.nat(5), { minLength: 50, maxLength: 50 }),
        (load, wanted) => {
          const plant = plantOf(load);
          let [arrived, completed] = [0, 0];
          for (const tick of load.keys()) {
            plant.scale(wanted[tick] ?? 0);
            const sample = plant.advanceTo((tick + 1) * 5000);
            arrived += sample.arrivalsPerSec * 5;
            completed += sample.completedPerSec * 5;
          }
          plant.scale(5);
          completed += plant.advanceTo(2_000_000).completedPerSec * ((2_000_000 - load.length * 5000) / 1000);

          expect(completed).toBeCloseTo(arrived, 6);
        },
      ),
    );
  });
});

test('only what arrives and runs from the scored time on counts', () => {
  const all = plantOf(steady(3, 40));
  const scored = plantOf(steady(3, 40), { scoreFromMs: 100_000 });
  for (const plant of [all, scored]) plant.advanceTo(200_000);

  expect(scored.totals().requestCount).toBeCloseTo(all.totals().requestCount / 2, 6);
  expect(scored.totals().gpuHours).toBeCloseTo(all.totals().gpuHours / 2, 9);
});

test('times can start at any epoch', () => {
  const plant = plantOf(steady(1, 10), { startMs: 1_700_000_000_000 });

  expect(plant.advanceTo(1_700_000_005_000)).toMatchObject({ atMs: 1_700_000_005_000 });
  expect(plant.totals().requestCount).toBeCloseTo(5 * level.requestsPerSec, 6);
});

test('a week of ticks takes well under a second of processor time', () => {
  const load = Array.from({ length: 120_960 }, (_, tick) => 10 + 8 * Math.sin(tick / 2750) + (tick % 7) / 3);
  const plant = plantOf(load, { replicas: 12 });
  const began = process.cpuUsage();
  for (const tick of load.keys()) {
    if (tick % 3 === 0) plant.scale(Math.ceil((load[tick] ?? 0) * 1.1));
    plant.advanceTo((tick + 1) * 5000);
  }

  const { user, system } = process.cpuUsage(began);

  // 0.3 s alone; the bound leaves room for a slow machine and the test runner.
  expect((user + system) / 1e6).toBeLessThan(3);
  expect(plant.totals().requestCount).toBeGreaterThan(1e7);
});

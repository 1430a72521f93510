import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { makeServing } from '../../../lib/simulator/traffic/serving-model.ts';
import type { ServingSettings } from '../../../lib/simulator/traffic/serving-model.ts';

const SETTINGS: ServingSettings = { slotsPerReplica: 10, serviceSec: 2, waitLimitSec: 2 };

/** What rounding may lose: up to a billionth of a request per cohort. */
const TINY = 1e-6;

const step = fc.record({
  dtSec: fc.double({ min: 0.01, max: 5, noNaN: true }),
  arrived: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 200, noNaN: true })),
  readyReplicas: fc.nat({ max: 12 }),
});
const settings = fc.record({
  slotsPerReplica: fc.integer({ min: 1, max: 64 }),
  serviceSec: fc.double({ min: 0.05, max: 60, noNaN: true }),
  waitLimitSec: fc.double({ min: 0, max: 30, noNaN: true }),
});

describe('makeServing', () => {
  test('conserves requests at every step: arrived = started + queued, started = completed + in flight', () => {
    fc.assert(
      fc.property(settings, fc.array(step, { minLength: 1, maxLength: 80 }), (of, steps) => {
        const serving = makeServing(of);
        const sum = { arrived: 0, started: 0, completed: 0, late: 0 };
        for (const input of steps) {
          const now = serving.step(input);
          sum.arrived += now.arrived;
          sum.started += now.started;
          sum.completed += now.completed;
          sum.late += now.late;
          expect(now.arrived).toBe(input.arrived);
          expect(Math.abs(sum.arrived - sum.started - now.queued)).toBeLessThan(TINY);
          expect(Math.abs(sum.started - sum.completed - now.inFlight)).toBeLessThan(TINY);
          for (const value of Object.values(now)) expect(value).toBeGreaterThanOrEqual(0);
          expect(now.late).toBeLessThanOrEqual(now.started + TINY);
          expect(now.overdue).toBeLessThanOrEqual(now.queued + TINY);
          expect(sum.late + now.overdue).toBeLessThanOrEqual(sum.arrived + TINY);
        }
      }),
    );
  });

  test('never takes more work than its slots hold, and leaves none free while somebody waits', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
        const serving = makeServing(SETTINGS);
        let before = 0;
        for (const input of steps) {
          const now = serving.step(input);
          const slots = input.readyReplicas * SETTINGS.slotsPerReplica;
          // Replicas that went take their work to its end, but no new work.
          expect(now.inFlight).toBeLessThanOrEqual(Math.max(slots, before) + TINY);
          if (now.queued > TINY) expect(now.inFlight).toBeGreaterThanOrEqual(slots - TINY);
          before = now.inFlight;
        }
      }),
    );
  });

  test('with no replica ready everything waits, and is late or overdue beyond the limit', () => {
    const serving = makeServing(SETTINGS);
    expect(serving.step({ dtSec: 1, arrived: 5, readyReplicas: 0 })).toMatchObject({
      started: 0,
      queued: 5,
      overdue: 0,
    });
    serving.step({ dtSec: 1, arrived: 3, readyReplicas: 0 });
    expect(serving.step({ dtSec: 1, arrived: 0, readyReplicas: 0 })).toMatchObject({
      queued: 8,
      overdue: 0,
      oldestWaitSec: 2,
    });
    expect(serving.step({ dtSec: 0.5, arrived: 0, readyReplicas: 0 })).toMatchObject({
      overdue: 5,
      oldestWaitSec: 2.5,
    });
    expect(serving.step({ dtSec: 0.1, arrived: 0, readyReplicas: 1 })).toMatchObject({
      started: 8,
      late: 5,
      overdue: 0,
    });
  });

  test('serves first come, first served', () => {
    const serving = makeServing({ ...SETTINGS, slotsPerReplica: 1 });
    serving.step({ dtSec: 1, arrived: 1, readyReplicas: 0 });
    serving.step({ dtSec: 1, arrived: 1, readyReplicas: 0 });
    expect(serving.step({ dtSec: 1, arrived: 0, readyReplicas: 1 })).toMatchObject({ started: 1, oldestWaitSec: 1 });
  });

  test('in balance holds arrivals × service time in flight (Little), and nobody waits', () => {
    const serving = makeServing(SETTINGS);
    let last = serving.step({ dtSec: 0.05, arrived: 0, readyReplicas: 4 });
    for (let now = 0; now < 60; now += 0.05) last = serving.step({ dtSec: 0.05, arrived: 10 * 0.05, readyReplicas: 4 });
    // A step of 50 ms rounds the mean up by at most half a step of arrivals.
    expect(Math.abs(last.inFlight - 20)).toBeLessThan(0.5);
    expect(last.queued).toBe(0);
  });

  test('beyond its capacity the queue grows by what is too much', () => {
    const serving = makeServing(SETTINGS);
    let last = serving.step({ dtSec: 0.05, arrived: 0, readyReplicas: 1 });
    for (let now = 0; now < 100; now += 0.05) last = serving.step({ dtSec: 0.05, arrived: 8 * 0.05, readyReplicas: 1 });
    // 10 slots of 2 s end 5 a second; 3 a second are too much for 100 s.
    expect(last.queued / 300).toBeCloseTo(1, 1);
  });
});

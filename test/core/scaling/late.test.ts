/** First tokens that come late with nothing waiting: the fleet grows until they are in time, unless it is not the load that makes them late. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import { lateAfter } from '../../../lib/core/scaling/late.ts';
import { missing, observed, readings, T0, value, workloadInput, workloadPolicy } from '../builders.ts';

/** As the policy has it: 5 requests/s a replica. A new one takes a minute. */
const [PER_SEC, GIVEN, START_SEC, EVERY_SEC] = [50, 5, 60, 10];

const policy = workloadPolicy({
  replicas: { min: 1, max: 200 },
  slo: { ttftSec: 1, ratio: 0.99 },
  leadTimeSec: START_SEC,
  signals: [{ kind: 'requestRate', perReplicaPerSec: GIVEN }],
});

type Course = { readonly counts: readonly number[]; readonly late: number; readonly because: string };

/** Hours of constant arrivals without a queue; `lateOf` says what share of first tokens is late at so many requests/s a replica, null: nobody says. The last hour's mean counts as late. */
function hours(of: { readonly sec: number; readonly lateOf: (perReplica: number) => number | null }): Course {
  let control: WorkloadControl | undefined;
  let readySec = Array.from({ length: PER_SEC / GIVEN }, () => 0);
  const counts: number[] = [];
  let [late, because] = [0, ''];
  for (let sec = EVERY_SEC; sec <= of.sec; sec += EVERY_SEC) {
    const ready = readySec.filter((atSec) => atSec <= sec).length;
    const share = of.lateOf(PER_SEC / ready);
    if (sec > of.sec - 3_600) late += (share ?? 0) / 360;
    const outcome = decideWorkload(
      workloadInput({
        policy,
        nowMs: T0 + sec * 1_000,
        readings: readings({
          requestRate: value(PER_SEC, { from: 'gateway' }),
          completionRate: value(PER_SEC, { from: 'gateway' }),
          queued: value(0, { from: 'gateway' }),
          lateRatio: share === null ? missing() : value(share),
        }),
        target: observed(readySec.length, { ready, pods: [] }),
        control,
      }),
    );
    ({ control } = outcome);
    because = outcome.trail[0]?.because ?? '';
    readySec = readySec.toSorted((a, b) => a - b).slice(0, outcome.wanted);
    while (readySec.length < outcome.wanted) readySec.push(sec + START_SEC);
    counts.push(outcome.wanted);
  }
  return { counts, late, because };
}

/** Served, and nobody says how late first tokens are. */
const servedReadings = () =>
  readings({
    requestRate: value(PER_SEC, { from: 'gateway' }),
    completionRate: value(PER_SEC, { from: 'gateway' }),
    queued: value(0, { from: 'gateway' }),
  });

const turnsOf = (counts: readonly number[]): number => {
  const steps = counts.slice(1).map((count, index) => Math.sign(count - (counts[index] ?? 0)));
  const moves = steps.filter((sign) => sign !== 0);
  return moves.slice(1).filter((sign, index) => sign !== moves[index]).length;
};

describe('late first tokens without a queue', () => {
  test('a replica that answers in time only up to 3.5 requests/s is asked for as often as that needs, whatever the policy says', () => {
    const { counts, late, because } = hours({ sec: 8 * 3_600, lateOf: (perSec) => (perSec > 3.5 ? 0.6 : 0) });
    expect(hours({ sec: 3_600, lateOf: () => 0 }).counts.at(-1)).toBeLessThan(13);
    // 50 over 3.5 is 14.3.
    expect(Math.max(...counts)).toBeLessThanOrEqual(17);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(14);
    expect(late).toBeLessThan(0.03);
    expect(because).toContain('in time (learned from first tokens)');
  });

  test('where twice as many do not help, it is not the load: given up, tried again a day later', () => {
    const { counts } = hours({ sec: 27 * 3_600, lateOf: () => 0.5 });
    const usual = hours({ sec: 3_600, lateOf: () => 0 }).counts.at(-1) ?? 0;
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * usual + 1);
    const above = counts.filter((count) => count > usual + 1).length / counts.length;
    expect(above).toBeLessThan(0.15);
    expect(counts.slice(24 * 360).some((count) => count > usual + 1)).toBe(true);
  });

  test('few that are late by chance cost nothing for good', () => {
    let turn = 0;
    const { counts } = hours({ sec: 12 * 3_600, lateOf: () => (++turn % 200 === 0 ? 1 : 0) });
    const [usual] = hours({ sec: 3_600, lateOf: () => 0 }).counts.slice(-1);
    expect(counts.at(-1)).toBeLessThanOrEqual((usual ?? 0) + 1);
  });

  test('in time, or not said: the very same counts', () => {
    const inTime = hours({ sec: 3_600, lateOf: () => 0 });
    const unsaid = hours({ sec: 3_600, lateOf: () => null });
    expect(inTime.counts).toEqual(unsaid.counts);
  });

  test('settles without turning back and forth', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2.6, max: 5, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (edge, share) => {
          const { counts } = hours({ sec: 3 * 3_600, lateOf: (perSec) => (perSec > edge ? share : 0) });
          // Two around a step, and those of forecasts that are young.
          expect(turnsOf(counts)).toBeLessThanOrEqual(6);
          expect(Math.max(...counts)).toBeLessThanOrEqual(2 * (PER_SEC / GIVEN) * 1.3);
        },
      ),
      {
        numRuns: 15,
        examples: [
          [50 / 14, 0.25],
          [10 / 3, 0.67666665],
        ],
      },
    );
  });
});

describe('what is learned of them', () => {
  const now = fc.record({
    dtMs: fc.integer({ min: 0, max: 60_000 }),
    late: fc.double({ min: 0, max: 1, noNaN: true }),
    tolerated: fc.constantFrom(0.001, 0.01, 0.2),
  });

  test('stays between half and whole, and until it is given up more that are late never mean that a replica does more', () => {
    fc.assert(
      fc.property(fc.array(now, { maxLength: 50 }), now, (looks, last) => {
        const state = looks.reduce(lateAfter, lateAfter(undefined, last));
        const after = (late: number) => lateAfter(state, { ...last, late }) ?? { well: 1, offMs: 0 };
        expect(after(last.late).well).toBeGreaterThanOrEqual(0.5);
        expect(after(last.late).well).toBeLessThanOrEqual(1);
        const more = after(Math.min(1, last.late + 0.1));
        // A step is taken a look earlier, and the one after the last is none.
        if (more.offMs === 0 || after(last.late).offMs > 0)
          expect(more.well).toBeLessThanOrEqual(after(last.late).well);
      }),
    );
  });

  test('one look after hours without any is no hours of late tokens', () => {
    const state = lateAfter(undefined, { dtMs: 5_000, late: 0.2, tolerated: 0.001 });
    expect(lateAfter(state, { dtMs: 3 * 3_600_000, late: 1, tolerated: 0.001 })).toMatchObject({ well: 1 });
  });

  test('nothing is left of it once the policy says no more what late is', () => {
    const learned = { sumSec: 0, well: 0.6, sinceMs: 0, offMs: 0 };
    const { control } = decideWorkload(
      workloadInput({ policy, nowMs: T0, readings: servedReadings(), target: observed(10, { pods: [] }) }),
    );
    if (control.work === undefined) throw new Error('nothing was learned');
    const memory = { ...control, work: { ...control.work, late: learned } };
    const after = (slo: typeof policy.spec.slo) =>
      decideWorkload(
        workloadInput({
          policy: { ...policy, spec: { ...policy.spec, slo } },
          nowMs: T0 + 10_000,
          readings: servedReadings(),
          target: observed(10, { pods: [] }),
          control: memory,
        }),
      ).control.work?.late;
    expect(after({ ttftSec: 1, ratio: 0.99 })).toEqual(learned);
    expect(after({ waitSec: 1, ratio: 0.99 })).toBeUndefined();
  });

  test('of a service that is in time nothing is kept', () => {
    expect(lateAfter(undefined, { dtMs: 5_000, late: 0.001, tolerated: 0.001 })).toBeUndefined();
  });
});

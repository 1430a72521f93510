/** The work of a request: learned from what busy replicas complete, believed within limits, forgotten without evidence, and good enough to serve with wrong figures. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { EMPTY_CONTROL } from '../../../lib/core/carried-outcome.ts';
import type { WorkloadControl, WorkloadInput } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import { FULL_SEEN_MS_MIN, withLearnedWork, workAfter, workPerRequest } from '../../../lib/core/scaling/work.ts';
import type { WorkState } from '../../../lib/core/scaling/work.ts';
import { demandsOf } from '../../../lib/core/signals/index.ts';
import type { Reading, SignalName } from '../../../lib/core/types.ts';
import { missing, observed, readings, T0, value, workloadInput, workloadPolicy } from '../builders.ts';

const rate = workloadPolicy({ signals: [{ kind: 'requestRate', perReplicaPerSec: 5 }] });
const inFlight = workloadPolicy({ signals: [{ kind: 'inFlight', perReplica: 8 }] });

type Said = Partial<Record<SignalName, number | Reading>>;
type Stretch = { readonly sec: number; readonly ready?: number; readonly policy?: WorkloadInput['policy'] };

/** Four replicas that serve 20 requests of 100 and 100 tokens a second, as given, nothing waiting. */
const USUAL: Said = {
  requestRate: 20,
  completionRate: 20,
  inputTokenRate: 2_000,
  outputTokenRate: 2_000,
  inFlight: 32,
  queued: 0,
};

function inputOf(
  said: Said,
  of: {
    readonly nowMs: number;
    readonly ready: number;
    readonly work: WorkState | undefined;
    readonly policy: WorkloadInput['policy'];
  },
): WorkloadInput {
  const given = Object.entries(said).map(([name, one]) => [name, typeof one === 'number' ? value(one) : one] as const);
  return workloadInput({
    policy: of.policy,
    nowMs: of.nowMs,
    readings: readings(Object.fromEntries(given)),
    target: observed(of.ready, { pods: [] }),
    control: of.work === undefined ? undefined : { ...EMPTY_CONTROL, work: of.work },
  });
}

/** The memory after a stretch of the same readings, looked at every 10 s. */
function after(work: WorkState | undefined, said: Said, { sec, ready = 4, policy = rate }: Stretch): WorkState {
  let state = work;
  const fromMs = work?.atMs ?? T0;
  for (let atSec = 10; atSec <= sec; atSec += 10) {
    state = workAfter(inputOf(said, { nowMs: fromMs + atSec * 1_000, ready, work: state, policy })) ?? state;
  }
  if (state === undefined) throw new Error('nothing was learned');
  return state;
}

/** What the first signal asks for with that memory. */
function demandOf(
  work: WorkState,
  said: Said,
  policy = rate,
): { readonly demand: number | null; readonly isRate: boolean; readonly because: string } {
  const input = inputOf(said, { nowMs: work.atMs, ready: 4, work, policy });
  const given = demandsOf(policy.spec.signals, { readings: input.readings, target: input.target, heard: new Set() });
  const [first] = withLearnedWork(given, { input, state: work });
  if (first === undefined) throw new Error('no signal');
  return first;
}

/** Four replicas with a queue serve half of the 20/s they are believed to. */
const HALF: Said = { ...USUAL, completionRate: 10, inputTokenRate: 1_000, outputTokenRate: 1_000, queued: 200 };

describe('the work of a request', () => {
  test('requests twice as long as usual (half as many completed with as many tokens) ask for twice as many replicas, five times at most', () => {
    const usual = after(undefined, USUAL, { sec: 7_200 });
    expect(demandOf(usual, USUAL).demand).toBeCloseTo(4, 2);
    const long = after(usual, { ...USUAL, completionRate: 10 }, { sec: 600 });
    expect(demandOf(long, USUAL).demand).toBeGreaterThan(7);
    expect(demandOf(long, USUAL).because).toContain('times as long as usual');
    const huge = after(usual, { ...USUAL, completionRate: 0.2 }, { sec: 3_600 });
    expect(demandOf(huge, USUAL).demand).toBeCloseTo(20, 0);
  });

  test('a steady fleet that is busy and serves half is counted as half, one that serves a tenth as half too', () => {
    const half = after(after(undefined, USUAL, { sec: 600 }), HALF, { sec: 900 });
    expect(half.serves).toBeCloseTo(0.5, 1);
    expect(demandOf(half, USUAL).demand).toBeCloseTo(8, 0);
    expect(after(half, { ...HALF, completionRate: 2 }, { sec: 900 }).serves).toBe(0.5);
  });

  test('replicas that serve three times what was given are counted as two', () => {
    expect(after(undefined, { ...USUAL, completionRate: 60, queued: 300 }, { sec: 3_600 }).serves).toBe(2);
  });

  test('without evidence it is forgotten, by half in about half a day', () => {
    const half = after(after(undefined, USUAL, { sec: 600 }), HALF, { sec: 900 });
    const idle: Said = { ...USUAL, completionRate: 1, requestRate: 1, inputTokenRate: 100, outputTokenRate: 100 };
    const later = after(half, idle, { sec: 12 * 3_600 });
    expect(later.serves).toBeGreaterThan(0.75);
    expect(later.serves).toBeLessThan(0.9);
  });

  test('idle replicas and a fleet that changes every minute teach nothing', () => {
    const idle = after(undefined, { ...USUAL, completionRate: 2 }, { sec: 3_600 });
    expect(idle.serves).toBe(1);
    let changing = after(undefined, USUAL, { sec: 600 });
    for (let turn = 0; turn < 60; turn++) changing = after(changing, HALF, { sec: 10, ready: 4 + (turn % 2) });
    expect(changing.serves).toBeCloseTo(1, 1);
  });

  test('missing or partly covered completions change nothing', () => {
    const usual = after(undefined, USUAL, { sec: 600 });
    for (const completionRate of [missing(), value(3, { coverageRatio: 0.5 })]) {
      const input = inputOf(
        { ...USUAL, completionRate },
        { nowMs: usual.atMs + 10_000, ready: 4, work: usual, policy: rate },
      );
      expect(workAfter(input)).toBe(usual);
    }
  });

  test('is what the policy says before anything was learned, and null when it says nothing of requests', () => {
    expect(workPerRequest(workloadInput({ policy: rate }), undefined)).toBe(0.2);
    expect(workPerRequest(workloadInput({ policy: inFlight }), undefined)).toBeNull();
  });
});

describe('an in-flight policy', () => {
  test('is sized by arrivals after three minutes of full replicas and not before; what waits is no load then', () => {
    const seenSec = FULL_SEEN_MS_MIN / 1_000;
    const queueing: Said = { ...USUAL, queued: 40 };
    const before = after(undefined, USUAL, { sec: seenSec, policy: inFlight });
    expect(demandOf(before, queueing, inFlight)).toMatchObject({ isRate: false, demand: 9 });
    const learned = after(before, USUAL, { sec: 60, policy: inFlight });
    const asks = demandOf(learned, queueing, inFlight);
    expect(asks.isRate).toBe(true);
    expect(asks.demand).toBeCloseTo(4, 1);
    expect(
      workPerRequest(inputOf(queueing, { nowMs: learned.atMs, ready: 4, work: learned, policy: inFlight }), learned),
    ).toBeCloseTo(0.2, 2);
  });

  test('learns nothing of that from replicas that are nearly empty', () => {
    const empty = after(undefined, { ...USUAL, inFlight: 8, completionRate: 5 }, { sec: 3_600, policy: inFlight });
    expect(empty.full.seenMs).toBe(0);
  });
});

/** A replica serves 8 requests at once, each in 1.6 s: 5 a second. Others wait. A new one takes a minute. */
const [SLOTS, SERVICE_SEC, START_SEC, EVERY_SEC] = [8, 1.6, 60, 10];

type End = { readonly wanted: number; readonly queued: number; readonly servedRatio: number };

/** An hour of constant arrivals, counts applied at once; the last ten minutes count as served. */
function anHour(of: { readonly perSec: number; readonly start: number; readonly signals: readonly object[] }): End {
  const policy = workloadPolicy({ replicas: { min: 1, max: 200 }, leadTimeSec: START_SEC, signals: of.signals });
  let control: WorkloadControl | undefined;
  let readySec = Array.from({ length: of.start }, () => 0);
  let [present, served, servedLate] = [0, 0, 0];
  for (let sec = 1; sec <= 3_600; sec++) {
    const ready = readySec.filter((atSec) => atSec <= sec).length;
    const inside = Math.min(present, ready * SLOTS);
    const done = inside / SERVICE_SEC;
    present = present + of.perSec - done;
    served += done;
    if (sec > 3_000) servedLate += done;
    if (sec % EVERY_SEC !== 0) continue;
    const outcome = decideWorkload(
      workloadInput({
        policy,
        nowMs: T0 + sec * 1_000,
        readings: readings({
          requestRate: value(of.perSec, { from: 'gateway' }),
          completionRate: value(served / EVERY_SEC, { from: 'gateway' }),
          inFlight: value(Math.min(present, ready * SLOTS), { from: 'gateway' }),
          queued: value(Math.max(0, present - ready * SLOTS), { from: 'gateway' }),
        }),
        target: observed(readySec.length, { ready, pods: [] }),
        control,
      }),
    );
    ({ control } = outcome);
    served = 0;
    readySec = readySec.toSorted((a, b) => a - b).slice(0, outcome.wanted);
    while (readySec.length < outcome.wanted) readySec.push(sec + START_SEC);
  }
  const ready = readySec.filter((atSec) => atSec <= 3_600).length;
  return {
    wanted: readySec.length,
    queued: Math.max(0, present - ready * SLOTS),
    servedRatio: servedLate / (600 * of.perSec),
  };
}

describe('an hour of constant load on replicas that serve five a second', () => {
  test.each([
    ['in flight, as it is', { kind: 'inFlight', perReplica: 8 }],
    ['in flight, twice what a replica holds', { kind: 'inFlight', perReplica: 16 }],
    ['in flight, half of it', { kind: 'inFlight', perReplica: 4 }],
    ['rate, twice what a replica serves', { kind: 'requestRate', perReplicaPerSec: 10 }],
    ['rate, half of it', { kind: 'requestRate', perReplicaPerSec: 2.5 }],
  ])('%s: what arrives is served and nothing waits', (_, signal) => {
    const { queued, servedRatio, wanted } = anHour({ perSec: 43, start: 2, signals: [signal] });
    expect(servedRatio).toBeGreaterThan(0.99);
    expect(queued).toBeLessThan(2 * 43);
    expect(wanted).toBeLessThanOrEqual(2 * (43 / 5) * 1.5 + 1);
  });

  test('with right figures the count settles between what is needed and 1.5 times that, give or take one', () => {
    const signals = fc.constantFrom({ kind: 'inFlight', perReplica: 8 }, { kind: 'requestRate', perReplicaPerSec: 5 });
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 150 }),
        fc.integer({ min: 1, max: 40 }),
        signals,
        (perSec, start, signal) => {
          const { wanted } = anHour({ perSec, start, signals: [signal] });
          expect(wanted).toBeGreaterThanOrEqual(perSec / 5 - 1);
          // Replicas are whole: 13 a second are 3.9 of them, and 5 is one more than 4.
          expect(wanted).toBeLessThanOrEqual(Math.ceil((perSec / 5) * 1.5) + 1);
        },
      ),
      { numRuns: 12 },
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import { leadTimeSecOf, leadTimesAfter, withLeadTime } from '../../../lib/core/scaling/lead-time.ts';
import type { LeadTimeState, NodeBirths } from '../../../lib/core/scaling/lead-time.ts';
import type { PodObservation } from '../../../lib/core/types.ts';
import { observed, T0, workloadInput, workloadPolicy } from '../builders.ts';
import { lawRuns } from '../law-runs.ts';

const EVERY_SEC = 10;

/** A pod's life in seconds since T0; `readySec` null: never. */
type Life = {
  readonly createdSec: number;
  readonly readySec: number | null;
  readonly nodeSec?: number;
  readonly goneSec?: number;
  readonly node?: string;
};

function podAt(life: Life, at: { readonly index: number; readonly sec: number }): PodObservation[] {
  if (at.sec < life.createdSec || at.sec >= (life.goneSec ?? Infinity)) return [];
  const [pod] = observed(1).pods;
  if (pod === undefined) return [];
  const hasNode = at.sec >= (life.nodeSec ?? life.createdSec);
  const ready = life.readySec !== null && at.sec >= life.readySec;
  const name = `pod-${at.index}`;
  const createdMs = T0 + Math.floor(life.createdSec) * 1000;
  return [{ ...pod, name, createdMs, ready, nodeName: hasNode ? (life.node ?? 'old') : null, unschedulable: !hasNode }];
}

type Watch = { readonly policySec?: number; readonly untilSec?: number; readonly rollout?: readonly [number, number] };

/** What is known after these lives were watched every ten seconds. */
function watch(lives: readonly Life[], of: Watch & { readonly nodes?: NodeBirths } = {}): LeadTimeState | undefined {
  const policy = workloadPolicy({ leadTimeSec: of.policySec ?? 60 });
  let leadTimes: LeadTimeState | undefined;
  for (let sec = 0; sec <= (of.untilSec ?? 4_000); sec += EVERY_SEC) {
    const pods = lives.flatMap((life, index) => podAt(life, { index, sec }));
    const target = observed(pods.length, {
      pods,
      ready: pods.filter((pod) => pod.ready).length,
      rolloutInProgress: of.rollout !== undefined && sec >= of.rollout[0] && sec < of.rollout[1],
    });
    const control: WorkloadControl = {
      version: 1,
      wants: [],
      lastWanted: 1,
      lastAtMs: 0,
      unknownSinceMs: null,
      changes: [],
      decreases: [],
      lastRecorded: null,
      ...(leadTimes === undefined ? {} : { leadTimes }),
    };
    const nodes = of.nodes === undefined ? {} : { nodes: of.nodes };
    leadTimes = leadTimesAfter(workloadInput({ policy, nowMs: T0 + sec * 1000, target, control, ...nodes }));
  }
  return leadTimes;
}

/** Starts one after another, each of so many seconds. */
function starts(count: number, tookSec: number, over: Partial<Life> = {}): Life[] {
  return Array.from({ length: count }, (_, index) => {
    const createdSec = 15 + index * 40;
    return { createdSec, readySec: createdSec + tookSec, ...over };
  });
}

const inForce = (state: LeadTimeState | undefined): unknown => state?.inForce;

describe('lead times learned from the pods of a workload', () => {
  test('starts that take as long as the policy says leave its figure alone, to the digit', () => {
    expect(inForce(watch(starts(40, 60)))).toEqual({ p50: 60, p90: 60 });
    expect(inForce(watch(starts(40, 63)))).toEqual({ p50: 60, p90: 60 });
  });

  test('nine tenths follow from the second slow start on, the half from as many as the policy is worth', () => {
    expect(inForce(watch(starts(1, 300)))).toEqual({ p50: 60, p90: 60 });
    expect(watch(starts(2, 300))?.inForce.p90).toBeCloseTo(300, -1);
    expect(watch(starts(2, 300))?.inForce.p50).toBe(60);
    expect(watch(starts(12, 300))?.inForce.p50).toBeCloseTo(300, -1);
  });

  test('a policy that is too careful is believed until some sixteen starts were faster', () => {
    expect(watch(starts(5, 60), { policySec: 300 })?.inForce.p90).toBe(300);
    expect(watch(starts(20, 90), { policySec: 300 })?.inForce.p90).toBeCloseTo(90, -1);
  });

  test('figures stay within a quarter and eight times of the policy until two dozen starts were measured', () => {
    expect(watch(starts(4, 900), { policySec: 60 })?.inForce.p90).toBe(480);
    expect(watch(starts(20, 10), { policySec: 300 })?.inForce.p90).toBe(75);
    expect(watch(starts(60, 10), { policySec: 300 })?.inForce.p90).toBeCloseTo(10, -1);
  });

  test('pods that were there before the first look teach nothing', () => {
    const before = Array.from({ length: 10 }, () => ({ createdSec: -500, readySec: 200 }));
    expect(watch(before)?.starts).toEqual([]);
    expect(inForce(watch(before))).toEqual({ p50: 60, p90: 60 });
  });

  test('pods of a rollout, and pods that go before they are ready, teach nothing', () => {
    expect(watch(starts(10, 300), { rollout: [10, 3_000] })?.starts).toEqual([]);
    const failing = Array.from({ length: 10 }, (_, i) => ({
      createdSec: 15 + 50 * i,
      readySec: null,
      goneSec: 100 + 50 * i,
    }));
    expect(watch(failing)?.starts).toEqual([]);
    expect(inForce(watch(failing))).toEqual({ p50: 60, p90: 60 });
  });

  test('one pod that never gets ready moves nothing, and is given up', () => {
    const stuck = [{ createdSec: 15, readySec: null }];
    expect(inForce(watch(stuck, { untilSec: 300 }))).toEqual({ p50: 60, p90: 60 });
    expect(watch(stuck)?.waiting).toEqual([]);
  });

  test('several that are awaited for longer than usual say so before they are ready, up to twice of what is known', () => {
    const late = Array.from({ length: 5 }, () => ({ createdSec: 15, readySec: 420 }));
    expect(watch(late, { untilSec: 70 })?.inForce.p90).toBe(60);
    expect(watch(late, { untilSec: 110 })?.inForce.p90).toBeGreaterThan(80);
    expect(watch(late, { untilSec: 410 })?.inForce.p90).toBe(120);
    expect(watch(late, { untilSec: 430 })?.inForce.p90).toBeCloseTo(400, -1);
  });

  test('a hundred pods that start at once say as much as four', () => {
    const crowd = Array.from({ length: 100 }, () => ({ createdSec: 15, readySec: 315 }));
    const state = watch(crowd);
    expect(state?.starts.length).toBeLessThanOrEqual(4);
    expect(state?.starts.reduce((sum, [, weight]) => sum + weight, 0)).toBeLessThanOrEqual(4);
  });

  test('starts on a node that was there are told from those that waited for one, by node group where it is known', () => {
    const nodes = {
      old: { group: 'g5-od', createdMs: T0 - 1e7 },
      young: { group: 'g6-spot', createdMs: T0 + 10_000_000 },
    };
    const lives = [...starts(10, 50), ...starts(10, 200, { node: 'young' })];
    const state = watch(lives, { nodes });
    if (state === undefined) throw new Error('nothing learned');
    expect(new Set(state.starts.map(([, , where]) => where))).toEqual(new Set(['pod/g5-od', 'node/g6-spot']));
    const of = (where: string) => leadTimeSecOf({ leadTimes: state }, { policySec: 60, where });
    expect(of('pod').p90).toBeLessThan(70);
    expect(of('node').p90).toBeGreaterThan(180);
    expect(of('node/g5-od')).toEqual({ p50: 60, p90: 60 });
    const blind = watch([
      ...starts(3, 50),
      ...starts(3, 200).map((life) => ({ ...life, nodeSec: life.createdSec + 90 })),
    ]);
    expect(blind?.starts.map(([, , where]) => where).toSorted()).toEqual(['node', 'node', 'node', 'pod', 'pod', 'pod']);
  });

  test('a start that fell into a long gap of observation teaches nothing', () => {
    const policy = workloadPolicy({ leadTimeSec: 60 });
    const first = leadTimesAfter(workloadInput({ policy, nowMs: T0, target: observed(0) }));
    const pods = podAt({ createdSec: 20, readySec: 80 }, { index: 0, sec: 3_600 });
    const { control } = decideWorkload(workloadInput({ policy }));
    const later = workloadInput({ policy, nowMs: T0 + 3_600_000, target: observed(1, { pods }) });
    const state = leadTimesAfter({
      ...later,
      control: { ...control, ...(first === undefined ? {} : { leadTimes: first }) },
    });
    expect(state?.starts).toEqual([]);
  });

  test('starts are timed by when they were looked at, not by what was proven by then', () => {
    const policy = workloadPolicy({ leadTimeSec: 60 });
    const { control } = decideWorkload(workloadInput({ policy }));
    const lookedAt = (sec: number, replicas: number, before: ReturnType<typeof leadTimesAfter>) => {
      const pods = replicas === 0 ? [] : podAt({ createdSec: 20, readySec: 80 }, { index: 0, sec });
      const target = observed(replicas, { pods });
      // Kept by watches: seen now, proven as of 20 s ago.
      const input = workloadInput({ policy, nowMs: T0 + sec * 1000, target, snapshotAgeMs: 20_000, lookAgeMs: 0 });
      return leadTimesAfter({
        ...input,
        control: { ...control, ...(before === undefined ? {} : { leadTimes: before }) },
      });
    };
    let state = lookedAt(0, 0, undefined);
    for (let sec = 2; sec <= 84; sec += 2) state = lookedAt(sec, sec < 20 ? 0 : 1, state);
    expect(state?.starts).toHaveLength(1);
    expect(state?.starts[0]?.[0]).toBeGreaterThanOrEqual(56);
    expect(state?.starts[0]?.[0]).toBeLessThanOrEqual(64);
  });

  test('a policy with another figure starts from that figure and what was measured', () => {
    const state = watch(starts(2, 100), { policySec: 60 });
    if (state === undefined) throw new Error('nothing learned');
    expect(leadTimeSecOf({ leadTimes: state }, { policySec: 600 })).toEqual({ p50: 600, p90: 600 });
  });

  test('the nine tenths take the place of the policy in every rule', () => {
    const state = watch(starts(6, 300));
    const input = workloadInput({ policy: workloadPolicy({ leadTimeSec: 60 }) });
    expect(withLeadTime(input, state).policy.spec.leadTimeSec).toBeCloseTo(300, -1);
    expect(withLeadTime(input, undefined)).toBe(input);
  });
});

describe('law: what is learned is bounded, whatever pods do', () => {
  const lifeArb = fc.record({
    createdSec: fc.integer({ min: -50, max: 900 }),
    readySec: fc.option(fc.integer({ min: 0, max: 1_500 })),
    nodeSec: fc.integer({ min: 0, max: 900 }),
    goneSec: fc.integer({ min: 0, max: 2_000 }),
  });
  const times = fc.record({
    policySec: fc.integer({ min: 1, max: 7_200 }),
    lives: fc.array(lifeArb, { maxLength: 60 }),
  });

  test('figures are ordered, within a quarter and eight times of the policy or well evidenced, the memory is small, and equal inputs give equal bytes', () => {
    fc.assert(
      fc.property(times, ({ policySec, lives }) => {
        const of = { policySec, untilSec: 1_500 };
        const state = watch(lives, of);
        if (state === undefined) throw new Error('nothing learned');
        const { p50, p90 } = state.inForce;
        const weight = state.starts.reduce((sum, [, one]) => sum + one, 0);
        if (!(p50 <= p90 && p50 >= 1 && p90 <= 7_200)) throw new Error(`${p50} and ${p90}`);
        if (weight < 24 && (p90 > 8 * policySec + 0.1 || p50 < policySec / 4 - 0.1))
          throw new Error(`${p50}, ${p90} of ${policySec}`);
        if (state.starts.length > 48 || state.waiting.length > 32) throw new Error('too much is remembered');
        const bytes = JSON.stringify(state);
        if (bytes.length > 4_096) throw new Error(`${bytes.length} bytes`);
        if (JSON.stringify(JSON.parse(bytes)) !== bytes) throw new Error('not JSON');
        if (JSON.stringify(watch(lives, of)) !== bytes) throw new Error('not the same twice');
      }),
      { numRuns: lawRuns(100) },
    );
  });
});

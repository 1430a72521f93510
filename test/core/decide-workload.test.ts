/** The plain rules of one workload, as timelines: set readings, move time on, look at the count and its reason. */
import { describe, expect, test } from '@jest/globals';
import type { WorkloadInput, WorkloadOutcome } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import { missing, observed, readings, T0, value, workloadInput, workloadPolicy } from './builders.ts';

/** Evaluates every `everyMs` for `forMs`, the target following what was wanted, and returns the last outcome. */
function run(input: WorkloadInput, options: { forMs: number; everyMs?: number }): WorkloadOutcome {
  const everyMs = options.everyMs ?? 5_000;
  let outcome = decideWorkload(input);
  for (let atMs = everyMs; atMs <= options.forMs; atMs += everyMs) {
    outcome = decideWorkload({
      ...input,
      nowMs: input.nowMs + atMs,
      control: outcome.control,
      target: input.target.kind === 'missing' ? input.target : observed(outcome.wanted),
    });
  }
  return outcome;
}

const seen = (kvCacheRatio: number) =>
  readings({ inFlight: value(8), queued: value(0), kvCacheRatio: value(kvCacheRatio) });

const quiet = (from: 'pod' | 'gateway') =>
  readings({ inFlight: value(0), queued: value(0), requestRate: value(0, { from }) });

const load = (inFlight: number) => readings({ inFlight: value(inFlight), queued: value(0) });

describe('decideWorkload: growth', () => {
  test('grows at once to demand plus square-root headroom', () => {
    const outcome = decideWorkload(workloadInput({ readings: readings({ inFlight: value(41), queued: value(4) }) }));
    // 45/8 = 5.625, + 1.42·√(5.625/8) = 1.19 → 7
    expect(outcome.wanted).toBe(7);
    expect(outcome.demand).toBeCloseTo(5.625);
    expect(outcome.binding).toBe('headroom');
    expect(outcome.trail.map((s) => [s.rule, s.from, s.to])).toEqual([
      ['demand', null, 5.625],
      ['headroom', 5.625, 7],
    ]);
    expect(outcome.trail[0]?.because).toBe('41 requests in flight and 4 waiting over 8 a replica');
  });

  test('the largest signal wins; input and output tokens add up', () => {
    const policy = workloadPolicy({
      signals: [
        { kind: 'inFlight', perReplica: 8 },
        { kind: 'tokens', inputPerSec: 20_000, outputPerSec: 1_000 },
      ],
    });
    const outcome = decideWorkload(
      workloadInput({
        policy,
        readings: readings({ inFlight: value(8), inputTokenRate: value(60_000), outputTokenRate: value(5_000) }),
      }),
    );
    expect(outcome.demand).toBe(8);
    expect(outcome.trail[0]?.because).toBe(
      '60000 input tokens/s over 20000 a replica plus 5000 output tokens/s over 1000 a replica; inFlight asks for 1',
    );
  });

  test('a queue is kept up with and drained in time, without headroom', () => {
    const policy = workloadPolicy({ signals: [{ kind: 'queueDepth', perReplicaPerSec: 2, drainSec: 60 }] });
    const outcome = decideWorkload(
      workloadInput({
        policy,
        readings: readings({ queueDepth: value(600), requestRate: value(6) }),
        target: observed(1),
      }),
    );
    expect(outcome.demand).toBe(8);
    expect(outcome.wanted).toBe(8);
  });

  test('a guard raises and does not lower', () => {
    const policy = workloadPolicy({
      signals: [
        { kind: 'inFlight', perReplica: 8 },
        { kind: 'kvCache', targetRatio: 0.8 },
      ],
    });
    expect(decideWorkload(workloadInput({ policy, readings: seen(1), target: observed(8) })).wanted).toBe(10);
    const only = workloadPolicy({ signals: [{ kind: 'gpu' }] });
    const outcome = run(workloadInput({ policy: only, readings: readings({ gpuRatio: value(0) }) }), {
      forMs: 900_000,
    });
    expect(outcome.wanted).toBe(4);
    expect(outcome.hold).toBe('utilization guards alone only raise');
  });

  test('never above replicas.max, with the reason in the trail', () => {
    const outcome = decideWorkload(workloadInput({ readings: load(4_000) }));
    expect(outcome.wanted).toBe(40);
    expect(outcome.binding).toBe('max');
  });

  test('one waiting message starts a workload that is at zero', () => {
    const policy = workloadPolicy({
      replicas: { min: 0, max: 5 },
      signals: [{ kind: 'queueDepth', perReplicaPerSec: 100, drainSec: 600 }],
    });
    const input = workloadInput({
      policy,
      kind: 'leading',
      target: observed(0),
      readings: readings({ queueDepth: value(1) }),
    });
    expect(decideWorkload(input).wanted).toBe(1);
  });
});

describe('decideWorkload: decrease', () => {
  test('waits for the whole stabilization window, then goes to its peak', () => {
    const start = workloadInput({ readings: load(8), target: observed(10) });
    expect(run(start, { forMs: 175_000 }).wanted).toBe(10);
    const after = run(start, { forMs: 190_000 });
    expect(after.wanted).toBe(2);
  });

  test('a peak inside the window is what it goes down to', () => {
    let outcome = run(workloadInput({ readings: load(8), target: observed(10) }), { forMs: 100_000 });
    const at = (ms: number, inFlight: number): WorkloadOutcome =>
      decideWorkload(
        workloadInput({ nowMs: T0 + ms, readings: load(inFlight), target: observed(10), control: outcome.control }),
      );
    outcome = at(105_000, 40);
    for (let ms = 110_000; ms <= 200_000; ms += 5_000) outcome = at(ms, 8);
    expect(outcome.wanted).toBe(7);
    expect(outcome.binding).toBe('stabilise');
    expect(outcome.trail.at(-1)?.because).toMatch(/^7 replicas wanted \d+ s ago, within the window of 180 s$/);
  });

  test('goes no faster than maxPerMinute', () => {
    const policy = workloadPolicy({ scaleDown: { windowSec: 0, maxPerMinute: '20%' } });
    const start = workloadInput({ policy, readings: load(8), target: observed(20) });
    expect(run(start, { forMs: 0 }).wanted).toBe(20);
    const first = run(start, { forMs: 5_000 });
    expect(first.wanted).toBe(16);
    expect(first.trail.at(-1)?.because).toBe('4 replicas may go now (scaleDown.maxPerMinute 20%)');
    expect(run(start, { forMs: 60_000 }).wanted).toBe(16);
    expect(run(start, { forMs: 65_000 }).wanted).toBe(13);
  });

  const holds: readonly (readonly [string, Partial<WorkloadInput>, string])[] = [
    ['a missing reading', { readings: readings({ inFlight: missing() }) }, 'inFlight is missing: no source reported'],
    [
      'a reading that fell silent',
      { readings: readings({ inFlight: value(8), queued: missing('stale') }) },
      'queued is missing: stale',
    ],
    [
      'partial coverage',
      { readings: readings({ inFlight: value(8, { coverageRatio: 0.6 }) }) },
      'inFlight covers only 60 % of its sources',
    ],
    ['an old reading', { readings: readings({ inFlight: value(8, { ageMs: 41_000 }) }) }, 'inFlight is 41 s old'],
    ['an old snapshot', { snapshotAgeMs: 31_000 }, 'the snapshot is 31 s old'],
    ['an unseen target', { target: { kind: 'missing', reason: 'timeout' } }, 'the target is not observed: timeout'],
    ['a cold window', { warmRatio: 0.1 }, 'cold: 90 s of load heard, 180 s needed'],
    ['a rewind', { holdUntilMs: T0 + 1e9 }, 'the load history is being rebuilt, for 278 h more'],
    ['a rollout', { target: observed(10, { rolloutInProgress: true }) }, 'a rollout is in progress'],
    ['an event', { kind: 'leading' }, 'an event only raises; the next full evaluation may lower'],
  ];
  test.each(holds)('holds on %s', (_name, change, reason) => {
    const warm = run(workloadInput({ readings: load(64), target: observed(10) }), { forMs: 5_000 });
    let outcome = warm;
    for (let ms = 10_000; ms <= 600_000; ms += 5_000) {
      const base = workloadInput({ nowMs: T0 + ms, readings: load(8), target: observed(10), control: outcome.control });
      const at = { ...base, ...change };
      outcome = decideWorkload(at);
    }
    expect(outcome.wanted).toBe(10);
    if (reason.startsWith('the load history')) expect(outcome.hold).toMatch(/^the load history is being rebuilt/);
    else expect(outcome.hold).toBe(reason);
  });

  test('waiting requests that were once reported are missed when they are no longer, for an hour', () => {
    const before = run(workloadInput({ readings: load(64), target: observed(10) }), { forMs: 5_000 });
    const silent = readings({ inFlight: value(8) });
    const input = workloadInput({
      nowMs: T0 + 10_000,
      readings: silent,
      target: observed(10),
      control: before.control,
    });
    const after = run(input, { forMs: 3_000_000 });
    expect(after).toMatchObject({ wanted: 10, hold: 'queued is missing: never reported' });
    expect(run({ ...input, nowMs: T0 + 3_100_000, control: after.control }, { forMs: 1_000_000 }).wanted).toBe(2);
  });

  test('the first decision starts from what runs, and with lost memory it takes a full window again', () => {
    const first = decideWorkload(workloadInput({ readings: load(8), target: observed(12) }));
    expect(first.wanted).toBe(12);
    expect(first.binding).toBe('stabilise');
  });

  test('an evaluation gap starts the window afresh', () => {
    const before = run(workloadInput({ readings: load(8), target: observed(10) }), { forMs: 170_000 });
    const input = workloadInput({
      nowMs: T0 + 900_000,
      readings: load(8),
      target: observed(10),
      control: before.control,
    });
    expect(decideWorkload(input).wanted).toBe(10);
  });

  test('a count above replicas.max goes down only when a decrease is allowed', () => {
    const policy = workloadPolicy({ replicas: { min: 1, max: 10 } });
    const unknown = decideWorkload(
      workloadInput({ policy, target: observed(20), readings: readings({ inFlight: missing() }) }),
    );
    expect(unknown.wanted).toBe(20);
    expect(decideWorkload(workloadInput({ policy, target: observed(20), readings: load(800) })).wanted).toBe(10);
  });

  test('a count below replicas.min is corrected at once, also blind', () => {
    const policy = workloadPolicy({ replicas: { min: 6, max: 10 } });
    const input = workloadInput({
      policy,
      kind: 'leading',
      readings: readings({ inFlight: missing() }),
      target: observed(2),
    });
    const outcome = decideWorkload(input);
    expect(outcome.wanted).toBe(6);
    expect(outcome.binding).toBe('min');
  });

  test('an event right after a decrease does not take it back, although its snapshot still shows the larger count', () => {
    const lowered = run(workloadInput({ readings: load(8), target: observed(10) }), { forMs: 190_000 });
    expect(lowered.wanted).toBe(2);
    const input = workloadInput({
      kind: 'leading',
      nowMs: T0 + 191_000,
      readings: load(8),
      target: observed(10),
      snapshotAgeMs: 1_000,
      control: lowered.control,
    });
    expect(decideWorkload(input).wanted).toBe(2);
  });

  test('observe mode follows its own course while another autoscaler writes the count', () => {
    const policy = workloadPolicy({ mode: 'observe', scaleDown: { windowSec: 60, maxPerMinute: '20%' } });
    const input = workloadInput({ policy, readings: load(8), target: observed(20) });
    let outcome = decideWorkload(input);
    for (let ms = 5_000; ms <= 1_200_000; ms += 5_000) {
      outcome = decideWorkload({
        ...input,
        nowMs: T0 + ms,
        control: outcome.control,
        kind: ms % 10_000 === 0 ? 'full' : 'leading',
      });
    }
    expect(outcome.wanted).toBe(2);
  });

  test('paused keeps what runs', () => {
    const outcome = decideWorkload(workloadInput({ policy: workloadPolicy({ mode: 'paused' }), readings: load(400) }));
    expect(outcome.wanted).toBe(4);
    expect(outcome.binding).toBe('paused');
  });
});

describe('decideWorkload: unknown load', () => {
  const policy = workloadPolicy({ fallback: { afterSec: 120, replicas: 6 } });
  const blind = readings({ inFlight: missing('no pod reported') });

  test('falls back after afterSec, and only raises', () => {
    const start = workloadInput({ policy, readings: blind, target: observed(4) });
    expect(run(start, { forMs: 115_000 }).wanted).toBe(4);
    const after = run(start, { forMs: 120_000 });
    expect(after.wanted).toBe(6);
    expect(after.binding).toBe('fallback');
    expect(after.trail.at(-1)?.because).toBe('load unknown for 120 s, limit 120 s: at least 6');
    expect(run({ ...start, target: observed(9) }, { forMs: 600_000 }).wanted).toBe(9);
  });

  test('what other signals ask for still counts', () => {
    const both = workloadPolicy({
      signals: [
        { kind: 'inFlight', perReplica: 8 },
        { kind: 'requestRate', perReplicaPerSec: 1 },
      ],
    });
    const outcome = decideWorkload(
      workloadInput({ policy: both, readings: readings({ inFlight: missing(), requestRate: value(9) }) }),
    );
    expect(outcome.wanted).toBeGreaterThan(9);
    expect(outcome.inputs).toEqual([
      { signal: 'inFlight', value: null, coverage: 0, ageMs: 45_000, reason: 'no source reported' },
      { signal: 'requestRate', value: 9, coverage: 1, ageMs: 900 },
    ]);
  });

  test('a target never seen gives no memory of a count: its first observation is where it starts', () => {
    const unseen = decideWorkload(workloadInput({ target: { kind: 'missing', reason: 'timeout' } }));
    expect(unseen.control.lastWanted).toBeNull();
    const input = workloadInput({ nowMs: T0 + 5_000, target: observed(20), control: unseen.control });
    expect(decideWorkload(input).wanted).toBe(20);
  });
});

describe('decideWorkload: zero', () => {
  const policy = workloadPolicy({
    replicas: { min: 0, max: 5 },
    signals: [
      { kind: 'inFlight', perReplica: 8 },
      { kind: 'requestRate', perReplicaPerSec: 2 },
    ],
  });
  test('a gateway that says zero for the whole window lets the last replica go', () => {
    const start = workloadInput({ policy, readings: quiet('gateway'), target: observed(1) });
    expect(run(start, { forMs: 175_000 }).wanted).toBe(1);
    expect(run(start, { forMs: 190_000 }).wanted).toBe(0);
  });

  test('pods that say zero do not', () => {
    const outcome = run(workloadInput({ policy, readings: quiet('pod'), target: observed(1) }), { forMs: 900_000 });
    expect(outcome.wanted).toBe(1);
    expect(outcome.trail.at(-1)?.because).toBe('zero is not proven: no gateway or queue says that nothing comes');
  });

  test('work that no signal of the policy counts keeps one replica', () => {
    const busy = { ...quiet('gateway'), queueDepth: value(3) };
    expect(run(workloadInput({ policy, readings: busy, target: observed(1) }), { forMs: 900_000 }).wanted).toBe(1);
  });

  test('at zero, the silence of pods is no gap, and a silent gateway starts nothing', () => {
    const asleep = workloadInput({
      policy,
      target: observed(0),
      readings: readings({ inFlight: missing(), requestRate: value(0, { from: 'gateway' }) }),
    });
    expect(run(asleep, { forMs: 600_000 })).toMatchObject({ wanted: 0, hold: null });
    const silent = workloadInput({
      policy,
      target: observed(0),
      readings: readings({ inFlight: missing(), requestRate: missing() }),
    });
    expect(run(silent, { forMs: 600_000 }).wanted).toBe(0);
  });
});

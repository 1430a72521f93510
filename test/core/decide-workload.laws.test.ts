/** Laws of the decision of one workload, over random policies, readings and histories. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl, WorkloadInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { Reading, Readings, SignalName, TargetObservation } from '../../lib/core/types.ts';
import { observed, readings, T0, workloadInput, workloadPolicy } from './builders.ts';
import { lawRuns } from './law-runs.ts';

const NAMES = [
  'inFlight',
  'queued',
  'requestRate',
  'inputTokenRate',
  'outputTokenRate',
  'queueDepth',
  'queueWork',
  'gpuRatio',
  'kvCacheRatio',
] as const satisfies readonly SignalName[];

const numberFor = (name: SignalName): fc.Arbitrary<number> =>
  name.endsWith('Ratio')
    ? fc.double({ min: 0, max: 1, noNaN: true })
    : fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true }));

const readingFor = (name: SignalName): fc.Arbitrary<Reading> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: numberFor(name).map((n): Reading => ({ kind: 'value', value: n, coverageRatio: 1, ageMs: 500 })),
    },
    fc.record({
      kind: fc.constant('value' as const),
      value: numberFor(name),
      coverageRatio: fc.double({ min: 0, max: 1, noNaN: true }),
      ageMs: fc.nat(60_000),
      from: fc.constantFrom('pod' as const, 'gateway' as const, 'queue' as const),
    }),
    fc.record({
      kind: fc.constant('missing' as const),
      reason: fc.constant('gone'),
      ageMs: fc.option(fc.nat(600_000)),
    }),
  );

const readingsArb: fc.Arbitrary<Readings> = fc
  .tuple(...NAMES.map(readingFor))
  .map((all) => readings(Object.fromEntries(NAMES.map((name, index) => [name, all[index]]))));

const signalArb = fc.oneof(
  fc.record({ kind: fc.constant('inFlight'), perReplica: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('requestRate'), perReplicaPerSec: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ kind: fc.constant('tokens'), inputPerSec: fc.constant(20_000), outputPerSec: fc.constant(1_000) }),
  fc.record({
    kind: fc.constant('queueDepth'),
    perReplicaPerSec: fc.integer({ min: 1, max: 50 }),
    drainSec: fc.integer({ min: 1, max: 900 }),
  }),
  fc.record({ kind: fc.constant('queueWork'), perReplicaPerSec: fc.integer({ min: 1, max: 50 }) }),
  fc.constantFrom({ kind: 'kvCache' }, { kind: 'gpu' }),
);

/** Zero is allowed where a signal outlives the pods. */
const policyArb = fc
  .record({
    signals: fc.array(signalArb, { minLength: 1, maxLength: 3 }),
    min: fc.integer({ min: 1, max: 5 }),
    wantsZero: fc.boolean(),
    max: fc.integer({ min: 5, max: 200 }),
    mode: fc.constantFrom('act', 'observe'),
    risk: fc.constantFrom('low', 'balanced', 'cheap'),
    windowSec: fc.constantFrom('auto', 0, 60, 300),
    maxPerMinute: fc.constantFrom('100%', '20%', 1, 7),
    fallback: fc.boolean(),
  })
  .map(({ signals, min, max, wantsZero, mode, risk, windowSec, maxPerMinute, fallback }) => {
    const outlives = signals.some(
      ({ kind }) => kind === 'queueDepth' || kind === 'queueWork' || kind === 'requestRate',
    );
    return workloadPolicy({
      mode,
      risk,
      signals,
      replicas: { min: wantsZero && outlives ? 0 : min, max },
      scaleDown: { windowSec, maxPerMinute },
      ...(fallback ? { fallback: { afterSec: 30, replicas: 5 } } : {}),
    });
  });

const targetArb: fc.Arbitrary<TargetObservation> = fc.oneof(
  { weight: 5, arbitrary: fc.nat(60).map((replicas): TargetObservation => observed(replicas)) },
  fc.constant<TargetObservation>({ kind: 'missing', reason: 'timeout' }),
);

type Step = Pick<WorkloadInput, 'readings' | 'kind' | 'target' | 'snapshotAgeMs' | 'warmRatio' | 'holdUntilMs'> & {
  readonly afterMs: number;
};

const stepArb: fc.Arbitrary<Step> = fc.record({
  readings: readingsArb,
  kind: fc.constantFrom('leading' as const, 'full' as const),
  target: targetArb,
  snapshotAgeMs: fc.constantFrom(0, 5_000, 45_000),
  warmRatio: fc.constantFrom(1, 1, 1, 0.05),
  holdUntilMs: fc.constantFrom(0, 0, 0, T0 + 100_000),
  afterMs: fc.integer({ min: 500, max: 90_000 }),
});

/** A random history, then one more step whose input is under test. */
const situationArb = fc
  .record({ policy: policyArb, history: fc.array(stepArb, { maxLength: 12 }), last: stepArb })
  .map(({ policy, history, last }): WorkloadInput => {
    let nowMs = T0;
    let control: WorkloadControl | undefined;
    for (const step of history) {
      nowMs += step.afterMs;
      control = decideWorkload({ ...workloadInput({ policy }), ...step, nowMs, control }).control;
    }
    return { ...workloadInput({ policy }), ...last, nowMs: nowMs + last.afterMs, control };
  });

const runs = { numRuns: lawRuns(150) };

describe('laws of decideWorkload', () => {
  test('the count is a whole number within the limits; above the maximum only what runs already', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const { wanted } = decideWorkload(input);
        const { min, max } = input.policy.spec.replicas;
        const running = input.target.kind === 'observed' ? input.target.replicas : (input.control?.lastWanted ?? 0);
        expect(Number.isInteger(wanted)).toBe(true);
        expect(wanted).toBeGreaterThanOrEqual(min);
        expect(wanted).toBeLessThanOrEqual(Math.max(max, running));
      }),
      runs,
    );
  });

  test('raising a reading never lowers the count', () => {
    fc.assert(
      fc.property(
        situationArb,
        fc.constantFrom(...NAMES),
        fc.double({ min: 1, max: 10, noNaN: true }),
        (input, name, factor) => {
          const reading = input.readings[name];
          fc.pre(reading.kind === 'value');
          if (reading.kind !== 'value') return;
          const raised = Math.min(name.endsWith('Ratio') ? 1 : Infinity, reading.value * factor + (factor - 1));
          const more = {
            ...input,
            readings: { ...input.readings, [name]: { ...reading, value: Math.max(raised, reading.value) } },
          };
          expect(decideWorkload(more).wanted).toBeGreaterThanOrEqual(decideWorkload(input).wanted);
        },
      ),
      runs,
    );
  });

  test('a reading that goes missing never lowers the count below the last one, nor below what the others ask for', () => {
    fc.assert(
      fc.property(situationArb, fc.constantFrom(...NAMES), (input, name) => {
        const used = decideWorkload(input).inputs.some((entry) => entry.signal === name && entry.value !== null);
        fc.pre(used && input.readings[name].kind === 'value');
        const gone: Reading = { kind: 'missing', reason: 'gone', ageMs: 60_000 };
        const blind = decideWorkload({ ...input, readings: { ...input.readings, [name]: gone } });
        const { max } = input.policy.spec.replicas;
        // With no pod at all, a pod's silence is no gap (test/core/decide-workload.test.ts).
        const noPod = input.target.kind === 'observed' && input.target.replicas === 0;
        if (!noPod) expect(blind.hold).not.toBeNull();
        const last = Math.min(input.control?.lastWanted ?? 0, max);
        if (!noPod) expect(blind.wanted).toBeGreaterThanOrEqual(last);
        const asked = blind.trail.find((step) => step.rule === 'demand')?.to ?? 0;
        expect(blind.wanted).toBeGreaterThanOrEqual(Math.min(max, asked));
      }),
      runs,
    );
  });

  test('an event never lowers', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const { wanted } = decideWorkload({ ...input, kind: 'leading' });
        const ceiling = Math.max(
          input.policy.spec.replicas.max,
          input.target.kind === 'observed' ? input.target.replicas : Infinity,
        );
        expect(wanted).toBeGreaterThanOrEqual(Math.min(ceiling, input.control?.lastWanted ?? 0));
      }),
      runs,
    );
  });

  test('nothing falls while there is a reason to hold', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const { wanted, hold } = decideWorkload(input);
        const last = input.control?.lastWanted ?? null;
        fc.pre(hold !== null && last !== null);
        const running = input.target.kind === 'observed' ? input.target.replicas : Infinity;
        expect(wanted).toBeGreaterThanOrEqual(Math.min(last ?? 0, Math.max(input.policy.spec.replicas.max, running)));
      }),
      runs,
    );
  });

  test('is pure: same input, same bytes, and the input is not touched; its memory survives JSON', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const before = JSON.stringify(input);
        const first = JSON.stringify(decideWorkload(input));
        expect(JSON.stringify(decideWorkload(JSON.parse(before) as WorkloadInput))).toBe(first);
        expect(JSON.stringify(input)).toBe(before);
        expect(JSON.stringify(decideWorkload(input))).toBe(first);
      }),
      { numRuns: lawRuns(150) },
    );
  });

  test('its memory is bounded, however long and fast it is called', () => {
    let input = workloadInput();
    for (let turn = 0; turn < 5_000; turn++) {
      const inFlight = (turn * 37) % 301;
      const { control } = decideWorkload(input);
      input = {
        ...input,
        control,
        nowMs: input.nowMs + 173,
        readings: readings({ inFlight: { kind: 'value', value: inFlight, coverageRatio: 1, ageMs: 0 } }),
      };
    }
    expect(JSON.stringify(input.control).length).toBeLessThan(8_000);
  });

  test('a constant load settles: the count moves in one direction only, and once measured forecasts have taken the place of the staffing rule at most once more', () => {
    fc.assert(
      fc.property(policyArb, readingsArb, fc.nat(60), (policy, constant, start) => {
        let input: WorkloadInput = { ...workloadInput({ policy, readings: constant }), target: observed(start) };
        const counts: number[] = [];
        for (let turn = 0; turn < 120; turn++) {
          const { control, wanted } = decideWorkload(input);
          counts.push(wanted);
          // The guards look at ready pods: they are what the law holds constant, so the target stays as it is for them.
          const follows =
            policy.spec.mode === 'act' && !policy.spec.signals.some((s) => s.kind === 'gpu' || s.kind === 'kvCache');
          input = { ...input, control, nowMs: input.nowMs + 20_000, target: follows ? observed(wanted) : input.target };
        }
        const moves = counts
          .map((count, index) => Math.sign(count - (counts[index - 1] ?? count)))
          .filter((sign) => sign !== 0);
        // Growth comes with the first decision, before there is a move to see; a fallback may raise once.
        expect(new Set(moves).size).toBeLessThanOrEqual(1);
        // What is learned decides after a quarter of an hour, and may then lower a large count twice; here ten minutes that begin a quarter of an hour later.
        if (policy.spec.scaleDown.maxPerMinute === '100%')
          expect(new Set(counts.slice(-30)).size).toBeLessThanOrEqual(2);
      }),
      { numRuns: lawRuns(200) },
    );
  });
});

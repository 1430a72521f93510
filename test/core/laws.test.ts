/** Laws of one decision, over thousands of situations each: random policies, histories, and memories that have learned. */
import { describe, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl, WorkloadInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { Reading } from '../../lib/core/types.ts';
import { SITUATION_RUNS } from './law-runs.ts';
import { NAMES, atLeast, atMost, namesOf, same, situationArb } from './law-situations.ts';

const runs = { numRuns: SITUATION_RUNS };
const nameArb = fc.constantFrom(...NAMES);

const runningOf = ({ target }: WorkloadInput): number | null => (target.kind === 'observed' ? target.replicas : null);

describe('law: inside limits always', () => {
  test('the count is a whole number from replicas.min to replicas.max; above the maximum only what stands already', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const { wanted } = decideWorkload(input);
        const { min, max } = input.policy.spec.replicas;
        if (!Number.isInteger(wanted)) throw new Error(`not whole: ${wanted}`);
        atLeast(wanted, min);
        atMost(wanted, Math.max(max, runningOf(input) ?? input.control?.lastWanted ?? 0));
      }),
      runs,
    );
  });
});

describe('law: monotone in load', () => {
  test('a reading of current demand that is raised, all else equal, never lowers what is wanted before allocation', () => {
    fc.assert(
      fc.property(situationArb, nameArb, fc.nat(400), (input, name, percent) => {
        const reading = input.readings[name];
        if (reading.kind !== 'value') return;
        const raised = (reading.value * (100 + percent)) / 100 + percent / 100;
        const value = Math.max(reading.value, name.endsWith('Ratio') ? Math.min(1, raised) : raised);
        const more = { ...input, readings: { ...input.readings, [name]: { ...reading, value } } };
        atLeast(decideWorkload(more).wanted, decideWorkload(input).wanted);
      }),
      runs,
    );
  });
});

describe('law: missing never lowers', () => {
  test('a reading replaced by missing: wanted is at least the last wanted, and at least what the readings still present ask for', () => {
    fc.assert(
      fc.property(situationArb, fc.nat(8), (input, pick) => {
        const names = namesOf(input.policy).filter((one) => input.readings[one].kind === 'value');
        const name = names[pick % Math.max(1, names.length)];
        // With no pod at all, a pod's silence is no gap.
        fc.pre(name !== undefined && runningOf(input) !== 0);
        if (name === undefined) return;
        const gone: Reading = { kind: 'missing', reason: 'gone', ageMs: 60_000 };
        const blind = { ...input, readings: { ...input.readings, [name]: gone } };
        const { wanted } = decideWorkload(blind);
        const { max } = input.policy.spec.replicas;
        atLeast(wanted, Math.min(max, input.control?.lastWanted ?? 0));
        atLeast(wanted, Math.min(max, askedBy(blind)));
      }),
      runs,
    );
  });
});

/** Rules that keep what stands, or come after those that do. */
const OF_WHAT_STANDS: readonly string[] = ['hold', 'leading', 'stabilise', 'max-per-minute', 'fallback'];

/** What the readings ask for by themselves: the same decision without a past count, as it was before what runs was looked at. What runs stays: it tells what a replica does. */
function askedBy(input: WorkloadInput): number {
  const { control } = input;
  const nothing: WorkloadControl | undefined =
    control === undefined ? undefined : { ...control, lastWanted: null, wants: [], changes: [], decreases: [] };
  const { trail } = decideWorkload({ ...input, control: nothing });
  const standing = trail.findIndex(({ rule }) => OF_WHAT_STANDS.includes(rule));
  return (standing < 0 ? trail.at(-1) : trail[standing - 1])?.to ?? 0;
}

describe('law: nothing falls on an event or on a hold', () => {
  test('wanted is at least the last wanted, limits aside, when the evaluation is a leading one or there is a reason to hold', () => {
    fc.assert(
      fc.property(situationArb, fc.boolean(), (input, asEvent) => {
        const now: WorkloadInput = asEvent ? { ...input, kind: 'leading' } : input;
        const { wanted, hold } = decideWorkload(now);
        fc.pre(asEvent || hold !== null);
        const ceiling = Math.max(input.policy.spec.replicas.max, runningOf(input) ?? Infinity);
        atLeast(wanted, Math.min(ceiling, input.control?.lastWanted ?? 0));
      }),
      runs,
    );
  });
});

describe('law: pure and deterministic', () => {
  test('the same inputs give the same bytes, and the inputs, frozen to the last depth, are not touched', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const frozen = deepFrozen(input);
        const first = JSON.stringify(decideWorkload(frozen));
        same(JSON.stringify(decideWorkload(frozen)), first);
        same(JSON.stringify(decideWorkload({ ...input, control: reordered(input.control) })), first);
      }),
      runs,
    );
  });
});

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.values(value).forEach(deepFrozen);
  return Object.freeze(value);
}

/** The same memory, built in another order. */
function reordered(control: WorkloadControl | undefined): WorkloadControl | undefined {
  if (control === undefined) return undefined;
  return Object.fromEntries(Object.entries(control).toReversed()) as WorkloadControl;
}

describe('law: JSON round trip of the control state', () => {
  test('a memory that was written and read as JSON gives the same next decision, and nothing of it is lost', () => {
    fc.assert(
      fc.property(situationArb, (input) => {
        const next = decideWorkload(input);
        const stored = JSON.stringify(next.control);
        same(JSON.stringify(JSON.parse(stored)), stored);
        if (!isSound(next.control)) throw new Error(`a number of the memory is none: ${stored}`);
        const later = { ...input, nowMs: input.nowMs + 10_000 };
        const direct = decideWorkload({ ...later, control: next.control });
        const read = decideWorkload({ ...later, control: JSON.parse(stored) as WorkloadControl });
        same(JSON.stringify(read), JSON.stringify(direct));
      }),
      runs,
    );
  });
});

/** NaN and Infinity would become null. */
function isSound(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isSound);
}

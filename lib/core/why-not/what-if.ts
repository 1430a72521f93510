/** Pure re-evaluation: what the next evaluation would want if a reading were another one, or stayed so for a while. */
import type { WorkloadControl, WorkloadInput, WorkloadOutcome } from '../decide-types.ts';
import { decideWorkload } from '../decide-workload.ts';
import type { Readings, SignalName } from '../types.ts';

/** Between evaluations of a course [ms], at least; at most a minute, below which no rule takes silence for a gap. */
const STEP_MS_MIN = 10_000;
const STEP_MS_MAX = 60_000;

/** Evaluations of one course, about: a search makes some twenty courses. */
const STEPS = 240;

/** Precision of a threshold, relative: three digits are shown, and a fiftieth of the last is forgiven. */
const PRECISION = 2e-5;

/** Largest reading looked at, over the one now or over one: beyond it nobody calls it load. */
const FACTOR_MAX = 2 ** 30;

/** Readings with other values; those that are missing stay missing. */
export function withValues(readings: Readings, values: Partial<Record<SignalName, number>>): Readings {
  const entries = Object.entries(readings).map(([name, reading]) => {
    const value = values[name as SignalName];
    return [name, value === undefined || reading.kind === 'missing' ? reading : { ...reading, value }] as const;
  });
  return Object.fromEntries(entries) as Readings;
}

/** The reading now, null when it is missing. */
export function valueNow(next: WorkloadInput, name: SignalName): number | null {
  const reading = next.readings[name];
  return reading.kind === 'value' ? reading.value : null;
}

/** Smallest value of one reading from now on for which at least `replicas` are wanted; null when none does it, or the reading is missing. Rests on the law that a larger reading never asks for less. */
export function leastFor(
  next: WorkloadInput,
  of: { readonly name: SignalName; readonly replicas: number },
): number | null {
  const now = valueNow(next, of.name);
  if (now === null) return null;
  const isEnough = (value: number): boolean =>
    decideWorkload({ ...next, readings: withValues(next.readings, { [of.name]: value }) }).wanted >= of.replicas;
  const most = of.name.endsWith('Ratio') ? 1 : Math.max(1, now) * FACTOR_MAX;
  let high = Math.min(most, Math.max(1, 2 * now));
  while (!isEnough(high)) {
    if (high >= most) return null;
    high = Math.min(most, 4 * high);
  }
  return boundary({ low: now, high, isHigh: isEnough });
}

/** Where `isHigh` turns true between `low` (false, as far as is known) and `high` (true). */
export function boundary(of: {
  readonly low: number;
  readonly high: number;
  readonly isHigh: (value: number) => boolean;
}): number {
  let { low, high } = of;
  while (high - low > PRECISION * high && high > 1e-6) {
    const middle = (low + high) / 2;
    if (of.isHigh(middle)) high = middle;
    else low = middle;
  }
  return high;
}

export type Fall = {
  readonly atMs: number;
  /** The first evaluation, which still held the count; null when the fall comes with it. */
  readonly first: WorkloadOutcome | null;
};

export type Course = {
  readonly values: Partial<Record<SignalName, number>>;
  /** A count below this is a fall. */
  readonly replicas: number;
  readonly endMs: number;
};

/** When the count first falls below `replicas` if the readings stay as given, evaluated again and again until `endMs`; null when it does not. */
export function firstFall(next: WorkloadInput, course: Course): Fall | null {
  return walk(next, course).fall;
}

/** The last evaluation of such a course. */
export function endOf(next: WorkloadInput, course: Course): WorkloadOutcome | null {
  return walk(next, course).last;
}

function walk(
  next: WorkloadInput,
  course: Course,
): { readonly fall: Fall | null; readonly last: WorkloadOutcome | null } {
  const evenMs = (course.endMs - next.nowMs) / STEPS;
  const stepMs = Math.max(STEP_MS_MIN, Math.min(STEP_MS_MAX, Math.ceil(evenMs / STEP_MS_MIN) * STEP_MS_MIN));
  const readings = withValues(next.readings, course.values);
  let control: WorkloadControl | undefined = next.control;
  let first: WorkloadOutcome | null = null;
  let last: WorkloadOutcome | null = null;
  for (let nowMs = next.nowMs; nowMs <= course.endMs; nowMs += stepMs) {
    last = decideWorkload({ ...next, readings, nowMs, control, snapshotAgeMs: 0 });
    if (last.wanted < course.replicas) return { fall: { atMs: nowMs, first }, last };
    first ??= last;
    ({ control } = last);
  }
  return { fall: null, last };
}

/** Readings as parts of a signal: a number where there is one, and the reason when it is not the whole truth. */
import type { DecisionInput } from '../../../events/schema/index.ts';
import { duration, percent } from '../format.ts';
import type { Reading, SignalName, TargetObservation } from '../types.ts';
import type { SignalContext } from './contract.ts';

/** Coverage from which a reading counts as complete. 0.95: one missed scrape of 2 s in a minute is 0.97. */
const COVERAGE_RATIO_MIN = 0.95;

/** Oldest reading that may lower anything [ms]. 30 s: three evaluations of 10 s. */
export const READING_AGE_MS_MAX = 30_000;

/** Why a pod's silence is no gap. */
export const NO_POD_EXISTS = 'no pod exists';

export type Part = {
  readonly name: SignalName;
  readonly value: number | null;
  readonly gap: string | null;
  /** Nobody ever reported it: not a gap for a part a source may leave out. */
  readonly neverHeard: boolean;
  readonly outlivesPods: boolean;
  readonly input: DecisionInput;
};

/** The value of a reading that covers its sources; null where it is missing or tells a part. */
export function wholeValue(reading: Reading | undefined): number | null {
  return reading?.kind === 'value' && reading.coverageRatio >= COVERAGE_RATIO_MIN ? reading.value : null;
}

/** Reads one signal name. A missing reading has no value; an old or partly covered one has a value and a gap. */
export function readPart(name: SignalName, context: SignalContext): Part {
  const reading = context.readings[name];
  if (reading.kind === 'missing') return missingPart(reading, { name, heard: context.heard.has(name) });
  const gap = gapOf(name, reading);
  return {
    name,
    value: reading.value,
    gap,
    neverHeard: false,
    outlivesPods: reading.from === undefined ? isQueueName(name) : reading.from !== 'pod',
    input: inputOf(name, { reading, gap }),
  };
}

function inputOf(
  signal: SignalName,
  of: { readonly reading: Extract<Reading, { kind: 'value' }>; readonly gap: string | null },
): DecisionInput {
  const { value, coverageRatio: coverage, ageMs } = of.reading;
  return of.gap === null ? { signal, value, coverage, ageMs } : { signal, value, coverage, ageMs, reason: of.gap };
}

/** What a decision says it rests on, of each part. */
export function inputsOf(parts: readonly Part[]): readonly DecisionInput[] {
  const inputs: DecisionInput[] = [];
  for (const part of parts) inputs.push(part.input);
  return inputs;
}

function missingPart(
  reading: Extract<Reading, { kind: 'missing' }>,
  options: { readonly name: SignalName; readonly heard: boolean },
): Part {
  const { name } = options;
  return {
    name,
    value: null,
    gap: `${name} is missing: ${reading.reason}`,
    neverHeard: reading.ageMs === null && !options.heard,
    outlivesPods: isQueueName(name),
    input: { signal: name, value: null, coverage: 0, ageMs: reading.ageMs, reason: reading.reason },
  };
}

function gapOf(name: SignalName, reading: Extract<Reading, { kind: 'value' }>): string | null {
  if (reading.coverageRatio < COVERAGE_RATIO_MIN) {
    return `${name} covers only ${percent(reading.coverageRatio)} of its sources`;
  }
  if (reading.ageMs > READING_AGE_MS_MAX) return `${name} is ${duration(reading.ageMs)} old`;
  return null;
}

function isQueueName(name: SignalName): boolean {
  return name === 'queueDepth' || name === 'queueWork' || name === 'queueAge';
}

/** True when the orchestrator shows that no pod exists: then a pod's silence is no gap, because there is nothing to hear. */
export function noPodExists(target: TargetObservation): boolean {
  return target.kind === 'observed' && target.replicas === 0 && target.ready === 0 && target.pods.length === 0;
}

/** The first gap of several parts. */
export function firstGap(parts: readonly Part[]): string | null {
  for (const { gap } of parts) if (gap !== null) return gap;
  return null;
}

/** The parts when a pod's silence means nothing: missing ones become zero, because no pod exists. */
export function withoutPods(parts: readonly Part[], context: SignalContext): readonly Part[] {
  if (!noPodExists(context.target)) return parts;
  return parts.map((part) =>
    part.value === null && !part.outlivesPods
      ? { ...part, value: 0, gap: null, input: { ...part.input, reason: NO_POD_EXISTS } }
      : part,
  );
}

/** Sum of the values that are there; null when none is. */
export function sumOf(parts: readonly Part[], share: (part: Part) => number): number | null {
  let sum: number | null = null;
  for (const part of parts) if (part.value !== null) sum = (sum ?? 0) + part.value * share(part);
  return sum;
}

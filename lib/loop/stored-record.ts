/** Actuation records as they come out of the store: believed only as far as they have today's shape. */
import { isCount, isNumber, isObject, isText, listOf, orAbsent, shaped, tupleOf } from '../core/stored-shape.ts';
import type { Check } from '../core/stored-shape.ts';
import type { ActuationRecord, DrainProgress, StateStores, Versioned } from '../state/contract.ts';
import type { LoopDeps } from './deps.ts';

type Needed = 'planSeq' | 'outcome' | 'detail' | 'atMs' | 'failures' | 'notBeforeMs';
type Part = Exclude<keyof ActuationRecord, Needed>;

const OUTCOMES: ReadonlySet<unknown> = new Set<ActuationRecord['outcome']>([
  'applied',
  'already',
  'stale',
  'refused',
  'failed',
  'inProgress',
]);
const STAGES: ReadonlySet<unknown> = new Set<DrainProgress['stage']>(['cordoned', 'evicting', 'empty', 'terminating']);

/** Without these nothing of a record is believed. */
const isRecord = shaped<Pick<ActuationRecord, Needed>>({
  planSeq: isCount,
  outcome: (value) => OUTCOMES.has(value),
  detail: isText,
  atMs: isNumber,
  failures: isCount,
  notBeforeMs: isNumber,
});

/** Each alone is dropped. */
const PARTS: Readonly<Record<Part, Check>> = {
  update: shaped<NonNullable<ActuationRecord['update']>>({ id: isText, startedMs: isNumber, desired: isCount }),
  drains: listOf(
    shaped<DrainProgress>({
      nodeName: isText,
      instanceId: isText,
      stage: (value) => STAGES.has(value),
      startedMs: isNumber,
      detail: isText,
    }),
  ),
  drainPauses: listOf(
    shaped<NonNullable<ActuationRecord['drainPauses']>[number]>({
      nodeName: isText,
      untilMs: isNumber,
      reason: isText,
    }),
  ),
  lent: listOf(
    shaped<NonNullable<ActuationRecord['lent']>[number]>({ nodeName: isText, instanceId: isText, atMs: isNumber }),
  ),
  lastWritten: shaped<NonNullable<ActuationRecord['lastWritten']>>({
    count: isCount,
    atMs: isNumber,
    generation: orAbsent(isNumber),
  }),
  preferred: listOf(isText),
  marksDenied: (value) => value === true,
  lowered: listOf(tupleOf(isNumber, isCount)),
  foreignWrite: shaped<NonNullable<ActuationRecord['foreignWrite']>>({ count: isCount, atMs: isNumber }),
  capacityBackoff: shaped<NonNullable<ActuationRecord['capacityBackoff']>>({
    untilMs: isNumber,
    attempts: isCount,
    cause: isText,
  }),
};

export type ReadRecord = {
  /** Undefined: there is none that can be believed. */
  readonly record: ActuationRecord | undefined;
  /** What was there and is not believed, for log and metric. */
  readonly dropped: readonly string[];
};

/** Believes a stored record as far as it has today's shape; fields that are not known are left out. Never throws. */
export function readRecord(value: unknown): ReadRecord {
  if (value === undefined) return { record: undefined, dropped: [] };
  if (!isObject(value) || !isRecord(value)) return { record: undefined, dropped: ['record'] };
  const { planSeq, outcome, detail, atMs, failures, notBeforeMs } = value;
  const parts = Object.entries<Check>(PARTS).filter(([part]) => value[part] !== undefined);
  const kept = parts.filter(([part, check]) => check(value[part])).map(([part]) => [part, value[part]] as const);
  const dropped = parts.filter(([part, check]) => !check(value[part])).map(([part]) => part);
  const record = { planSeq, outcome, detail, atMs, failures, notBeforeMs, ...Object.fromEntries(kept) };
  return { record: record as ActuationRecord, dropped };
}

/** Nothing has happened yet. */
export function blankRecord(planSeq: number): ActuationRecord {
  return { planSeq, outcome: 'already', detail: '', atMs: 0, failures: 0, notBeforeMs: 0 };
}

type TellDeps = Pick<LoopDeps, 'log' | 'metrics'>;

/** Reads one for whoever writes the next: what is not believed is counted and logged, and is overwritten by the next write. */
export function believedRecord(deps: TellDeps, id: string, value: unknown): ActuationRecord | undefined {
  const { record, dropped } = readRecord(value);
  tell(deps, id, dropped);
  return record;
}

function tell(deps: TellDeps, id: string, dropped: ReadRecord['dropped']): void {
  for (const part of dropped) {
    deps.metrics.count('actuation_dropped_total', 1, { part });
    deps.log.warn('an actuation record is of another shape and was dropped', { record: id, part });
  }
}

/**
 * Records by id, as far as they can be believed. A broken one is written over at once with what is left of it, so that it is told once and not at every look; who else
 * writes meanwhile wins. Throws TransientError when the store cannot be reached.
 */
export async function readRecords(
  deps: TellDeps & { readonly state: Pick<StateStores, 'actuation'> },
  ids: readonly string[],
): Promise<ReadonlyMap<string, ActuationRecord>> {
  const stored: ReadonlyMap<string, Versioned<unknown>> = await deps.state.actuation.readMany(ids);
  const records = new Map<string, ActuationRecord>();
  for (const [id, { value, version }] of stored) {
    const { record, dropped } = readRecord(value);
    tell(deps, id, dropped);
    if (dropped.length > 0) await deps.state.actuation.compareAndSet(id, record ?? blankRecord(0), version);
    if (record !== undefined) records.set(id, record);
  }
  return records;
}

/** The decision core's memory as it comes out of a store: whatever is stored there, only what has today's shape is believed. */
import type { WorkloadControl } from './decide-types.ts';
import { LEVEL_MS } from './forecast/levels.ts';
import type { ForecastState } from './forecast/forecast.ts';
import type { IdleState } from './scaling/idle.ts';
import type { LeadTimeState } from './scaling/lead-time.ts';
import type { LateState } from './scaling/late.ts';
import type { WorkState } from './scaling/work.ts';
import { isCount, isNumber, isText, listOf, orAbsent, orNull, recordOf, shaped, tupleOf } from './stored-shape.ts';
import type { Check } from './stored-shape.ts';

const isLevels = listOf(isNumber, LEVEL_MS.length);

const isErrors = shaped<ForecastState['loads']>({ first: isCount, weights: listOf(isNumber) });

const isForecast = shaped<ForecastState>({
  atMs: isNumber,
  sinceMs: isNumber,
  levels: isLevels,
  mean: isNumber,
  variance: isNumber,
  peak: isNumber,
  ring: listOf(tupleOf(isNumber, isLevels)),
  members: listOf(
    shaped<ForecastState['members'][number]>({
      errors: isErrors,
      loss: isNumber,
      lossWeight: isNumber,
      factor: isNumber,
      share: isNumber,
    }),
    LEVEL_MS.length,
  ),
  loads: isErrors,
  says: listOf(shaped<ForecastState['says'][number]>({ factor: isNumber, share: isNumber }), LEVEL_MS.length),
  saidMs: isNumber,
  comparedMs: isNumber,
  missRatio: isNumber,
  measured: isNumber,
});

/** Demand is divided by it. */
const isPart: Check = (value) => typeof value === 'number' && value > 0 && value <= 1;

const isServed = shaped<WorkState['recent']>({ done: isNumber, input: isNumber, output: isNumber });

const isWork = shaped<WorkState>({
  atMs: isNumber,
  sinceMs: isNumber,
  recent: isServed,
  usual: isServed,
  serves: isNumber,
  did: isNumber,
  full: shaped<WorkState['full']>({ perSec: isNumber, seenMs: isNumber }),
  steady: shaped<WorkState['steady']>({ ready: isNumber, sinceMs: isNumber }),
  busySinceMs: orNull(isNumber),
  late: orAbsent(shaped<LateState>({ sumSec: isNumber, well: isPart, sinceMs: isNumber, offMs: isNumber })),
});

const isLeadTimes = shaped<LeadTimeState>({
  seenMs: isNumber,
  waiting: listOf(tupleOf(isText, isNumber, isCount)),
  starts: listOf(tupleOf(isNumber, isNumber, isText)),
  policySec: isNumber,
  inForce: shaped<LeadTimeState['inForce']>({ p50: isNumber, p90: isNumber }),
});

const isIdle = shaped<IdleState>({
  sinceMs: orNull(isNumber),
  provenMs: isNumber,
  gaps: shaped<IdleState['gaps']>({ bins: listOf(isNumber), longer: isNumber }),
});

/** What was learned: each part alone is dropped when it is of an older version, and learned anew. */
const LEARNED = { forecast: isForecast, work: isWork, leadTimes: isLeadTimes, idle: isIdle } as const;
type Learned = keyof typeof LEARNED;

/** Without these nothing of the memory is believed. */
const isMemory = shaped<Omit<WorkloadControl, Learned>>({
  version: (value) => value === 1,
  wants: listOf(tupleOf(isNumber, isCount)),
  lastWanted: orNull(isCount),
  lastAtMs: isNumber,
  unknownSinceMs: orNull(isNumber),
  changes: listOf(tupleOf(isNumber, isCount, isCount)),
  decreases: listOf(tupleOf(isNumber, isCount)),
  heard: orAbsent(recordOf(isNumber)),
  lastRecorded: orNull(
    shaped<NonNullable<WorkloadControl['lastRecorded']>>({ id: isText, wanted: isCount, binding: isText }),
  ),
});

export type ReadControl = {
  /** Undefined: start afresh. The count that stands begins a new stabilization window, so nothing shrinks for one. */
  readonly control: WorkloadControl | undefined;
  /** What was there and is not believed, for log and metric. */
  readonly dropped: readonly ('control' | Learned)[];
};

/** Believes a stored memory as far as it has today's shape. What was learned may be of an older version: it alone is dropped and learned anew. */
export function readControl(value: unknown): ReadControl {
  if (value === undefined) return { control: undefined, dropped: [] };
  if (!isMemory(value)) return { control: undefined, dropped: ['control'] };
  const control = value as WorkloadControl;
  const names = Object.keys(LEARNED) as Learned[];
  const dropped = names.filter((name) => control[name] !== undefined && !LEARNED[name](control[name]));
  if (dropped.length === 0) return { control, dropped };
  const kept = Object.entries(control).filter(([name]) => !dropped.some((one) => one === name));
  return { control: Object.fromEntries(kept) as WorkloadControl, dropped };
}

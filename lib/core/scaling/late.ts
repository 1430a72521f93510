/**
 * First tokens that come late although nothing waits: replicas that are too full to answer in time. How much of its work a replica does in time is learned in steps, and more replicas are asked
 * for accordingly; where twice as many do not help, it is not the load, and none are. Source: CUSUM (Page 1954), for telling a change from chance.
 */

export type LateState = {
  /** Late share beyond what is tolerated, summed up [s]; 0 while there is less. */
  readonly sumSec: number;
  /** Part of what a replica does that it does in time: {@link STEP} to the power of steps taken, down to {@link WELL_MIN}. */
  readonly well: number;
  /** Time since the last step [ms]. */
  readonly sinceMs: number;
  /** Given up: no step is taken for this long [ms]. */
  readonly offMs: number;
};

/** A minute of nothing but late tokens, or its like, is a step of a tenth. */
const SUM_SEC_MAX = 60;
const STEP = 0.9;
/** One look is a reading of some seconds, however long nobody looked before it: no step is taken of a single one [ms]. */
const LOOK_MS_MAX = 30_000;
/** A smaller share is not told from chance. */
const TOLERATED_MIN = 0.01;
/** A step back is tried after so long: it costs a late minute where it fails, and replicas that are not needed where it comes late. */
const BACK_MS = 4 * 3_600_000;
/** At most about twice as many: beyond, something is broken and more replicas do not help. Source: Dynamo's correction factor. */
const WELL_MIN = 0.5;
/** Late with twice as many: it is not the load. Another try in a day. */
const OFF_MS = 86_400_000;

const NONE: LateState = { sumSec: 0, well: 1, sinceMs: 0, offMs: 0 };

/**
 * The memory after `dtMs` ≥ 0 with a share `late` (0..1) of late first tokens, of which `tolerated` may be, on a fleet that is not starting, not changing, and in front of which nothing waits.
 * Undefined for services that are in time: nothing is kept of them.
 */
export function lateAfter(
  before: LateState | undefined,
  now: { readonly dtMs: number; readonly late: number; readonly tolerated: number },
): LateState | undefined {
  const over = now.late - Math.max(TOLERATED_MIN, now.tolerated);
  if (before === undefined && over <= 0) return undefined;
  const { sumSec, well, sinceMs, offMs } = before ?? NONE;
  const sum = offMs > 0 ? 0 : Math.max(0, sumSec + (over * Math.min(now.dtMs, LOOK_MS_MAX)) / 1000);
  if (sum >= SUM_SEC_MAX) {
    const next = rounded(well * STEP);
    return next < WELL_MIN ? { ...NONE, offMs: OFF_MS } : { ...NONE, well: next };
  }
  const state = { sumSec: rounded(sum), well, sinceMs: sinceMs + now.dtMs, offMs: Math.max(0, offMs - now.dtMs) };
  if (state.sinceMs < BACK_MS || sum > 0) return state;
  if (well === 1 && offMs === 0) return undefined;
  return { ...state, well: Math.min(1, rounded(well / STEP)), sinceMs: 0 };
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

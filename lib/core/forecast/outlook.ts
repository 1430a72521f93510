/**
 * How well each level (`levels.ts`) foretells what must be ready: for each the factor that would have sufficed, and how much it may say.
 *
 * What is ready at a time s was asked for a horizon before, and was not let go since: counts are held for a while, then follow the wants down. So a forecast is
 * held against the least, over the horizon before s, of the greatest, over the hold before that, of what was expected: that, times the factor, is what would have been ready.
 * Errors are weighed by the load they met, so that their quantile is a share of requests, not of time.
 * Sources: calibration by the empirical quantile of past ratios (split conformal prediction); experts weighed by their pinball loss (Cesa-Bianchi and Lugosi 2006).
 */
import type { Writable } from '../../base/writable.ts';
import { errorQuantile, noErrors, withError, worthwhileFactor } from './errors.ts';
import type { ErrorHistogram } from './errors.ts';
import type { Levels } from './levels.ts';

export type Member = {
  readonly errors: ErrorHistogram;
  /** Fading sums of the pinball loss of its bound, in parts of the mean load, and of its weight. */
  readonly loss: number;
  readonly lossWeight: number;
  /** As of the last measurement: bound = factor · level; shares of all members add up to 1. */
  readonly factor: number;
  readonly share: number;
};

/** What was needed, and what would have been ready. */
export type Met = {
  readonly needed: number;
  readonly weight: number;
  /** Per member, without factor. */
  readonly ready: readonly number[];
};

/** Half of what was measured is forgotten after a day, of who was right after six hours. */
const ERRORS_HALF_LIFE_HOURS = 24;
const LOSS_HALF_LIFE_MS = 21_600_000;

/** How sharply shares follow losses: a member with twice the loss of the best has e^-4 of its share. */
const SHARPNESS = 4;

/** Below a tenth of a replica a ratio says nothing. */
const READY_MIN = 0.1;

/** Members that know nothing yet and may all say the same. */
export function newMembers(levels: number, missRatio: number): readonly Member[] {
  const errors = noErrors();
  const factor = errorQuantile(errors, missRatio);
  return Array.from({ length: levels }, () => ({ errors, loss: 0, lossWeight: 0, factor, share: 1 / levels }));
}

/** Levels as they were, oldest first: [epoch ms, levels]. */
export type LevelRing = readonly (readonly [number, Levels])[];

/** What each level's expectations would have made ready at `nowMs`; null while the ring does not reach back a horizon. */
export function readyBy(
  ring: LevelRing,
  at: { readonly nowMs: number; readonly horizonMs: number; readonly holdMs: number },
): readonly number[] | null {
  const first = ring[0];
  if (first === undefined || first[0] > at.nowMs - at.horizonMs) return null;
  const askedFrom = ring.findIndex(([atMs]) => atMs >= at.nowMs - at.horizonMs);
  if (askedFrom < 0) return null;
  const ready: number[] = [];
  const greatest: number[] = [];
  while (ready.length < first[1].length) {
    ready.push(leastHeld(ring, { member: ready.length, askedFrom, holdMs: at.holdMs, greatest }));
  }
  return ready;
}

/** The least, over what was asked from `askedFrom` on, of the greatest within the hold before it: each entry is looked at a few times, however long the hold. */
function leastHeld(
  ring: LevelRing,
  of: {
    readonly member: number;
    readonly askedFrom: number;
    readonly holdMs: number;
    /** To work in, whatever it holds: one for all members. */
    readonly greatest: number[];
  },
): number {
  const { member, askedFrom, holdMs, greatest } = of;
  const heldFromMs = atOf(ring, askedFrom) - holdMs;
  let from = askedFrom;
  while (from > 0 && atOf(ring, from - 1) >= heldFromMs) from--;
  let ready = Infinity;
  // Entries that may still be the greatest, ever later and ever smaller: those from `oldest`, the first that is held, up to `end`.
  let [oldest, end] = [0, 0];
  for (let index = from; index < ring.length; index++) {
    const value = levelOf(ring[index], member);
    while (end > oldest && levelOf(ring[greatest[end - 1] ?? 0], member) <= value) end--;
    greatest[end++] = index;
    const atMs = atOf(ring, index);
    while (atOf(ring, greatest[oldest] ?? index) < atMs - holdMs) oldest++;
    if (index >= askedFrom) ready = Math.min(ready, Math.max(0, levelOf(ring[greatest[oldest] ?? index], member)));
  }
  return ready;
}

function atOf(ring: LevelRing, index: number): number {
  return ring[index]?.[0] ?? 0;
}

function levelOf(entry: LevelRing[number] | undefined, member: number): number {
  return entry?.[1][member] ?? 0;
}

/** What is kept of measured errors after so many whole hours: they fade once an hour, see `errors.ts`. */
export function keptErrors(hours: number): number {
  return 0.5 ** (hours / ERRORS_HALF_LIFE_HOURS);
}

/**
 * Learns from one comparison, and sets factors and shares anew. `stepMs`: time between comparisons; `keepRatio`: of errors before; `missRatio`: share of requests that may meet too little;
 * `worth` and `limits` as in {@link worthwhileFactor}.
 */
export function learned(
  members: readonly Member[],
  of: {
    readonly met: Met;
    readonly stepMs: number;
    readonly keepRatio: number;
    readonly missRatio: number;
    readonly meanLoad: number;
    readonly worth: number;
    readonly limits: ErrorHistogram;
  },
): readonly Member[] {
  const keepLoss = 0.5 ** (of.stepMs / LOSS_HALF_LIFE_MS);
  const { needed, weight } = of.met;
  const updated: Writable<Member>[] = [];
  for (const member of members) {
    const ready = Math.max(READY_MIN, of.met.ready[updated.length] ?? 0);
    const short = needed - member.factor * ready;
    const pinball = (short > 0 ? 1 - of.missRatio : -of.missRatio) * short;
    const errors = withError(member.errors, { ratio: needed / ready, weight, keepRatio: of.keepRatio });
    updated.push({
      errors,
      loss: member.loss * keepLoss + pinball / Math.max(READY_MIN, of.meanLoad),
      lossWeight: member.lossWeight * keepLoss + 1,
      factor: worthwhileFactor(errors, { ...of, factor: errorQuantile(errors, of.missRatio) }),
      share: 0,
    });
  }
  setShares(updated);
  return updated;
}

function setShares(members: readonly Writable<Member>[]): void {
  let [least, all] = [Infinity, 0];
  for (const member of members) least = Math.min(least, member.loss / member.lossWeight);
  for (const member of members) {
    member.share = Math.exp((-SHARPNESS * (member.loss / member.lossWeight)) / (least + 1e-6));
    all += member.share;
  }
  for (const member of members) member.share /= all;
}

/** What of the members counts for decisions. */
export type Says = Pick<Member, 'factor' | 'share'>;

/** Bound on what must be ready [replicas]: factors times levels, by the members' shares. */
export function boundOf(members: readonly Says[], levels: Levels): number {
  let sum = 0;
  for (let index = 0; index < members.length; index++) {
    const member = members[index];
    if (member !== undefined) sum += member.share * member.factor * (levels[index] ?? 0);
  }
  return sum;
}

/** What is expected without the factors [replicas]. */
export function expectedOf(members: readonly Says[], levels: Levels): number {
  let sum = 0;
  for (let index = 0; index < members.length; index++) sum += (members[index]?.share ?? 0) * (levels[index] ?? 0);
  return sum;
}

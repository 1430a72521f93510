/** How often a watch is begun anew, and for how long what it brought counts as current. */

/** In force unless a test has less patience. */
export type Pace = {
  readonly watchSec: number;
  readonly quickSec: number;
  readonly ageMsMax: number;
};

export const PACE: Pace = {
  /**
   * How long a watch lasts [s]. Two seconds before its end the server sends a bookmark: the proof that up to then nothing was missed. So the proof is never much
   * older than this, and a watch that has silently died is noticed 4 s later, at the cost of three requests a minute.
   */
  watchSec: 20,
  /** After a list, or a watch that ended badly, the next proof is wanted soon [s]: its bookmark comes after 3. */
  quickSec: 5,
  /** Without proof for so long [ms] it is not current any more. Nothing shrinks by what is older than 30 s; the rest is for a server that restarts. */
  ageMsMax: 45_000,
};

/** Watches that opened and have proven nothing for so long [ms]: it is listed, which proves it, before it is missing. */
export const UNPROVEN_MS = 30_000;

/** Watches are shortened by up to this share, so that those of many namespaces do not all end at once. */
export const JITTER_RATIO = 0.2;

/** The server sends the last bookmark 2 s before the end, told in whole seconds [ms]. */
export const BOOKMARK_EARLY_MS = 3_000;

/** The first `read` waits so long for the first list [ms]; one of 50,000 pods takes less. */
export const FIRST_LIST_MS_MAX = 30_000;

/** Our own writes arrive within milliseconds; after so long [ms] they count as not seen. */
export const OWN_WRITE_MS_MAX = 1_000;

/** Pauses after failures [ms]: doubled from one to the next, up to half of each taken off at random. A server that comes back is seen again within the longest. */
export const RETRY_MS_MIN = 500;
export const RETRY_MS_MAX = 10_000;

/** Pause after a list that was refused, or of a kind that is not there [ms]: people install and grant, and not within seconds. */
export const REFUSED_MS = 30_000;

/** Permission to watch is looked for again after so long [ms]. */
export const NO_WATCH_MS = 600_000;

/** Bookmarks in a row that brought nothing new while the store was ahead: the server's cache stands still, and a list is read past it. */
export const STALLS_MAX = 2;

/** First-in first-out queue of cohorts: work that arrived evenly over a span of time. Columns in typed arrays, so that a week of ticks makes no garbage. */

/** Work that arrived evenly between two times [ms]. */
export type Cohort = {
  readonly fromMs: number;
  readonly toMs: number;
  /** [replica-ms]. */
  readonly workMs: number;
  /** Requests, prompt tokens and answer tokens per replica-ms of it. */
  readonly requestsPerWork: number;
  readonly inputPerWork: number;
  readonly outputPerWork: number;
};

export type CohortQueue = {
  readonly length: number;
  /** All that waits [requests]. */
  readonly requests: number;
  push(cohort: Cohort): void;
  /** The oldest one. */
  head(): Cohort | undefined;
  /** Takes that much work from the front of the oldest one; what is left of it arrived later. */
  take(workMs: number): void;
  /** Oldest first. */
  all(): Iterable<Cohort>;
};

const COLUMNS = 6;
const CAPACITY_FIRST = 64;
/** Less work than this is a rounding residue [replica-ms]. */
const WORK_MS_MIN = 1e-6;

/** Empty; grows as needed. */
export function createCohortQueue(): CohortQueue {
  let rows = new Float64Array(CAPACITY_FIRST * COLUMNS);
  let first = 0;
  let length = 0;
  let requests = 0;
  const offsetOf = (index: number): number => ((first + index) % (rows.length / COLUMNS)) * COLUMNS;
  const at = (index: number): Cohort => cohortAt(rows, offsetOf(index));
  const grow = (): void => {
    const wider = new Float64Array(rows.length * 2);
    for (let index = 0; index < length; index++) {
      const offset = offsetOf(index);
      wider.set(rows.subarray(offset, offset + COLUMNS), index * COLUMNS);
    }
    rows = wider;
    first = 0;
  };

  return {
    get length() {
      return length;
    },
    get requests() {
      return requests;
    },
    push: (cohort) => {
      if (cohort.workMs < WORK_MS_MIN) return;
      if (length * COLUMNS === rows.length) grow();
      const offset = offsetOf(length++);
      rows[offset] = cohort.fromMs;
      rows[offset + 1] = cohort.toMs;
      rows[offset + 2] = cohort.workMs;
      rows[offset + 3] = cohort.requestsPerWork;
      rows[offset + 4] = cohort.inputPerWork;
      rows[offset + 5] = cohort.outputPerWork;
      requests += cohort.workMs * cohort.requestsPerWork;
    },
    head: () => (length === 0 ? undefined : at(0)),
    take: (workMs) => {
      const head = at(0);
      requests -= workMs * head.requestsPerWork;
      const offset = offsetOf(0);
      rows[offset] = head.fromMs + (head.toMs - head.fromMs) * (workMs / head.workMs);
      rows[offset + 2] = head.workMs - workMs;
      if (head.workMs - workMs >= WORK_MS_MIN) return;
      first = (first + 1) % (rows.length / COLUMNS);
      length--;
      // Sums of fractions drift; an empty queue is a chance to start afresh.
      if (length === 0) requests = 0;
    },
    all: function* all() {
      for (let index = 0; index < length; index++) yield at(index);
    },
  };
}

function cohortAt(rows: Float64Array, offset: number): Cohort {
  return {
    fromMs: rows[offset] ?? 0,
    toMs: rows[offset + 1] ?? 0,
    workMs: rows[offset + 2] ?? 0,
    requestsPerWork: rows[offset + 3] ?? 0,
    inputPerWork: rows[offset + 4] ?? 0,
    outputPerWork: rows[offset + 5] ?? 0,
  };
}

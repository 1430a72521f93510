/** Seeded Poisson arrivals, reported by a gateway and read through the real window. */
import { seededRandom } from '../../../lib/base/random.ts';
import type { WorkloadControl } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import type { ScalingPolicy } from '../../../lib/core/policy.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../../lib/core/window/load-window.ts';
import { readingsOf } from '../../../lib/core/window/readings.ts';
import { inferenceLoad } from '../../events/builders.ts';
import { observed, T0 } from '../builders.ts';

/** Draws of a Poisson law by inversion of its distribution, exact to the precision of a number. */
export function poisson(random: () => number): (mean: number) => number {
  const tables = new Map<number, readonly number[]>();
  return (mean) => {
    if (mean <= 0) return 0;
    const known = tables.get(mean) ?? distributionOf(mean);
    tables.set(mean, known);
    const at = random();
    let [low, high] = [0, known.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((known[middle] ?? 1) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function distributionOf(mean: number): readonly number[] {
  const sums: number[] = [];
  let [logTerm, sum] = [-mean, 0];
  for (let count = 0; count < mean + 12 * Math.sqrt(mean) + 20; count++) {
    sum += Math.exp(logTerm);
    sums.push(sum);
    logTerm += Math.log(mean / (count + 1));
  }
  return sums;
}

/** What arrives at a gateway, and how long it stays. */
export type Arrivals = {
  /** Arrivals a second before `stepSec`, and from then on. */
  readonly perSec: number;
  readonly stepSec?: number;
  readonly factor?: number;
  /** Mean time of a request in the servers, which are never full [s]. */
  readonly serviceSec?: number;
};

/** What a gateway says of the time between two seconds of a course, and what is in flight at its end. */
export function reported(
  arrivals: Arrivals,
  over: {
    readonly fromSec: number;
    readonly toSec: number;
    readonly inFlight: number;
    readonly draw: (mean: number) => number;
  },
) {
  const { perSec, stepSec = Infinity, factor = 1, serviceSec = 2 } = arrivals;
  const { fromSec, toSec, inFlight, draw } = over;
  const spanSec = toSec - fromSec;
  const stepped = Math.max(0, Math.min(spanSec, toSec - stepSec));
  const arrived = draw(perSec * (spanSec - stepped)) + draw(perSec * factor * stepped);
  // Requests that leave: all in the servers for a mean time without memory.
  const share = 1 - Math.exp(-spanSec / serviceSec);
  const inFlightAfter = inFlight * (1 - share) + (arrived / spanSec) * serviceSec * share;
  const completed = Math.round(Math.max(0, arrived + inFlight - inFlightAfter));
  return {
    says: {
      inFlight: (inFlight + inFlightAfter) / 2,
      queued: 0,
      requests: { arrived, completed, failed: 0, cancelled: 0 },
    },
    inFlightAfter,
  };
}

export type Course = Arrivals & {
  readonly policy: ScalingPolicy;
  readonly seed: number;
  /** Goes on where another course ended. */
  readonly from?: Reached;
  /** Since the first report [s]. */
  readonly untilSec: number;
  /** From one report to the next [s]; default 2. */
  readonly everySec?: number;
  /** When the first report begins [epoch ms]; default {@link T0}, where a bucket of the window begins too. */
  readonly startMs?: number;
  /** From one full evaluation to the next, a multiple of `everySec` [s]; default 10. The others are leading ones. */
  readonly fullSec?: number;
  /** After every look: seconds, wanted, and what decided. Return true to stop. */
  readonly look?: (at: { readonly sec: number; readonly wanted: number; readonly rules: readonly string[] }) => boolean;
};

export type Reached = {
  readonly reports: number;
  readonly control: WorkloadControl | undefined;
  readonly window: LoadWindow | undefined;
  readonly replicas: number;
  readonly inFlight: number;
};

/** An evaluation after every report; counts are applied at once. */
export function arrivalsCourse(course: Course): Reached {
  const draw = poisson(seededRandom(course.seed));
  const { everySec = 2, startMs = T0, fullSec = 10, serviceSec = 2 } = course;
  const begin = {
    reports: 0,
    control: undefined,
    window: undefined,
    replicas: 1,
    inFlight: course.perSec * serviceSec,
  };
  let { reports: index, control, window, replicas, inFlight }: Reached = course.from ?? begin;
  for (; index * everySec < course.untilSec; index++) {
    const [fromSec, toSec] = [index * everySec, (index + 1) * everySec];
    const { says, inFlightAfter } = reported(course, { fromSec, toSec, inFlight, draw });
    inFlight = inFlightAfter;
    const endMs = startMs + toSec * 1000;
    const event = inferenceLoad({
      source: 'gateway/envoy',
      intervalStartMs: startMs + fromSec * 1000,
      intervalEndMs: endMs,
      ...says,
    });
    const records = [{ offset: index, timestampMs: endMs, event }];
    ({ window } = foldRecords(window, { topicPartition: 'inference-load-0', records, nowMs: endMs }));
    const outcome = decideWorkload({
      policy: course.policy,
      kind: toSec % fullSec === 0 ? 'full' : 'leading',
      nowMs: endMs,
      readings: readingsOf(window, { nowMs: endMs, readyReplicas: replicas }),
      holdUntilMs: 0,
      warmRatio: 1,
      target: observed(replicas, { pods: [] }),
      snapshotAgeMs: 0,
      control,
    });
    ({ control } = outcome);
    replicas = outcome.wanted;
    const rules = outcome.trail.map(({ rule }) => rule);
    if (course.look?.({ sec: toSec, wanted: outcome.wanted, rules }) === true) break;
  }
  return { reports: index, control, window, replicas, inFlight };
}

/** Seconds of steady arrivals before a jump, for what is usual to be known. */
const WARM_SEC = 300;
/** Histories that the seeds go on from; their reports begin a second apart within a bucket. */
const HISTORIES = 5;
/** How long a jump is watched [s]. */
const WATCHED_SEC = 14;

/** Seconds from a jump to the first higher count, for each of so many seeds; the jump falls anywhere between two reports, and reports begin anywhere in a bucket. Without one: Infinity. */
export function reactionsSec(
  policy: ScalingPolicy,
  of: Omit<Arrivals, 'stepSec'> & Pick<Course, 'everySec' | 'fullSec'> & { readonly seeds: number },
): readonly number[] {
  const startOf = (index: number): number => T0 + (index % HISTORIES) * 1_000;
  const histories = Array.from({ length: HISTORIES }, (_, index) =>
    arrivalsCourse({ ...of, policy, seed: 1_000 + index, startMs: startOf(index), untilSec: WARM_SEC }),
  );
  return Array.from({ length: of.seeds }, (_, index) => {
    const seed = index + 1;
    const from = histories[seed % HISTORIES];
    if (from === undefined) throw new Error('no history');
    const stepSec = WARM_SEC + ((seed * 0.618) % 1) * 10;
    let [before, tookSec] = [from.replicas, Infinity];
    arrivalsCourse({
      ...of,
      policy,
      seed,
      from,
      startMs: startOf(seed),
      stepSec,
      untilSec: stepSec + WATCHED_SEC,
      look: ({ sec, wanted }) => {
        if (sec <= stepSec) before = wanted;
        else if (wanted > before) tookSec = sec - stepSec;
        return tookSec < Infinity;
      },
    });
    return tookSec;
  });
}

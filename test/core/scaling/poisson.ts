/** Seeded Poisson arrivals, reported by a gateway every two seconds and read through the real window. */
import { seededRandom } from '../../../lib/base/random.ts';
import type { WorkloadControl } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import type { ScalingPolicy } from '../../../lib/core/policy.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../../lib/core/window/load-window.ts';
import { readingsOf } from '../../../lib/core/window/readings.ts';
import { inferenceLoad } from '../../events/builders.ts';
import { observed, T0 } from '../builders.ts';

export const REPORT_MS = 2_000;
const FULL_MS = 10_000;

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

export type Course = {
  readonly policy: ScalingPolicy;
  readonly seed: number;
  /** Goes on where another course ended. */
  readonly from?: Reached;
  /** Since the first report [s]. */
  readonly untilSec: number;
  /** Arrivals a second before `stepSec`, and from then on. */
  readonly perSec: number;
  readonly stepSec?: number;
  readonly factor?: number;
  /** Mean time of a request in the servers, which are never full [s]. */
  readonly serviceSec?: number;
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

/** A leading evaluation after every report, a full one every ten seconds; counts are applied at once. */
export function arrivalsCourse(course: Course): Reached {
  const draw = poisson(seededRandom(course.seed));
  const { stepSec = Infinity, factor = 1, serviceSec = 2 } = course;
  const begin = {
    reports: 0,
    control: undefined,
    window: undefined,
    replicas: 1,
    inFlight: course.perSec * serviceSec,
  };
  let { reports: index, control, window, replicas, inFlight }: Reached = course.from ?? begin;
  for (; index * 2 < course.untilSec; index++) {
    const [startSec, endSec] = [index * 2, index * 2 + 2];
    const stepped = Math.max(0, Math.min(2, endSec - stepSec));
    const arrived = draw(course.perSec * (2 - stepped)) + draw(course.perSec * factor * stepped);
    // Requests that leave: all in the servers for a mean time without memory.
    const share = 1 - Math.exp(-2 / serviceSec);
    const inFlightAfter = inFlight * (1 - share) + (arrived / 2) * serviceSec * share;
    const completed = Math.max(0, arrived + inFlight - inFlightAfter);
    const endMs = T0 + endSec * 1000;
    const event = inferenceLoad({
      source: 'gateway/envoy',
      intervalStartMs: T0 + startSec * 1000,
      intervalEndMs: endMs,
      inFlight: (inFlight + inFlightAfter) / 2,
      queued: 0,
      requests: { arrived, completed: Math.round(completed), failed: 0, cancelled: 0 },
    });
    inFlight = inFlightAfter;
    const records = [{ offset: index, timestampMs: endMs, event }];
    ({ window } = foldRecords(window, { topicPartition: 'inference-load-0', records, nowMs: endMs }));
    const outcome = decideWorkload({
      policy: course.policy,
      kind: (endMs - T0) % FULL_MS === 0 ? 'full' : 'leading',
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
    if (course.look?.({ sec: endSec, wanted: outcome.wanted, rules }) === true) break;
  }
  return { reports: index, control, window, replicas, inFlight };
}

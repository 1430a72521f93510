/** Laws of a course of decisions: the count is applied, replicas take their time to start, and the load is constant or as nasty as can be. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { WorkloadControl } from '../../lib/core/decide-types.ts';
import type { ForecastState } from '../../lib/core/forecast/forecast.ts';
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import { leadTimeSecOf } from '../../lib/core/scaling/lead-time.ts';
import { stabilizationMs } from '../../lib/core/scaling/stabilise.ts';
import { T0 } from './builders.ts';
import { courseOf, everyArb, levelArb, movesOf, reversalsOf, startupArb } from './law-courses.ts';
import type { Point } from './law-courses.ts';
import { COURSE_RUNS } from './law-runs.ts';
import { atLeast, atMost, learned, loadReadings, policyArb } from './law-situations.ts';

/** A step of the load after a calm minute, then nothing changes and nothing becomes ready: how often the count grows after its first answer. */
function growsAgain(
  policy: ScalingPolicy,
  of: { readonly start: number; readonly before: number; readonly more: number },
): number {
  const calm = courseOf({ policy, start: of.start, everyMs: 10_000, steps: 4, startupMs: 0 }, (_, ready) =>
    loadReadings(of.before, ready),
  );
  const last = calm.at(-1);
  if (last === undefined) return 0;
  const [startupMs, fromMs] = [3_600_000, last.atMs + 10_000];
  const points = courseOf(
    { policy, start: last.wanted, control: last.control, fromMs, everyMs: 10_000, steps: 12, startupMs },
    (_, ready) => loadReadings(of.before + of.more, ready),
  );
  return movesOf(points).filter((move) => move > 0).length;
}

const isForeseen = (policy: ScalingPolicy): boolean =>
  policy.spec.signals.some((signal) => signal.kind === 'requestRate' || signal.kind === 'tokens');

/** Guards alone do not make the load known: after a while of that, the count of the fallback is asked for. */
const fallsBack = ({ spec }: ScalingPolicy): boolean =>
  spec.fallback !== undefined && spec.signals.every((signal) => signal.kind === 'kvCache' || signal.kind === 'gpu');

type CoursePast = {
  readonly control: WorkloadControl | undefined;
  readonly nowMs: number;
  readonly replicas: number;
  /** Usual load [replicas]. */
  readonly level: number;
};

/** From asked for to serving, and until it is noticed [ms]; see `scaling/ahead.ts`. */
const horizonMsOf = (policy: ScalingPolicy): number => policy.spec.leadTimeSec * 1_000 + 10_000;

function calmPast(policy: ScalingPolicy, level: number): CoursePast {
  const last = courseOf({ policy, start: 3, everyMs: 10_000, steps: 4, startupMs: 0 }, (_, ready) =>
    loadReadings(level, ready),
  ).at(-1);
  return { control: last?.control, nowMs: last?.atMs ?? T0, replicas: last?.wanted ?? 0, level };
}

const learnedPasts = new Map<ScalingPolicy, CoursePast>();

/** An hour of a load that swings, made once per policy. */
function learnedPast(policy: ScalingPolicy): CoursePast {
  const known = learnedPasts.get(policy);
  if (known !== undefined) return known;
  const { control, nowMs } = learned(policy, { minutes: 60, level: 6, swing: 0.4, served: false });
  const past = { control, nowMs, replicas: control?.lastWanted ?? 0, level: 6 };
  learnedPasts.set(policy, past);
  return past;
}

/** The load after that, all the same for a horizon, in which nothing becomes ready. */
function surprised(policy: ScalingPolicy, of: { readonly past: CoursePast; readonly load: number }): Point[] {
  const everyMs = Math.max(10_000, horizonMsOf(policy) / 12);
  const { replicas: start, control, nowMs } = of.past;
  const course = { policy, start, control, fromMs: nowMs + 10_000, everyMs, steps: 14, startupMs: 36_000_000 };
  return courseOf(course, (_, ready) => loadReadings(of.load, ready));
}

/** Levels move towards the load, so each is at most the larger of the two; limited to 1.5 times the largest need. */
function roomFor(load: number, { says, levels, peak }: ForecastState): number {
  const most = levels.map((level) => Math.max(level, load));
  const bound = says.reduce((sum, { factor, share }, index) => sum + factor * share * (most[index] ?? 0), 0);
  return Math.max(...most, Math.min(bound, 1.5 * Math.max(peak, ...most)));
}

function cascadeLaw(policies: fc.Arbitrary<ScalingPolicy>): void {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 30 }), levelArb, levelArb, (policy, start, before, more) => {
      atMost(growsAgain(policy, { start, before, more }), 0);
    }),
    { numRuns: COURSE_RUNS },
  );
}

describe('law: no cascade while replicas start', () => {
  test('a constant deficit asks once: with the same readings and nothing more ready, the count does not grow after the first decision', () => {
    cascadeLaw(policyArb.filter((policy) => !isForeseen(policy) && !fallsBack(policy)));
  });

  test('where a rate is foreseen, young or learned: while replicas start, for a horizon, nothing more is learned into the answer: the count stays within load × Σ share·factor as adopted before, or what the load itself asked for at first', () => {
    fc.assert(
      fc.property(policyArb.filter(isForeseen), fc.boolean(), levelArb, levelArb, (policy, isLearned, before, more) => {
        const past = isLearned ? learnedPast(policy) : calmPast(policy, before);
        const points = surprised(policy, { past, load: past.level + more });
        const first = points[0];
        const forecast = first?.control.forecast;
        if (first === undefined || forecast === undefined || first.wanted <= past.replicas) return;
        const most = Math.max(first.wanted, Math.ceil(roomFor(past.level + more, forecast) - 1e-3));
        for (const { atMs, wanted, control } of points) {
          if (atMs - forecast.saidMs >= horizonMsOf(policy)) break;
          expect(control.forecast?.says).toEqual(forecast.says);
          atMost(wanted, most);
        }
      }),
      { numRuns: COURSE_RUNS },
    );
  });
});

/** With the lead time learned so far. */
function windowMsAt(policy: ScalingPolicy, { control }: Point): number {
  const leadTimeSec = leadTimeSecOf(control, { policySec: policy.spec.leadTimeSec }).p90;
  return stabilizationMs({ ...policy, spec: { ...policy.spec, leadTimeSec } });
}

describe('law: bounded direction changes under adversarial load', () => {
  test('a count that was raised does not fall for one stabilization window (the shortest since, where starts teach another lead time), so a time T sees at most 2·T/window + 1 direction changes', () => {
    fc.assert(
      fc.property(
        policyArb,
        fc.array(fc.nat(255), { minLength: 20, maxLength: 40 }),
        fc.tuple(everyArb, startupArb),
        (policy, loads, [everyMs, slowness]) => {
          const startupMs = policy.spec.leadTimeSec * 1_000 * slowness;
          const course = { policy, start: 3, everyMs, steps: loads.length, startupMs };
          const points = courseOf(course, (step, ready) => loadReadings((loads[step] ?? 0) / 5, ready));
          const spanMs = loads.length * everyMs;
          const shortestMs = Math.min(...points.map((point) => windowMsAt(policy, point)));
          if (shortestMs > 0) atMost(reversalsOf(movesOf(points)), 2 * (spanMs / shortestMs) + 1);
          let [raisedMs, sinceMs] = [-Infinity, Infinity];
          for (const [index, point] of points.entries()) {
            const { atMs, wanted } = point;
            const last = points[index - 1]?.wanted ?? wanted;
            sinceMs = Math.min(sinceMs, windowMsAt(policy, point));
            if (wanted < last) atLeast(atMs - raisedMs, sinceMs);
            if (wanted > last) [raisedMs, sinceMs] = [atMs, windowMsAt(policy, point)];
          }
        },
      ),
      { numRuns: COURSE_RUNS },
    );
  });
});

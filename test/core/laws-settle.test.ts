/** Law of a course under a constant load. */
import { describe, test } from '@jest/globals';
import * as fc from 'fast-check';
import { readings, value, workloadPolicy } from './builders.ts';
import { courseOf, everyArb, levelArb, movesOf, startupArb } from './law-courses.ts';
import { COURSE_RUNS } from './law-runs.ts';
import { atMost, loadReadings, policyArb } from './law-situations.ts';

describe('law: a constant load settles without direction changes', () => {
  test('any signal mix, any lead time, however long starts really take: from the first decision on the count moves in one direction only, and so comes to rest', () => {
    fc.assert(
      fc.property(
        policyArb,
        fc.nat(60),
        levelArb,
        fc.tuple(everyArb, startupArb),
        (policy, start, level, [everyMs, slowness]) => {
          const startupMs = policy.spec.leadTimeSec * 1_000 * slowness;
          const points = courseOf({ policy, start, everyMs, steps: 90, startupMs }, (_, ready) =>
            loadReadings(level, ready),
          );
          atMost(new Set(movesOf(points)).size, 1);
        },
      ),
      { numRuns: COURSE_RUNS },
    );
  });

  test('also on the edge of a whole replica, where the sixth decimal of a mean would make one more of it', () => {
    const policy = workloadPolicy({
      risk: 'cheap',
      replicas: { min: 1, max: 100 },
      signals: [{ kind: 'tokens', inputPerSec: 20_000, outputPerSec: 1_000 }],
    });
    const constant = readings({ inputTokenRate: value(735_279.25), outputTokenRate: value(0) });
    const points = courseOf({ policy, start: 0, everyMs: 10_000, steps: 90, startupMs: 0 }, () => constant);
    atMost(movesOf(points).filter((move) => move > 0).length, 0);
  });
});

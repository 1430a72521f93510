import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../../lib/core/window/load-window.ts';
import { longestRequestSecMin } from '../../../lib/core/window/longest.ts';
import { inferenceLoad, START_MS } from '../../events/builders.ts';
import { lawRuns } from '../law-runs.ts';

/** A request of a pod: begun at, and how long it takes [s]. */
type Request = { readonly pod: number; readonly atSec: number; readonly forSec: number };

const STEP_SEC = 2;

/** What pods report of these requests every 2 s for `untilSec`, exactly. */
function reported(requests: readonly Request[], untilSec: number, counts: 'all' | 'arrived' | 'none' = 'all') {
  const pods = [...new Set(requests.map((one) => one.pod))];
  const events = pods.flatMap((pod) => {
    const own = requests.filter((one) => one.pod === pod);
    const steps = Array.from({ length: Math.floor(untilSec / STEP_SEC) }, (_, index) => index * STEP_SEC);
    return steps.map((fromSec) => {
      const toSec = fromSec + STEP_SEC;
      const within = (sec: number): boolean => sec >= fromSec && sec < toSec;
      const busySec = own.reduce(
        (sum, { atSec, forSec }) => sum + Math.max(0, Math.min(toSec, atSec + forSec) - Math.max(fromSec, atSec)),
        0,
      );
      const arrived = own.filter(({ atSec }) => within(atSec)).length;
      const completed = own.filter(({ atSec, forSec }) => within(atSec + forSec)).length;
      return inferenceLoad({
        source: `pod/${pod}`,
        intervalStartMs: START_MS + fromSec * 1_000,
        intervalEndMs: START_MS + toSec * 1_000,
        inFlight: busySec / STEP_SEC,
        requests: counts === 'all' ? { arrived, completed } : counts === 'arrived' ? { arrived } : undefined,
      });
    });
  });
  const records = events.map((event, offset) => ({ offset, timestampMs: event.intervalEndMs, event }));
  return foldRecords(undefined, { topicPartition: 't-0', records, nowMs: START_MS + untilSec * 1_000 }).window;
}

const bound = (window: LoadWindow, untilSec: number) => longestRequestSecMin(window, START_MS + untilSec * 1_000);

/** Begun every `everySec`, each of `forSec`. */
const steady = (everySec: number, forSec: number, untilSec: number): Request[] =>
  Array.from({ length: Math.floor(untilSec / everySec) }, (_, index) => ({
    pod: index % 3,
    atSec: index * everySec,
    forSec,
  }));

describe('longestRequestSecMin', () => {
  test.each([5, 40, 120])('of requests that all take %i s comes close to that, and never above', (forSec) => {
    const sec = bound(reported(steady(1, forSec, 900), 900), 900) ?? 0;
    expect(sec).toBeLessThanOrEqual(forSec * 1.01);
    expect(sec).toBeGreaterThan(forSec * 0.8);
  });

  test('of one request that never ends is at least half of how long it has been there: it is counted where it begins and where it still is', () => {
    const sec = bound(reported([{ pod: 0, atSec: 0, forSec: 10_000 }], 600), 600) ?? 0;
    expect(sec).toBeGreaterThanOrEqual(300);
    expect(sec).toBeLessThanOrEqual(600);
  });

  test('of no requests is zero', () => {
    expect(bound(reported([{ pod: 0, atSec: 5_000, forSec: 1 }], 60), 60)).toBe(0);
  });

  test('is not known where requests are not counted, or by others than those that report them in flight', () => {
    expect(bound(reported(steady(1, 40, 300), 300, 'none'), 300)).toBeNull();
    expect(
      longestRequestSecMin(foldRecords(undefined, { topicPartition: 't-0', records: [], nowMs: 0 }).window, 0),
    ).toBeNull();
  });

  test('where only what began is counted comes as close', () => {
    const sec = bound(reported(steady(1, 40, 900), 900, 'arrived'), 900) ?? 0;
    expect(sec).toBeGreaterThan(30);
    expect(sec).toBeLessThanOrEqual(40.5);
  });

  test('is never more than the longest request took, whatever the requests', () => {
    const request = fc.record({
      pod: fc.nat({ max: 3 }),
      atSec: fc.integer({ min: 0, max: 700 }),
      forSec: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(
        fc.array(request, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 60, max: 900 }),
        (all, until) => {
          const untilSec = until - (until % STEP_SEC);
          const seen = all.map(({ atSec, forSec }) => Math.min(atSec + forSec, untilSec) - Math.min(atSec, untilSec));
          const sec = bound(reported(all, untilSec), untilSec) ?? 0;
          // In flight is an average over the last interval: a request counts there in part only.
          expect(sec).toBeLessThanOrEqual(Math.max(...seen) + 2 * STEP_SEC);
        },
      ),
      { numRuns: lawRuns(60) },
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { seededRandom } from '../../../lib/base/random.ts';
import type { WorkloadControl, WorkloadOutcome } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import { NO_GAPS, longGaps, withGap } from '../../../lib/core/scaling/idle-gaps.ts';
import type { IdleGaps } from '../../../lib/core/scaling/idle-gaps.ts';
import { missing, observed, readings, T0, value, workloadInput, workloadPolicy } from '../builders.ts';

const MINUTE_MS = 60_000;
const EVERY_MS = 30_000;

function gapsOf(minutes: readonly number[]): IdleGaps {
  return minutes.reduce((gaps, minute) => withGap(gaps, minute * MINUTE_MS), NO_GAPS);
}

describe('the histogram of idle gaps', () => {
  test('gaps that are all alike: early and late are the edges of their minute', () => {
    expect(longGaps(gapsOf(Array.from({ length: 20 }, () => 30)), MINUTE_MS)).toMatchObject({
      earlyMs: 30 * MINUTE_MS,
      lateMs: 31 * MINUTE_MS,
      isConcentrated: true,
    });
  });

  test('gaps of all lengths are no habit', () => {
    expect(longGaps(gapsOf(Array.from({ length: 239 }, (_, index) => index + 1)), MINUTE_MS)?.isConcentrated).toBe(
      false,
    );
  });

  test('too few gaps, or mostly longer ones than four hours, say nothing', () => {
    expect(longGaps(gapsOf([30, 30, 30]), MINUTE_MS)).toBeNull();
    expect(longGaps(gapsOf([30, 30, 30, 300, 400, 500, 600]), MINUTE_MS)).toBeNull();
  });

  test('gaps that the stabilization window bridges anyway are left out', () => {
    const gaps = gapsOf([...Array.from({ length: 50 }, () => 0), ...Array.from({ length: 10 }, () => 45)]);
    expect(longGaps(gaps, 3 * MINUTE_MS)).toMatchObject({ earlyMs: 45 * MINUTE_MS, lateMs: 46 * MINUTE_MS });
  });

  test('a new habit replaces the old one', () => {
    const before = Array.from({ length: 50 }, () => 100);
    const since = Array.from({ length: 400 }, () => 20);
    expect(longGaps(gapsOf([...before, ...since]), MINUTE_MS)?.lateMs).toBe(21 * MINUTE_MS);
  });
});

const heard = (number: number) => value(number, { from: 'gateway' });

type Seen = { readonly sec: number; readonly outcome: WorkloadOutcome };

const policy = workloadPolicy({
  replicas: { min: 0, max: 5 },
  leadTimeSec: 120,
  signals: [{ kind: 'requestRate', perReplicaPerSec: 2 }],
});

/** A gateway's view of work in the given spans [s], evaluated every 30 s. */
function live(
  spans: readonly (readonly [fromSec: number, toSec: number])[],
  of: { readonly untilSec: number; readonly silentFromSec?: number },
): Seen[] {
  const seen: Seen[] = [];
  let control: WorkloadControl | undefined;
  let next = 0;
  for (let sec = 0; sec <= of.untilSec; sec += EVERY_MS / 1000) {
    while ((spans[next]?.[1] ?? Infinity) <= sec) next++;
    const busy = (spans[next]?.[0] ?? Infinity) <= sec;
    const silent = sec >= (of.silentFromSec ?? Infinity);
    const outcome: WorkloadOutcome = decideWorkload(
      workloadInput({
        policy,
        control,
        nowMs: T0 + sec * 1000,
        target: observed(seen.at(-1)?.outcome.wanted ?? 1, { pods: [] }),
        readings: readings(
          silent
            ? { requestRate: missing() }
            : { requestRate: heard(busy ? 1 : 0), queued: heard(0), inFlight: heard(busy ? 1 : 0) },
        ),
      }),
    );
    ({ control } = outcome);
    seen.push({ sec, outcome });
  }
  return seen;
}

/** Work for five minutes, again and again after such pauses [min]. */
function spansOf(pausesMin: readonly number[]): {
  readonly spans: (readonly [number, number])[];
  readonly endSec: number;
} {
  let endSec = 0;
  const spans = pausesMin.map((pause) => {
    const from = endSec;
    endSec = from + 300 + pause * 60;
    return [from, from + 300] as const;
  });
  return { spans, endSec };
}

const rulesOf = (seen: readonly Seen[]): ReadonlySet<string> =>
  new Set(seen.flatMap(({ outcome }) => outcome.trail.map(({ rule }) => rule)));
const between = (seen: readonly Seen[], from: number, to: number): readonly Seen[] =>
  seen.filter(({ sec }) => sec >= from && sec < to);

describe('the last replica of a workload that may go to zero', () => {
  test('work every hour: let go after the window, there again before the work is', () => {
    const { spans, endSec } = spansOf(Array.from({ length: 14 }, () => 55));
    const seen = live(spans, { untilSec: endSec });
    const start = endSec - 3_600;
    const last = between(seen, start, endSec);
    expect(between(last, start + 300 + 400, start + 3_100).every(({ outcome }) => outcome.wanted === 0)).toBe(true);
    expect(last.at(-1)?.outcome.wanted).toBe(1);
    const steps = last.flatMap(({ outcome }) => outcome.trail.filter(({ rule }) => rule === 'pre-warm'));
    expect(steps[0]?.because).toMatch(
      /^no work for 5\d min; of .* gaps longer than 120 s, 1 in 20 ends within 5\d min and 1 in 100 lasts longer than 5\d min$/,
    );
  });

  test('work every ten minutes: the replica stays, and goes when the work no longer comes', () => {
    const { spans, endSec } = spansOf(Array.from({ length: 20 }, () => 5));
    const seen = live(spans, { untilSec: endSec + 3_600 });
    expect(between(seen, endSec - 3_000, endSec).every(({ outcome }) => outcome.wanted >= 1)).toBe(true);
    expect(rulesOf(between(seen, endSec - 3_000, endSec))).toContain('keep-alive');
    expect(seen.at(-1)?.outcome.wanted).toBe(0);
    expect(between(seen, endSec + 900, endSec + 3_600).every(({ outcome }) => outcome.wanted === 0)).toBe(true);
  });

  test('pauses of any length: let go after the window, as without a habit', () => {
    const random = seededRandom(5);
    const { spans, endSec } = spansOf(Array.from({ length: 30 }, () => 3 + Math.floor(random() * 200)));
    const seen = live(spans, { untilSec: endSec });
    const later = between(seen, endSec * 0.5, endSec);
    expect(rulesOf(later)).not.toContain('pre-warm');
    expect(later.some(({ outcome }) => outcome.wanted === 0)).toBe(true);
  });

  test('a pause that was never there before: let go after the window', () => {
    const seen = live([[0, 300]], { untilSec: 3_600 });
    expect(seen.at(-1)?.outcome.wanted).toBe(0);
    expect(between(seen, 300 + 240, 3_600).every(({ outcome }) => outcome.wanted === 0)).toBe(true);
    expect(rulesOf(seen)).not.toContain('keep-alive');
  });

  test('silence is no idle time: nothing is let go, and no gap is learned from it', () => {
    const seen = live(
      [
        [0, 300],
        [7_200, 7_500],
      ],
      { untilSec: 7_000, silentFromSec: 320 },
    );
    expect(seen.every(({ outcome }) => outcome.wanted >= 1)).toBe(true);
    expect(seen.at(-1)?.outcome.control.idle?.gaps).toEqual(NO_GAPS);
    expect(seen.at(-1)?.outcome.control.idle?.sinceMs).toBeNull();
  });

  test('a workload that keeps a replica anyway remembers no gaps', () => {
    const { control } = decideWorkload(workloadInput());
    expect(control.idle).toBeUndefined();
  });
});

describe('law: the histogram is bounded and its figures are ordered, whatever gaps there were', () => {
  test('at most four hours of bins, weights fade, one in twenty before one in a hundred', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 80 }), fc.nat(7_200), (gapsSec, overSec) => {
        const gaps = gapsSec.reduce((all, sec) => withGap(all, sec * 1000), NO_GAPS);
        const weight = gaps.longer + gaps.bins.reduce((sum, one) => sum + one, 0);
        if (gaps.bins.length > 240 || weight > 100.5) throw new Error(`${gaps.bins.length} bins of ${weight}`);
        const known = longGaps(gaps, overSec * 1000);
        if (known === null) return;
        if (!(known.earlyMs >= overSec * 1000 && known.earlyMs < known.lateMs && known.lateMs <= 240 * MINUTE_MS)) {
          throw new Error(`${known.earlyMs} to ${known.lateMs} over ${overSec} s`);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

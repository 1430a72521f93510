/** Interpolation, comparison and tables of the frontier bench. */
import { describe, expect, test } from '@jest/globals';
import { array, assert, double, property, record } from 'fast-check';
import { compared, fieldsOf, medianOf, standingOf } from './frontier-compare.ts';
import type { Field } from './frontier-compare.ts';
import { frontierOf, hoursAtMisses, missShareOf, missesAtHours } from './frontier-curve.ts';
import { pictureOf } from './frontier-picture.ts';
import { keyOf, withPoint } from './frontier-results.ts';
import type { Point } from './frontier-results.ts';
import { PEERS, askedOf } from './frontier-settings.ts';
import { tablesOf } from './frontier-tables.ts';

const REQUESTS = 1_000_000;

/** `share` of a million requests missed. */
function pointOf(gpuHours: number, share: number, of: Partial<Point> = {}): Point {
  const cell = { trace: 'T3', leadTimeSec: 60, policy: 'penstock', setting: null, measured: '2026-11-26' };
  return { ...cell, gpuHours, sloMissCount: share * REQUESTS, requestCount: REQUESTS, ...of };
}

const THREE = [pointOf(100, 0.01), pointOf(110, 0.001), pointOf(130, 0.0001)];

describe('frontierOf', () => {
  test('leaves out what another point beats in both, and orders by GPU-hours', () => {
    const beaten = [pointOf(115, 0.001), pointOf(120, 0.02)];
    expect(frontierOf([...THREE, ...beaten].toReversed())).toEqual(THREE);
  });

  test('of two points that miss no whole request only the cheaper one stays', () => {
    expect(frontierOf([pointOf(100, 0.3 / REQUESTS), pointOf(105, 0)]).map(({ gpuHours }) => gpuHours)).toEqual([100]);
  });
});

describe('reading a frontier', () => {
  test('the logarithm of the misses is linear in GPU-hours between two points', () => {
    // Half way from 1 % to 0.1 % in logarithms is 0.316 %.
    expect(hoursAtMisses(THREE, 0.01 / Math.sqrt(10))).toEqual({ kind: 'between', value: expect.closeTo(105, 9) });
    expect(missesAtHours(THREE, 105)).toEqual({ kind: 'between', value: expect.closeTo(0.01 / Math.sqrt(10), 9) });
  });

  test('a measured point is read as it was measured', () => {
    for (const point of THREE) {
      expect(hoursAtMisses(THREE, missShareOf(point))).toEqual({
        kind: 'between',
        value: expect.closeTo(point.gpuHours, 9),
      });
      expect(missesAtHours(THREE, point.gpuHours)).toEqual({
        kind: 'between',
        value: expect.closeTo(missShareOf(point), 12),
      });
    }
  });

  test('nothing is extrapolated: fewer misses than the safest point, or fewer GPU-hours than the cheapest, are beyond', () => {
    expect(hoursAtMisses(THREE, 0.00009)).toEqual({ kind: 'beyond' });
    expect(missesAtHours(THREE, 99)).toEqual({ kind: 'beyond' });
    expect(hoursAtMisses([], 0.1)).toEqual({ kind: 'beyond' });
    expect(missesAtHours([], 99)).toEqual({ kind: 'beyond' });
  });

  test('at more misses than the cheapest point has, or more GPU-hours than the safest, the end of the sweep is a bound', () => {
    expect(hoursAtMisses(THREE, 0.2)).toEqual({ kind: 'atMost', value: 100 });
    expect(missesAtHours(THREE, 500)).toEqual({ kind: 'atMost', value: 0.0001 });
  });

  test('law: within the sweep each reading undoes the other', () => {
    const step = record({
      hours: double({ min: 0.1, max: 50, noNaN: true }),
      // Never down to half a request, where a frontier ends.
      fall: double({ min: 0.2, max: 0.9, noNaN: true }),
    });
    assert(
      property(
        array(step, { minLength: 1, maxLength: 6 }),
        double({ min: 0.001, max: 0.999, noNaN: true }),
        (steps, part) => {
          let [hours, share] = [10, 0.5];
          const points = [pointOf(hours, share)];
          for (const { hours: more, fall } of steps) {
            hours += more;
            share *= fall;
            points.push(pointOf(hours, share));
          }
          const frontier = frontierOf(points);
          const wanted = 10 + part * ((frontier.at(-1)?.gpuHours ?? 10) - 10);
          const read = missesAtHours(frontier, wanted);
          const back = read.kind === 'beyond' ? read : hoursAtMisses(frontier, read.value * (1 - 1e-12));
          expect(back.kind === 'beyond' ? Number.NaN : back.value).toBeCloseTo(wanted, 5);
        },
      ),
    );
  });
});

function fieldOf(peer: readonly Point[], penstock: readonly Point[] = THREE): Field {
  const optimum = pointOf(80, 0, { policy: 'optimum' });
  const [field] = fieldsOf([optimum, ...penstock, ...peer]);
  if (field === undefined) throw new Error('no field');
  return field;
}

const hpa = (gpuHours: number, share: number, setting: Point['setting'] = null): Point =>
  pointOf(gpuHours, share, { policy: 'hpa', setting });

describe('beside a peer', () => {
  test('both figures are those of Penstock over those of the peer', () => {
    const peer = hpa(125, 0.001);
    const { hours, misses } = compared(fieldOf([peer]), peer);
    expect(hours).toEqual({ kind: 'between', value: expect.closeTo(110 / 125, 9) });
    expect(misses).toEqual({ kind: 'between', value: expect.closeTo(10 ** -0.75, 9) });
  });

  test('where no setting misses as little, the safest one is what is told', () => {
    const peer = hpa(200, 0);
    const { hours, safest } = compared(fieldOf([peer]), peer);
    expect(hours).toEqual({ kind: 'beyond' });
    expect(safest).toEqual({ ratio: 130 / 200, at: THREE[2] });
    expect(compared(fieldOf([peer]), peer).misses).toEqual({ kind: 'ends' });
    const dear = hpa(125, 0);
    expect(compared(fieldOf([dear]), dear).misses).toEqual({ kind: 'more' });
  });

  test('a peer cheaper than every setting that misses no more is above; one that misses more is not compared', () => {
    const [better, later] = [hpa(95, 0.005), hpa(95, 0.05)];
    expect(compared(fieldOf([better]), better).misses).toEqual({ kind: 'above' });
    expect(compared(fieldOf([later]), later).misses).toEqual({ kind: 'beyond' });
  });

  test('the optimum bounds what can be reached only where the peer misses next to nothing', () => {
    const [safe, late] = [hpa(125, 0.0005), hpa(85, 0.05)];
    expect(compared(fieldOf([safe]), safe).boundRatio).toBeCloseTo(80 / 125, 9);
    expect(compared(fieldOf([late]), late).boundRatio).toBeNull();
  });

  test('two that miss nothing have no ratio of misses, however the requests were added up', () => {
    const peer = hpa(125, 0, null);
    const noisy = { ...peer, requestCount: REQUESTS + 6e-10 };
    const { hours, misses } = compared(fieldOf([peer], [pointOf(110, 0)]), noisy);
    expect(misses).toEqual({ kind: 'none' });
    expect(hours).toEqual({ kind: 'between', value: expect.closeTo(110 / 125, 9) });
  });

  test('the worst point of its frontier decides where Penstock stands', () => {
    const sweep = [hpa(90, 0.05, { targetRatio: 0.9 }), hpa(105, 0.001, { targetRatio: 0.7 }), hpa(160, 0.0001)];
    expect(standingOf(fieldOf(sweep), sweep)).toEqual({
      worst: { ratio: expect.closeTo(110 / 105, 9), isLeast: false, at: sweep[1] },
      goesOn: false,
    });
  });

  test('a peer that misses less than the safest setting for less is above it, for more it goes on where Penstock ends', () => {
    const [cheaper, dearer] = [[hpa(120, 0)], [hpa(200, 0)]];
    expect(standingOf(fieldOf(cheaper), cheaper)).toEqual({
      worst: { ratio: expect.closeTo(130 / 120, 9), isLeast: true, at: cheaper[0] },
      goesOn: false,
    });
    expect(standingOf(fieldOf(dearer), dearer)).toEqual({ worst: null, goesOn: true });
  });

  test('what leaves more than a tenth of the requests waiting is not compared', () => {
    const sweep = [hpa(50, 0.11)];
    expect(standingOf(fieldOf(sweep), sweep)).toEqual({ worst: null, goesOn: false });
  });

  test('the median of an even number is the mean of the middle two', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 2, 3])).toBe(2.5);
    expect(medianOf([])).toBeUndefined();
  });
});

describe('results', () => {
  test('a cell measured again takes the place of the old one, and no other', () => {
    const [one, other] = [hpa(100, 0.01), hpa(90, 0.02, { targetRatio: 0.85 })];
    const again = hpa(101, 0.01);
    expect(withPoint([one, other], again)).toEqual([other, again]);
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  test('every policy is asked at its recommended setting and over its sweep, each cell once', () => {
    const asked = askedOf({
      policies: ['optimum', 'penstock', ...PEERS],
      sloWaitSec: 10,
      isThinned: false,
      byCore: false,
    });
    const keys = asked.map(({ policy, setting }) => keyOf({ trace: 'T3', leadTimeSec: 60, policy, setting }));
    expect(new Set(keys).size).toBe(keys.length);
    for (const policy of ['penstock', ...PEERS]) {
      const own = asked.filter((cell) => cell.policy === policy);
      expect(own.filter(({ setting }) => setting === null)).toHaveLength(1);
      expect(own.length).toBeGreaterThanOrEqual(8);
    }
  });
});

describe('the page', () => {
  const penstock = [pointOf(100, 0.01, { setting: { risk: 'cheap', ratio: 0.9 } }), pointOf(110, 0.001)];
  const points = [
    pointOf(100, 0, { policy: 'optimum' }),
    ...penstock,
    hpa(125, 0.001),
    hpa(180, 0, { targetRatio: 0.3 }),
  ];

  test('the tables say what was read, what the goal cannot be, and where Penstock is above', () => {
    const page = tablesOf(points);
    expect(page).toContain('| cheap, ratio 0.9 | 1.00 / 1.0 |');
    expect(page).toContain('| as recommended | 1.10 / 0.1 |');
    // 0.88 of the GPU-hours; the optimum itself takes 0.80 of them, which is above the goal of 0.75.
    expect(page).toContain('| hpa | 0.88 (0.80) | 0.88 |');
    expect(page).toContain('| hpa | ≤ 1.00 | 1.00 | 1.00 |');
    expect(page).toContain('| T3 60 s | 0.88 at 0.1 … | – |');
  });

  test('every line of a table has as many cells as its head', () => {
    const tables = tablesOf(points)
      .split('\n\n')
      .filter((part) => part.startsWith('|'));
    expect(tables.length).toBeGreaterThan(3);
    for (const table of tables) {
      const widths = table
        .trim()
        .split('\n')
        .map((row) => row.split('|').length);
      expect(new Set(widths).size).toBe(1);
    }
  });

  test('the picture has a line for each policy, a ring for each recommended setting, and both themes', () => {
    const picture = pictureOf('T3', points);
    for (const name of ['penstock', 'hpa']) expect(picture).toContain(`<title>${name}</title>`);
    expect(picture.match(/class="ring"/g)).toHaveLength(2);
    expect(picture).toContain('prefers-color-scheme:dark');
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  });
});

import { describe, expect, test } from '@jest/globals';
import { decimal, decimalsFor, duration, percentDown, requestCountText } from '../../../lib/simulator/report/format.ts';
import { summarySentence } from '../../../lib/simulator/report/summary.ts';
import type { PolicyFigures, ReplayReport } from '../../../lib/simulator/report/types.ts';
import { sampleFigures, sampleReport } from './sample.ts';

type Case = readonly [gpuHours: number, sloMissCount: number];

function reportOf(policies: Readonly<Record<string, Case>>): ReplayReport {
  const figures = Object.entries(policies).map(([name, [gpuHours, sloMissCount]]): [string, PolicyFigures] => [
    name,
    sampleFigures({ gpuHours, sloMissCount }),
  ]);
  return sampleReport(Object.fromEntries(figures));
}

describe('summarySentence', () => {
  test('says how much cheaper and how many fewer, beside the usual peer, the cheapest that is as good, and the optimum', () => {
    const report = reportOf({
      penstock: [880, 100],
      hpa: [1000, 300],
      ray: [1100, 40],
      static: [2000, 0],
      optimum: [800, 0],
    });
    expect(summarySentence(report)).toBe(
      'Penstock used 12 % fewer GPU-hours than hpa and missed 67 % fewer requests (100 against 300); ' +
        'used 20 % fewer GPU-hours than ray, the cheapest peer that missed no more, but missed 2.5 × as many requests (100 against 40); ' +
        'its GPU-hours are 1.10 × those of the optimum.',
    );
  });

  test('does not hide that Penstock is dearer and misses more', () => {
    expect(summarySentence(reportOf({ penstock: [1300, 900], hpa: [1000, 300] }))).toBe(
      'Penstock used 30 % more GPU-hours than hpa and missed 3.0 × as many requests (900 against 300); of the peers that missed no more, hpa was the cheapest.',
    );
  });

  test.each<[string, Case, Case, string]>([
    [
      'a trade of cost for misses',
      [1100, 10],
      [1000, 20],
      '10 % more GPU-hours than hpa but missed 50 % fewer requests (10 against 20)',
    ],
    [
      'misses on our side only',
      [900, 1],
      [1000, 0],
      '10 % fewer GPU-hours than hpa but missed 1 request, where that peer missed none',
    ],
    [
      'misses on their side only',
      [900, 0],
      [1000, 7],
      '10 % fewer GPU-hours than hpa and missed no request, where that peer missed 7',
    ],
    ['no misses at all', [900, 0], [1000, 0], '10 % fewer GPU-hours than hpa and neither missed a request'],
    ['fractions of a fluid', [900, 0.4], [1000, 0.2], '10 % fewer GPU-hours than hpa and neither missed a request'],
    ['equal misses', [985, 7], [1000, 7], '1.5 % fewer GPU-hours than hpa and missed as many requests (7 each)'],
    [
      'almost equal cost',
      [1004, 7],
      [1000, 8],
      'about the same GPU-hours as hpa and missed 13 % fewer requests (7 against 8)',
    ],
    [
      'nearly all of the misses gone',
      [1004, 3],
      [1000, 2000],
      'about the same GPU-hours as hpa and missed over 99 % fewer requests (3 against 2,000)',
    ],
    [
      'nearly as many misses',
      [900, 100_001],
      [1000, 100_000],
      '10 % fewer GPU-hours than hpa and missed about as many requests (100,001 against 100,000)',
    ],
    [
      'very many times the misses',
      [900, 2000],
      [1000, 3],
      '10 % fewer GPU-hours than hpa but missed 667 × as many requests (2,000 against 3)',
    ],
    ['equal cost', [1000, 0], [1000, 0], 'the same GPU-hours as hpa and neither missed a request'],
    ['a multiple of the cost', [2500, 0], [1000, 0], '2.5 × the GPU-hours of hpa and neither missed a request'],
    [
      'a peer that ran nothing',
      [5, 0],
      [0, 9],
      '5.0 GPU-hours against none of hpa but missed no request, where that peer missed 9',
    ],
  ])('words %s', (_, penstock, hpa, expected) => {
    expect(summarySentence(reportOf({ penstock, hpa }))).toContain(`Penstock used ${expected}`);
  });

  test('counts neither yardstick among the peers, and names both', () => {
    const sentence = summarySentence(reportOf({ penstock: [900, 0], optimum: [800, 0], windowRule: [880, 0] }));
    expect(sentence).toBe(
      "Penstock used 900.0 GPU-hours and missed 0 requests; its GPU-hours are 1.13 × those of the optimum (1.00 × the window rule's).",
    );
  });

  test('names the nearest when every peer missed more', () => {
    const sentence = summarySentence(reportOf({ penstock: [900, 1], hpa: [1000, 50], ray: [1400, 4] }));
    expect(sentence).toContain('no peer missed as few: the nearest, ray, missed 4 with 1,400.0 GPU-hours');
  });

  test('does without peers, without an optimum and without Penstock', () => {
    expect(summarySentence(reportOf({ penstock: [900, 3] }))).toBe(
      'Penstock used 900.0 GPU-hours and missed 3 requests.',
    );
    expect(summarySentence(reportOf({ penstock: [900, 3], optimum: [800, 0] }))).toBe(
      'Penstock used 900.0 GPU-hours and missed 3 requests; its GPU-hours are 1.13 × those of the optimum.',
    );
    expect(summarySentence(reportOf({ hpa: [900, 3] }))).toBe('Penstock was not part of this replay.');
  });
});

describe('numbers', () => {
  test('requestCountText does not call a part of a request none', () => {
    expect([0, 0.01, 0.6, 1234.4].map(requestCountText)).toEqual(['0', '<1', '1', '1,234']);
  });

  test('percentDown says 100 only where nothing is missing', () => {
    expect([1, 0.999_999_9, 0.999, 0.29, 0, Number.NaN].map(percentDown)).toEqual([
      '100.000',
      '99.999',
      '99.900',
      '29.000',
      '0.000',
      '–',
    ]);
  });

  test('decimal sets thousands apart and has a sign for what is no number', () => {
    expect([1_234_567.891, -1234.5, -0.001, Infinity, -Infinity, Number.NaN].map((value) => decimal(value, 2))).toEqual(
      ['1,234,567.89', '−1,234.50', '0.00', '∞', '−∞', '–'],
    );
  });

  test('decimalsFor gives the largest of a column about four digits', () => {
    expect([[1000, 1], [999, 1], [10, 2], [9], [], [Number.NaN]].map(decimalsFor)).toEqual([0, 1, 2, 3, 3, 3]);
  });

  test('duration names the two largest parts', () => {
    expect([0, 45, 90, 5400, 604_800, 90_060, 86_400 + 5].map(duration)).toEqual([
      '0 s',
      '45 s',
      '1 min 30 s',
      '1 h 30 min',
      '7 d',
      '1 d 1 h',
      '1 d',
    ]);
  });
});

/** `--fail-if`. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from '../../../lib/base/errors.ts';
import { failures, parseCondition } from '../../../lib/cli/simulate/fail-if.ts';
import type { PolicyFigures } from '../../../lib/simulator/report/types.ts';

const FIGURES = [
  'gpuHours',
  'costUsd',
  'requestCount',
  'sloMissCount',
  'sloAttainmentRatio',
  'ratioToOptimum',
  'ratioToWindowRule',
  'replicaStarts',
  'directionChanges',
  'replicasMax',
] as const;
const OPERATORS = ['<', '<=', '>', '>='] as const;

const policy: PolicyFigures = {
  gpuHours: 12.5,
  costUsd: 40,
  requestCount: 1_000,
  sloMissCount: 2,
  sloAttainmentRatio: 0.998,
  ratioToOptimum: 1.3,
  ratioToWindowRule: 1.2,
  waitSec: { p50: 0, p99: 1, max: 12 },
  replicaStarts: 5,
  directionChanges: 4,
  replicasMax: 3,
  settings: {},
};

const spaces = fc.constantFrom('', ' ', '  ', '\t');
const limits = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1_000_000 }),
  fc.double({ min: -1e9, max: 1e9, noNaN: true, noDefaultInfinity: true }),
);

describe('parseCondition', () => {
  test('reads every figure, operator and number, with spaces anywhere between', () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.constantFrom(...FIGURES), fc.constantFrom(...OPERATORS), limits, spaces, spaces),
        ([figure, operator, limit, before, between]) => {
          const text = `${before}${figure}${between}${operator}${between}${limit}${before}`;
          // A text has no -0.
          expect(parseCondition(text)).toEqual({ figure, operator, limit: limit === 0 ? 0 : limit });
        },
      ),
    );
  });

  test('refuses anything else with a ConfigError that quotes it, and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        let read: unknown;
        try {
          read = parseCondition(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          expect(String(error)).toContain(`"${text}"`);
          return;
        }
        expect(FIGURES.some((figure) => text.includes(figure))).toBe(true);
        expect(Number.isFinite((read as { limit: number }).limit)).toBe(true);
      }),
    );
  });

  test.each([
    '',
    'sloAttainmentRatio',
    'sloAttainmentRatio<',
    'sloAttainmentRatio=0.9',
    'sloAttainmentRatio==0.9',
    'sloAttainmentRatio<<0.9',
    'sloAttainmentRatio<0.9<1',
    'sloAttainmentRatio<99%',
    'sloAttainmentRatio<1e999',
    'sloAttainmentRatio<1-2',
    'sloAttainmentRatio<+-1',
    'sloAttainmentRatio<.',
    'waitSec<1',
    'toString<1',
    'constructor>0',
    'SLOATTAINMENTRATIO<0.9',
    '0.9>sloAttainmentRatio',
  ])('refuses %p and says which figures there are', (text) => {
    expect(() => parseCondition(text)).toThrow(
      `Cannot use --fail-if "${text}": expected FIGURE<NUMBER (or <=, >, >=), with a figure among gpuHours, costUsd`,
    );
  });
});

describe('failures', () => {
  test.each([
    ['sloAttainmentRatio<0.999', 1],
    ['sloAttainmentRatio<0.998', 0],
    ['sloAttainmentRatio<=0.998', 1],
    ['costUsd>39.99', 1],
    ['costUsd>40', 0],
    ['costUsd>=40', 1],
    ['sloMissCount>=3', 0],
  ])('of %s: %i', (text, count) => {
    expect(failures(policy, [parseCondition(text)])).toHaveLength(count);
  });

  test('say what held, one sentence for each, in order', () => {
    const conditions = ['costUsd>30', 'gpuHours>100', 'replicasMax>=3'].map(parseCondition);
    expect(failures(policy, conditions)).toEqual([
      'Failed: costUsd is 40, which is > 30',
      'Failed: replicasMax is 3, which is >= 3',
    ]);
  });
});

/** Guards the tests against a slow, busy machine: no honest answer is counted as late by the real clock. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/** Of a test, as `jest.config.mjs` says [ms]. */
const TEST_MS = 300_000;
/** Whoever measures real time from above leaves at least so much [ms]. */
const BOUND_MS_MIN = 30_000;

const RULES = [
  {
    what: 'an upper bound of real time that a busy machine may pass: take a virtual clock, an order of events, or processor time',
    found: (text: string) =>
      numbers(
        text,
        /\b(?:performance|Date|systemClock)\.(?:now|nowMs|monotonicMs)\(\) - \w+\)\.toBeLess\w*\(([\d_]+)\)/g,
      ),
    isBad: (ms: number) => ms < BOUND_MS_MIN,
  },
  {
    what: 'a limit of a test that is shorter than the default',
    found: (text: string) => numbers(text, /^\s*\}, ([\d_]+)\);$/gm),
    isBad: (ms: number) => ms >= 1_000 && ms < TEST_MS,
  },
];

function numbers(text: string, pattern: RegExp): readonly number[] {
  return [...text.matchAll(pattern)].map(([, digits = '']) => Number(digits.replaceAll('_', '')));
}

const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('bench/') && name !== 'patience.test.ts')
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }));

describe('tests on a slow machine', () => {
  test.each(RULES)('none has $what', ({ found, isBad }) => {
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter(({ text }) => found(text).some(isBad)).map(({ name }) => name)).toEqual([]);
  });

  test('the rules find what they look for', () => {
    const [bound, limit] = RULES.map(
      ({ found, isBad }) =>
        (text: string) =>
          found(text).filter(isBad),
    );
    expect(bound?.('expect(performance.now() - startMs).toBeLessThan(2_000);')).toEqual([2_000]);
    expect(bound?.('expect(clock.nowMs() - startMs).toBeLessThan(2_000);')).toEqual([]);
    expect(limit?.("test('x', () => {\n  }, 60_000);\n")).toEqual([60_000]);
    expect(limit?.('reduce((a, b) => {\n  }, 0);\n')).toEqual([]);
  });

  test('none tries once more: what fails now and then has a cause', () => {
    expect(files.filter(({ text }) => text.includes('retryTimes(')).map(({ name }) => name)).toEqual([]);
  });

  test('the limit of a test is that of the configuration', () => {
    const config = readFileSync(join(import.meta.dirname, '..', 'jest.config.mjs'), 'utf8');
    expect(numbers(config, /testTimeout: ([\d_]+)/g)).toEqual([TEST_MS]);
  });
});

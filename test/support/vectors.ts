/** Recorded series of the peers' own code: found outside of this repository, read, never copied into it. */
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One time series: what was fed to the original code, and what it answered at every step. */
export type VectorSeries<Config, Input, Expected> = {
  readonly algorithm: string;
  readonly series: string;
  readonly description: string;
  readonly config: Config;
  readonly steps: readonly { readonly tMs: number; readonly input: Input; readonly expect: Expected }[];
};

/** The folder of the vectors: `PENSTOCK_VECTORS`, else `../shared/vectors` beside the repository; undefined when that is not there.
 *  Throws when `PENSTOCK_VECTORS` names a folder that does not exist: whoever sets it wants the tests to run. */
export function vectorsFolder(): string | undefined {
  const named = process.env['PENSTOCK_VECTORS'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return resolve(named);
    throw new Error(`Cannot read the vectors: expected PENSTOCK_VECTORS to name a folder, current value is ${named}`);
  }
  const beside = resolve(import.meta.dirname, '../../../shared/vectors');
  return existsSync(beside) ? beside : undefined;
}

/** Series there are of each algorithm: an emptied folder must not pass. */
const SERIES_COUNT_MIN: Readonly<Record<string, number>> = {
  kubernetesHpaV2: 26,
  knativeKpa: 16,
  knativeWindows: 12,
  kedaKafka: 15,
  rayServe: 16,
  aibrixKpa: 7,
  aibrixApa: 6,
  wvaSaturationV1: 7,
  wvaSaturationV2: 6,
  dynamoLoadScaling: 13,
  dynamoPredictors: 8,
};

/** Registers one test for each series of `algorithm`, which calls `replay` with it; without vectors one skipped test that says why. */
export function testVectors<Config, Input, Expected>(
  algorithm: string,
  replay: (series: VectorSeries<Config, Input, Expected>) => void,
): void {
  const folder = vectorsFolder();
  describe(`the recorded series of ${algorithm}`, () => {
    if (folder === undefined) {
      test.skip(`are reproduced (skipped: no vectors here, name their folder in PENSTOCK_VECTORS)`, () => {});
      return;
    }
    const path = join(folder, algorithm);
    const files = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.json')) : [];
    test('are all there', () => expect(files.length).toBeGreaterThanOrEqual(SERIES_COUNT_MIN[algorithm] ?? 1));
    for (const file of files.toSorted()) {
      test(`${file} is reproduced at every step`, () => {
        const series = JSON.parse(readFileSync(join(path, file), 'utf8')) as VectorSeries<Config, Input, Expected>;
        expect(series.steps.length).toBeGreaterThan(0);
        replay(series);
      });
    }
  });
}

/** Expects two fractions to agree within `ratio` (default 1e-9) of the larger one, or null where null is expected.
 *  Below 1e-3 the tolerance is that of 1e-3: sums that cancel leave a rest. `where` names the value in the message. */
export function expectNear(
  actual: number | null,
  expected: number | null,
  { where, ratio = 1e-9 }: { readonly where: string; readonly ratio?: number },
): void {
  const isNear = actual === null || expected === null ? actual === expected : isWithin({ actual, expected }, ratio);
  if (!isNear) throw new Error(`${where}: expected ${expected} within a ratio of ${ratio}, current value is ${actual}`);
}

function isWithin(
  { actual, expected }: { readonly actual: number; readonly expected: number },
  ratio: number,
): boolean {
  return Math.abs(actual - expected) <= ratio * Math.max(Math.abs(actual), Math.abs(expected), 1e-3);
}

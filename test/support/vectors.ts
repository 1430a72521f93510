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

/** Registers one test for each series of `algorithm`, which calls `replay` with it; without vectors one skipped test that says why.
 *  `countMin`: series there must be at least, so that an emptied folder cannot pass. */
export function describeVectors<Config, Input, Expected>(
  options: { readonly algorithm: string; readonly countMin: number },
  replay: (series: VectorSeries<Config, Input, Expected>) => void,
): void {
  const { algorithm, countMin } = options;
  const folder = vectorsFolder();
  describe(`the recorded series of ${algorithm}`, () => {
    if (folder === undefined) {
      test.skip(`are reproduced (skipped: no vectors here, name their folder in PENSTOCK_VECTORS)`, () => {});
      return;
    }
    const path = join(folder, algorithm);
    const files = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.json')) : [];
    test(`are at least ${countMin}`, () => expect(files.length).toBeGreaterThanOrEqual(countMin));
    for (const file of files.toSorted()) {
      test(`${file} is reproduced at every step`, () => {
        const series = JSON.parse(readFileSync(join(path, file), 'utf8')) as VectorSeries<Config, Input, Expected>;
        expect(series.steps.length).toBeGreaterThan(0);
        replay(series);
      });
    }
  });
}

/** Whether two fractions agree: relative to the larger one. Zero agrees with what is below `ratio` itself, for sums that cancel. */
export function isClose(values: { readonly actual: number; readonly expected: number }, ratio: number): boolean {
  const { actual, expected } = values;
  const scale = Math.max(Math.abs(actual), Math.abs(expected), 1e-3);
  return Math.abs(actual - expected) <= ratio * scale;
}

/** Expects {@link isClose}, or null where null is expected; `what` names the value in the message. */
export function expectClose(
  values: { readonly what: string; readonly actual: number | null; readonly expected: number | null },
  ratio: number,
): void {
  const { what, actual, expected } = values;
  const agrees = actual === null || expected === null ? actual === expected : isClose({ actual, expected }, ratio);
  if (!agrees) throw new Error(`${what}: expected ${expected} within a ratio of ${ratio}, current value is ${actual}`);
}

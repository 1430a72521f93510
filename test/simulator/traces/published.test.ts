/** The published traces themselves, where somebody has put them. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Trace } from '../../../lib/simulator/traces/contract.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';

/** `PENSTOCK_TRACES`, else `../shared/traces` beside the repository; undefined when that is not there. */
function tracesFolder(): string | undefined {
  const named = process.env['PENSTOCK_TRACES'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`Cannot read the traces: expected PENSTOCK_TRACES to name a folder, current value is ${named}`);
  }
  const beside = join(dirname(fileURLToPath(import.meta.url)), '../../../../shared/traces');
  return existsSync(beside) ? beside : undefined;
}

/** Format, number of rows, span [s]. */
const KNOWN: Readonly<Record<string, readonly [string, number, number]>> = {
  'azure2023_conv.csv.gz': ['azure-llm', 19_366, 3_502],
  'azure2023_code.csv.gz': ['azure-llm', 8_819, 3_436],
  'azure2024_code_week.csv.gz': ['rate', 1_396, 604_367],
  'servegen_m-large_rate.csv.gz': ['rate', 2_016, 1_209_600],
  'servegen_m-large_requests.csv.gz': ['servegen', 1_149_885, 259_200],
  'gentd26_images_d0-13.csv.gz': ['image', 13_217, 1_148_529],
};

const folder = tracesFolder();
const files = folder === undefined ? [] : readdirSync(folder).filter((name) => /\.(csv|jsonl)(\.gz)?$/.test(name));

async function spanSec(trace: Trace): Promise<number> {
  if (trace.kind === 'rate') return trace.series.endMs / 1000;
  let lastMs = 0;
  for await (const batch of trace.batches()) {
    expect(batch.every(({ arrivalMs }, at) => arrivalMs >= (batch[at - 1]?.arrivalMs ?? lastMs))).toBe(true);
    lastMs = batch.at(-1)?.arrivalMs ?? lastMs;
  }
  return lastMs / 1000;
}

describe('published traces', () => {
  if (folder === undefined || files.length === 0) {
    test.skip('are read whole (skipped: no traces here, name their folder in PENSTOCK_TRACES)', () => {});
    return;
  }
  test.each(files)('%s is read whole', async (name) => {
    const trace = await openTrace(join(folder, name));
    const span = Math.round(await spanSec(trace));
    const counts = trace.counts();
    expect(counts.badLines).toBe(0);
    expect(counts.rows).toBeGreaterThan(0);
    const known = KNOWN[name];
    if (known !== undefined) expect([trace.format, counts.rows, span]).toEqual(known);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { TraceOptions, TraceSource } from '../../../lib/simulator/traces/contract.ts';
import { traceDigest } from '../../../lib/simulator/traces/digest.ts';
import { LINE_BYTES_MAX, linesOf } from '../../../lib/simulator/traces/lines.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { requestsOf } from '../../../lib/simulator/traces/requests-of.ts';
import { collect, gzipped, readRequests, textSource } from './support.ts';

const HEADER = 't,in_tok,out_tok';
const TWO = `${HEADER}\n0,1,2\n1,3,4\n`;
const TWO_READ = [
  { arrivalMs: 0, inputTokens: 1, outputTokens: 2 },
  { arrivalMs: 1000, inputTokens: 3, outputTokens: 4 },
];

describe('what a file may look like', () => {
  test('gzip is known by its content, also in several members', async () => {
    expect(await readRequests(gzipped(TWO))).toEqual(TWO_READ);
    const parts = Buffer.concat([gzipSync(TWO.slice(0, 20)), gzipSync(TWO.slice(20))]);
    expect(await readRequests(textSource(parts, 1))).toEqual(TWO_READ);
  });

  test('a byte order mark, CRLF, blank lines and a missing last line end change nothing', async () => {
    expect(await readRequests(`\ufeff${HEADER}\r\n\r\n0,1,2\r\n\n1,3,4`)).toEqual(TWO_READ);
  });

  test('a path is read from the disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-trace-'));
    try {
      writeFileSync(join(folder, 'a.csv.gz'), gzipSync(TWO));
      const trace = await openTrace(join(folder, 'a.csv.gz'));
      expect(await collect(requestsOf(trace, { seed: 1 }))).toEqual(TWO_READ);
      await expect(openTrace(join(folder, 'none.csv'))).rejects.toThrow(/Cannot read trace ".*none\.csv": .*ENOENT/);
      await expect(openTrace(folder)).rejects.toThrow(/Cannot read trace .*EISDIR/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('lines do not depend on how bytes are cut into chunks', async () => {
    const text = fc.array(fc.constantFrom('a', 'é', '€', '\n', '\r\n', ','), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (parts, chunkBytes) => {
        const whole = parts.join('');
        const batches = await collect(linesOf(textSource(whole, chunkBytes).bytes()));
        const lines = whole.split('\n').map((line) => line.replace(/\r$/, ''));
        expect(batches.flatMap((batch) => batch.lines).join('|')).toBe(
          (whole.endsWith('\n') || whole === '' ? lines.slice(0, -1) : lines).join('|'),
        );
        let next = 1;
        for (const batch of batches) {
          expect(batch.firstLine).toBe(next);
          next += batch.lines.length;
        }
      }),
    );
  });
});

describe('what is refused', () => {
  test.each([
    ['an empty file', '', 'expected lines, current value is "" (an empty file)'],
    ['blank lines only', '\n\n', '(an empty file)'],
    ['a header alone', HEADER, 'expected at least one line in the file, current value is 0'],
    ['an unknown header', 'a,b\n1,2\n', 'Cannot recognise the format of trace "test.csv"'],
  ])('%s', async (_, text, message) => {
    await expect(readRequests(text)).rejects.toThrow(message);
  });

  test('a cut-off gzip file', async () => {
    const whole = gzipSync(TWO.repeat(100));
    await expect(readRequests(textSource(whole.subarray(0, whole.length - 20)))).rejects.toThrow(
      /Cannot read trace "test.csv": .*unexpected end of file/,
    );
  });

  test('an unknown format and the header of another one', async () => {
    await expect(readRequests(TWO, { format: 'csv' })).rejects.toThrow(
      'expected a format among auto, mooncake, azure-llm',
    );
    await expect(readRequests(TWO, { format: 'azure-llm' })).rejects.toThrow(
      'Cannot read trace "test.csv" as azure-llm: expected a header such as "TIMESTAMP,ContextTokens,GeneratedTokens", current value is "t,in_tok,out_tok"',
    );
  });

  test('a bad line, with its value escaped and cut', async () => {
    const line = `0,1,\u001b[31m${'x'.repeat(500)}`;
    const error = await readRequests(`${HEADER}\n0,1,2\n${line}\n`).catch((thrown: unknown) => thrown);
    const message = (error as Error).message;
    expect(message).toContain(
      'Cannot read trace "test.csv" line 3: expected a whole number of tokens, current value is "out_tok:',
    );
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(250);
  });
});

describe('skipBadLines', () => {
  test('counts them and keeps the first', async () => {
    const trace = await openTrace(textSource(`${HEADER}\nx,1,2\n0,1,2\nnonsense\n1,3,4\n`), { skipBadLines: true });
    expect(await collect(requestsOf(trace, { seed: 1 }))).toEqual(TWO_READ);
    expect(trace.counts()).toMatchObject({ lines: 5, rows: 2, badLines: 2 });
    expect(trace.counts().firstBadLine).toContain('line 2');
  });

  test('does not hide that nothing was left', async () => {
    await expect(readRequests(`${HEADER}\nx\n`, { skipBadLines: true })).rejects.toThrow('expected at least one line');
  });

  test('passes over a line without an end, and reads on behind it', async () => {
    const huge = 'z'.repeat(LINE_BYTES_MAX * 3);
    const text = `${HEADER}\n0,1,2\n${huge}\n1,3,4\n`;
    await expect(readRequests(textSource(Buffer.from(text), 65_536))).rejects.toThrow(
      `line 3: expected a line of at most ${LINE_BYTES_MAX} bytes`,
    );
    expect(await readRequests(textSource(Buffer.from(text), 65_536), { skipBadLines: true })).toEqual(TWO_READ);
    expect(await readRequests(textSource(Buffer.from(text), 1e9), { skipBadLines: true })).toEqual(TWO_READ);
  });
});

describe('order of time', () => {
  test('lines up to a minute late are put in order, equal times stay in the order of the file', async () => {
    const requests = await readRequests(`${HEADER}\n100,1,1\n40,2,2\n100,3,3\n99,4,4\n`);
    expect(requests.map(({ arrivalMs, inputTokens }) => [arrivalMs / 1000, inputTokens])).toEqual([
      [0, 2],
      [59, 4],
      [60, 1],
      [60, 3],
    ]);
  });

  test('a line that is later than that is a bad line', async () => {
    const text = `${HEADER}\n100,1,1\n39,2,2\n`;
    await expect(readRequests(text)).rejects.toThrow('line 3: expected a time at most 60 s before the newest line');
    expect(await readRequests(text, { skipBadLines: true })).toHaveLength(1);
  });
});

describe('from and to', () => {
  const dated =
    'timestamp,input_tokens,output_tokens\n2026-01-01T00:00:00Z,1,1\n2026-01-01T00:01:00Z,2,2\n2026-01-01T00:02:00Z,3,3\n';
  const counted = `${HEADER}\n600,1,1\n660,2,2\n720,3,3\n`;

  test.each([
    ['seconds since the first line, where there are dates', dated, { from: 60, to: 120 }],
    ['times, where there are dates', dated, { from: '2026-01-01T00:01:00Z', to: '2026-01-01T00:02:00Z' }],
    ['the seconds of the file itself', counted, { from: 660, to: '720' }],
  ])('%s', async (_, text, options) => {
    expect(await readRequests(text, options)).toEqual([{ arrivalMs: 0, inputTokens: 2, outputTokens: 2 }]);
  });

  test('without a start, times count from the first request', async () => {
    expect((await readRequests(counted, { to: 700 })).map(({ arrivalMs }) => arrivalMs)).toEqual([0, 60_000]);
  });

  test.each([
    [{ from: '2026-01-01T00:00:00Z' }, 'expected seconds, because the trace has no dates'],
    [{ from: 'yesterday' }, 'expected seconds, or a time such as'],
    [{ from: 700, to: 650 }, 'expected an end after the start (700)'],
    [{ from: 1e6 }, 'expected at least one line between --from and --to'],
  ])('%j is refused', async (options, message) => {
    await expect(readRequests(counted, options)).rejects.toThrow(message);
  });

  test('a rate series keeps the rates at its edges', async () => {
    const trace = await openTrace(textSource('t,rps\n0,1\n600,2\n1200,3\n1800,4\n'), { from: 900, to: 1500 });
    if (trace.kind !== 'rate') throw new Error('expected a rate series');
    expect([...trace.series.startMs]).toEqual([-300_000, 300_000, 900_000]);
    expect([...trace.series.requestsPerSec]).toEqual([2, 3, 4]);
    expect(trace.series.endMs).toBe(600_000);
  });
});

/** 650,000 lines that exist only while they are read; `taken` counts the chunks asked for. */
function countingSource(): { source: TraceSource; taken: () => number; chunks: number } {
  const [chunks, perChunk] = [40, 16_384];
  let taken = 0;
  const source: TraceSource = {
    name: 'generated',
    bytes: async function* () {
      yield Promise.resolve(Buffer.from(`${HEADER}\n`));
      for (let chunk = 0; chunk < chunks; chunk++) {
        taken++;
        const lines = Array.from({ length: perChunk }, (_, at) => `${chunk}.${String(at).padStart(5, '0')},10,1`);
        yield Promise.resolve(Buffer.from(`${lines.join('\n')}\n`));
      }
    },
  };
  return { source, taken: () => taken, chunks };
}

describe('memory', () => {
  test('a long trace is read no further than its requests are taken, up to the minute that orders lines', async () => {
    const { source, taken, chunks } = countingSource();
    const trace = await openTrace(source);
    const before = taken();
    let requests = 0;
    let aheadMax = 0;
    for await (const request of requestsOf(trace, { seed: 1 })) {
      requests++;
      // A chunk is a second of this trace; 200,000 rows at most wait to be put in order, here 12 chunks.
      if (requests % 10_000 === 0) aheadMax = Math.max(aheadMax, taken() - before - request.arrivalMs / 1000);
    }
    expect(requests).toBe(chunks * 16_384);
    expect(aheadMax).toBeLessThan(16);
  });

  test('a reader that stops early stops the source', async () => {
    const { source, taken } = countingSource();
    const trace = await openTrace(source, { to: 3 });
    const before = taken();
    expect((await collect(requestsOf(trace, { seed: 1 }))).length).toBe(3 * 16_384);
    expect(taken() - before).toBeLessThan(20);
    let closed = false;
    const closing: TraceSource = {
      name: 'closing',
      bytes: async function* () {
        try {
          for (;;) yield Promise.resolve(Buffer.from(TWO));
        } finally {
          closed = true;
        }
      },
    };
    await openTrace(closing);
    expect(closed).toBe(true);
  });
});

async function digest(source: TraceSource, options: TraceOptions = {}): Promise<string> {
  return traceDigest(await openTrace(source, options));
}

describe('traceDigest', () => {
  test('names content and options, not the file or its compression', async () => {
    const plain = await digest(textSource(TWO));
    expect(plain).toMatch(/^[0-9a-f]{64}$/);
    expect(await digest({ ...gzipped(TWO), name: 'other' }, { format: 'servegen' })).toBe(plain);
    expect(await digest(textSource(`${TWO}2,1,1\n`))).not.toBe(plain);
    expect(await digest(textSource(TWO), { from: 0 })).not.toBe(plain);
    expect(await digest(textSource(TWO), { skipBadLines: true })).not.toBe(plain);
  });
});

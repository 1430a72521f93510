import { describe, expect, test } from '@jest/globals';
import type { TraceOptions } from '../../../lib/simulator/traces/contract.ts';
import { detectFormat, traceFormats } from '../../../lib/simulator/traces/index.ts';
import { openTrace } from '../../../lib/simulator/traces/open-trace.ts';
import { readRequests, textSource } from './support.ts';

const AZURE = 'TIMESTAMP,ContextTokens,GeneratedTokens';

describe('azure-llm', () => {
  test('2023: local times with seven digits and CRLF', async () => {
    const text = `${AZURE}\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8`;
    const requests = await readRequests(text);
    expect(requests.map(({ inputTokens, outputTokens }) => [inputTokens, outputTokens])).toEqual([
      [4808, 10],
      [3180, 8],
    ]);
    expect(requests[0]?.arrivalMs).toBe(0);
    // A double holds a quarter of a microsecond.
    expect(requests[1]?.arrivalMs).toBeCloseTo(52, 3);
  });

  test('2024: a zone, and no fraction when it is zero', async () => {
    const text = `${AZURE}\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,2399,6\n2024-05-10 02:00:02+02:00,1,1\n`;
    const requests = await readRequests(text);
    expect(requests.map(({ arrivalMs }) => Math.round(arrivalMs * 100) / 100)).toEqual([0, 990.07, 1990.07]);
  });

  test.each([
    [
      'a date that does not exist',
      '2023-02-30 00:00:00,1,1',
      'expected a time (iso), current value is "TIMESTAMP: 2023-02-30 00:00:00"',
    ],
    ['a number instead of a date', '17,1,1', 'expected a time (iso)'],
    ['a column too few', '2023-11-16 18:17:03,1', 'expected 3 columns (TIMESTAMP,ContextTokens,GeneratedTokens)'],
    [
      'tokens below zero',
      '2023-11-16 18:17:03,-1,1',
      'expected a whole number of tokens, current value is "ContextTokens: -1"',
    ],
    ['half a token', '2023-11-16 18:17:03,1,0.5', 'expected a whole number of tokens'],
    ['hexadecimal tokens', '2023-11-16 18:17:03,0x10,1', 'expected a whole number of tokens'],
    ['no tokens', '2023-11-16 18:17:03,,1', 'expected a whole number of tokens'],
  ])('refuses %s', async (_, line, message) => {
    await expect(readRequests(`${AZURE}\n${line}\n`)).rejects.toThrow(
      `Cannot read trace "test.csv" line 2: ${message}`,
    );
  });
});

test('burstgpt: seconds, with and without the columns of newer files; a failed request has no output', async () => {
  const old =
    'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,10,0,10,API log\n';
  expect(await readRequests(old)).toEqual([
    { arrivalMs: 0, inputTokens: 472, outputTokens: 18 },
    { arrivalMs: 40_000, inputTokens: 10, outputTokens: 0 },
  ]);
  const newer =
    'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n0,"a,b",1,GPT-4,100.0,10,110,API log\n';
  expect(await readRequests(newer)).toEqual([{ arrivalMs: 0, inputTokens: 100, outputTokens: 10 }]);
});

test('mooncake: milliseconds and lengths of JSON lines; hashes are passed over', async () => {
  const text =
    '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n{"timestamp": 3052, "input_length": 7, "output_length": 1, "hash_ids": []}\n';
  expect(await readRequests(text)).toEqual([
    { arrivalMs: 0, inputTokens: 6758, outputTokens: 500 },
    { arrivalMs: 3052, inputTokens: 7, outputTokens: 1 },
  ]);
});

test.each([
  ['{"timestamp": 0, "input_length": 1}', 'expected output_length, a whole number of tokens, current value is missing'],
  ['{"timestamp": "0", "input_length": 1, "output_length": 1}', 'expected timestamp in ms, current value is "0"'],
  ['{"timestamp": 0, "input_length": 1, "output', 'expected a line such as {"timestamp": 0'],
  ['[1]', 'expected a line such as'],
  ['null', 'expected a line such as'],
])('mooncake refuses %s', async (line, message) => {
  const good = '{"timestamp": 0, "input_length": 1, "output_length": 1}';
  await expect(readRequests(`${good}\n${line}\n`)).rejects.toThrow(`Cannot read trace "test.csv" line 2: ${message}`);
});

test('servegen: seconds since the start', async () => {
  expect(await readRequests('t,in_tok,out_tok\n0.0,208,71\n0.25,392,41\n')).toEqual([
    { arrivalMs: 0, inputTokens: 208, outputTokens: 71 },
    { arrivalMs: 250, inputTokens: 392, outputTokens: 41 },
  ]);
});

test('image: run times; a request that never ran is counted, not replayed', async () => {
  const trace = await openTrace(textSource('t,exec_s,status\n10,32.0,SUCCEED\n11,,PENDING\n12,4,FAILED\n'));
  if (trace.kind !== 'requests') throw new Error('expected requests');
  const all = [];
  for await (const batch of trace.batches()) all.push(...batch);
  expect(all).toEqual([
    { arrivalMs: 0, inputTokens: 0, outputTokens: 0, execSec: 32 },
    { arrivalMs: 2_000, inputTokens: 0, outputTokens: 0, execSec: 4 },
  ]);
  expect(trace.counts()).toMatchObject({ rows: 2, emptyLines: 1, badLines: 0 });
});

describe('requests', () => {
  test.each([
    ['ISO times', 'timestamp,input_tokens,output_tokens', ['2026-01-02T03:04:05Z', '2026-01-02T03:04:06.5Z']],
    ['epoch seconds', 'timestamp,prompt_tokens,completion_tokens', ['1767323045', '1767323046.5']],
    ['epoch milliseconds', 'time,input_tokens,output_tokens', ['1767323045000', '1767323046500']],
    ['epoch microseconds', 't,input_tokens,output_tokens', ['1767323045000000', '1767323046500000']],
    ['seconds', 't,input_tokens,output_tokens', ['0', '1.5']],
    ['milliseconds by name', 't_ms,input_tokens,output_tokens', ['0', '1500']],
  ])('takes %s', async (_, header, [first, second]) => {
    const requests = await readRequests(`${header}\n${first},10,1\n${second},20,2\n`, { format: 'requests' });
    expect(requests).toEqual([
      { arrivalMs: 0, inputTokens: 10, outputTokens: 1 },
      { arrivalMs: 1500, inputTokens: 20, outputTokens: 2 },
    ]);
  });

  test('take a time column by name and unit', async () => {
    const text = 'ts,who,input_tokens,output_tokens\n0,a,1,1\n30,b,2,2\n';
    const requests = await readRequests(text, { format: 'requests', timeColumn: 'TS', timeUnit: 'min' });
    expect(requests.map(({ arrivalMs }) => arrivalMs)).toEqual([0, 1_800_000]);
  });
});

async function series(text: string, options: TraceOptions = {}): Promise<number[][]> {
  const trace = await openTrace(textSource(text), options);
  if (trace.kind !== 'rate') throw new Error('expected a rate series');
  return [[...trace.series.startMs], [...trace.series.requestsPerSec]];
}

describe('rate', () => {
  test.each([
    ['per second', 't,rps\n0,2\n10,4\n', {}, [0, 10_000], [2, 4]],
    [
      'per minute over hours, the middle of three',
      't_h,rpm_lo,rpm_hi,rpm_mid\n0.5,1,9,60\n1,1,9,120\n',
      {},
      [0, 1_800_000],
      [1, 2],
    ],
    [
      'per hour and ISO times',
      'hour,requests_per_hour\n2026-01-01T00:00,3600\n2026-01-01T01:00,7200\n',
      {},
      [0, 3_600_000],
      [1, 2],
    ],
    ['counts per interval', 't,count\n0,10\n5,20\n10,30\n', {}, [0, 5_000, 10_000], [2, 4, 6]],
    [
      'named columns',
      'when,n\n0,60\n1,120\n',
      { timeColumn: 'when', timeUnit: 'min', rateColumn: 'n', rateUnit: 'min' },
      [0, 60_000],
      [1, 2],
    ],
  ] as const)('%s', async (_, text, options, startMs, perSec) => {
    expect(await series(text, options)).toEqual([startMs, perSec]);
  });

  test('an unknown rate is a gap, not zero', async () => {
    const text = 't,rps\n0,2\n10,2\n20,NaN\n30,\n40,NaN\n50,2\n60,2\n';
    const trace = await openTrace(textSource(text));
    if (trace.kind !== 'rate') throw new Error('expected a rate series');
    expect([...trace.series.requestsPerSec]).toEqual([2, 2, 2, 2]);
    expect(trace.series.gapCount).toBe(1);
    expect(trace.counts()).toMatchObject({ rows: 4, emptyLines: 3 });
  });

  test.each([
    ['a rate column without a unit', 't,n\n0,1\n1,1\n', { rateColumn: 'n' }, '--rate-unit'],
    ['rates below zero', 't,rps\n0,-1\n1,1\n', {}, 'line 2: expected a rate from 0'],
    ['points out of order', 't,rps\n5,1\n0,1\n', {}, 'line 3: expected a time at most 0 s before'],
    ['two points at one time', 't,rps\n5,1\n5,1\n', {}, 'expected one point per time'],
    ['a single point', 't,rps\n5,1\n', {}, 'expected at least two points'],
    ['a header alone', 't,rps\n', {}, 'expected at least one line in the file'],
  ])('refuses %s', async (_, text, options, message) => {
    await expect(series(text, options)).rejects.toThrow(message);
  });
});

describe('detectFormat', () => {
  test.each([
    ['azure-llm', AZURE],
    ['burstgpt', 'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type'],
    ['mooncake', '{"timestamp":0,"input_length":1,"output_length":1}'],
    ['servegen', 't,in_tok,out_tok'],
    ['image', 't,exec_s,type,status'],
    ['requests', 'timestamp,input_tokens,output_tokens'],
    ['rate', 't,rps,clients,cv_w,mean_in,mean_out,len_cover'],
    ['rate', 't_h,rpm_lo,rpm_hi,rpm_mid'],
  ])('knows %s by its first line', (name, line) => {
    expect(detectFormat(['', line])?.name).toBe(name);
  });

  test('knows nothing else', () => {
    for (const line of ['', 'a,b,c', '{}', '1,2,3', 't,x']) expect(detectFormat([line])).toBeNull();
  });

  test('every format has the name it is listed under', () => {
    for (const [name, format] of Object.entries(traceFormats)) expect(format.name).toBe(name);
  });
});

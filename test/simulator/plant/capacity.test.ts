import { describe, expect, test } from '@jest/globals';
import {
  concurrencyAt,
  drainSecOf,
  mixOf,
  serviceLevelOf,
  workReplicaSecOf,
} from '../../../lib/simulator/plant/capacity.ts';
import { REPLICA_CLASSES, replicaClassOf } from '../../../lib/simulator/plant/replica-classes.ts';

const levelOf = (name: string, inputTokens: number, outputTokens: number) =>
  serviceLevelOf(replicaClassOf(name), mixOf([{ inputTokens, outputTokens }]));

describe('the sustained rate of one replica', () => {
  // Mean lengths of published traces, and the rates and concurrencies that the four classes sustain with steps of at most 100 ms.
  const TABLE: readonly (readonly [number, number, Readonly<Record<string, readonly [number, number]>>])[] = [
    [1155, 211, { A: [17.8, 128], B: [9.7, 128], C: [2.9, 61], D: [7.4, 157] }],
    [2048, 28, { A: [15.7, 44], B: [9.1, 25], C: [2.0, 5], D: [5.9, 16] }],
    [924, 142, { A: [25.0, 128], B: [14.1, 128], C: [4.0, 56], D: [9.8, 139] }],
    [1268, 1527, { A: [3.7, 128], B: [1.7, 128], C: [0.77, 117], D: [2.3, 256] }],
    [12035, 343, { A: [1.6, 34], B: [0.83, 28], C: [0.24, 8], D: [0.97, 33] }],
  ];
  const cases = TABLE.flatMap(([input, output, row]) =>
    Object.entries(row).map(([name, [rate, concurrency]]) => ({ name, input, output, rate, concurrency })),
  );

  test.each(cases)('class $name with $input in and $output out: $rate/s ($concurrency at once)', (row) => {
    const level = levelOf(row.name, row.input, row.output);

    expect(Math.abs(level.requestsPerSec / row.rate - 1)).toBeLessThan(0.03);
    expect(Math.abs(level.concurrency - row.concurrency)).toBeLessThanOrEqual(1);
    expect(level.stepMs).toBeLessThanOrEqual(100);
  });

  test('of a serial class is one over the mean execution time', () => {
    const mix = mixOf([
      { inputTokens: 0, outputTokens: 0, execSec: 20 },
      { inputTokens: 0, outputTokens: 0, execSec: 30 },
    ]);

    expect(serviceLevelOf(replicaClassOf('G'), mix)).toMatchObject({ requestsPerSec: 1 / 25, concurrency: 1 });
  });

  test('is refused for requests too large for the memory of the class', () => {
    expect(() => levelOf('C', 600_000, 10)).toThrow(/class "C".*at most 412000 tokens.*600010 on average/);
  });
});

test('prompts too long for the step are served one at a time', () => {
  expect(levelOf('C', 60_000, 20)).toMatchObject({ concurrency: 1, boundBy: 'step' });
});

describe('the work of requests', () => {
  const requests = [
    { inputTokens: 100, outputTokens: 500 },
    { inputTokens: 4000, outputTokens: 20 },
    { inputTokens: 900, outputTokens: 1 },
  ];

  test.each(Object.keys(REPLICA_CLASSES).filter((name) => name !== 'G'))(
    'of class %s is one replica-second per second at the sustained rate',
    (name) => {
      const level = serviceLevelOf(replicaClassOf(name), mixOf(requests));
      const mean = requests.reduce((sum, request) => sum + workReplicaSecOf(level, request), 0) / requests.length;

      expect(mean * level.requestsPerSec).toBeCloseTo(1, 9);
    },
  );

  test('grows with both lengths', () => {
    const level = levelOf('B', 1000, 200);
    const work = workReplicaSecOf(level, { inputTokens: 1000, outputTokens: 200 });

    expect(workReplicaSecOf(level, { inputTokens: 1001, outputTokens: 200 })).toBeGreaterThan(work);
    expect(workReplicaSecOf(level, { inputTokens: 1000, outputTokens: 201 })).toBeGreaterThan(work);
  });
});

describe('concurrency below the service level', () => {
  const level = levelOf('B', 1155, 211);

  test('is nothing without load and the service level at full load', () => {
    expect(concurrencyAt(level, 0)).toBe(0);
    expect(concurrencyAt(level, 1)).toBeCloseTo(128, 9);
    expect(concurrencyAt(level, 3)).toBeCloseTo(128, 9);
  });

  test('is what Little says for the shorter steps of half the load', () => {
    const running = concurrencyAt(level, 0.5);
    const stepMs = 9.9 + running * (0.132 * 1.2605 + (0.0446 * 1155) / 211);

    expect(running).toBeCloseTo((0.5 * level.requestsPerSec * 211 * stepMs) / 1000, 6);
  });

  test('a drain takes no time without load and about a request at full load', () => {
    expect(drainSecOf(level, 0)).toBe(0);
    expect(drainSecOf(level, 1)).toBeGreaterThan(level.serviceSec / 2);
    expect(drainSecOf(level, 1)).toBeLessThan(level.serviceSec * 2);
  });
});

test('an unknown class is refused with the names there are', () => {
  expect(() => replicaClassOf('Z')).toThrow(/"Z".*A, B, C, D, E, F, G/);
});

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { INTERVAL_MS_MAX, INTERVAL_MS_MIN } from '../../events/schema/common.ts';
import { inferenceLoadSchema } from '../../events/schema/inference-load.ts';
import { queueDepthSchema } from '../../events/schema/queue-depth.ts';
import { type Fields, problemOf } from '../../events/validate.ts';
import { inferenceLoad, queueDepth } from './builders.ts';

/** The rules said a second time: the schemas, and the cross-field rules in the plainest words. */
function isValidBySchema(fields: Fields): boolean {
  const load = inferenceLoadSchema.safeParse(fields);
  const queue = queueDepthSchema.safeParse(fields);
  const event = load.success ? load.data : queue.success ? queue.data : undefined;
  if (event === undefined) return false;
  const lengthMs = event.intervalEndMs - event.intervalStartMs;
  if (lengthMs < INTERVAL_MS_MIN || lengthMs > INTERVAL_MS_MAX) return false;
  if ('depth' in event) return /^(queue|kafka)\//.test(event.source);
  if (!/^(pod|gateway)\//.test(event.source)) return false;
  if (event.ttftMs !== undefined) {
    const { bounds, counts } = event.ttftMs;
    if (counts.length !== bounds.length + 1) return false;
    if (bounds.some((bound, at) => at > 0 && bound <= (bounds[at - 1] ?? 0))) return false;
  }
  const groups = [event.requests, event.tokens, event.utilization];
  const measures = [
    event.ready,
    event.inFlight,
    event.queued,
    event.ttftMs,
    ...groups.flatMap((g) => Object.values(g ?? {})),
  ];
  return measures.some((measure) => measure !== undefined);
}

const odd = fc.oneof(
  fc.constantFrom(null, true, '', 'x', -1, -0, 0, 0.5, 1, 1.0000001, 1e9, 1e9 + 1, 1e21, 5e-324, 2 ** 53, 1e12, 1e13),
  fc.constantFrom(
    [],
    {},
    [1],
    { input: 1 },
    { bounds: [1], counts: [1, 2] },
    'pod/',
    'gateway/a',
    'queue/a',
    'Ä',
    'a-',
    '-a',
    'a.b',
    'pod/\u0007',
    'pod/\u0085',
  ),
  fc.constantFrom(
    { bounds: [2, 1], counts: [0, 0, 0] },
    { bounds: [1, 1], counts: [0, 0, 0] },
    { bounds: [1, 2], counts: [0, 0] },
  ),
  fc.string({ maxLength: 300, unit: 'binary' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
);

type Mutation = { readonly path: readonly string[]; readonly value: unknown; readonly kind: 'set' | 'remove' };

const names = [
  'schema',
  'workload',
  'source',
  'intervalStartMs',
  'intervalEndMs',
  'ready',
  'inFlight',
  'queued',
  'requests',
  'tokens',
  'utilization',
  'ttftMs',
  'depth',
  'oldestAgeMs',
  'enqueued',
  'dequeued',
  'work',
  'more',
];
const memberNames = [
  'arrived',
  'completed',
  'failed',
  'cancelled',
  'input',
  'output',
  'gpuRatio',
  'kvCacheRatio',
  'bounds',
  'counts',
  'unit',
  'queued',
  'enqueued',
  'more',
  '0',
  '1',
];

const mutation: fc.Arbitrary<Mutation> = fc.record({
  path: fc
    .tuple(fc.constantFrom(...names), fc.option(fc.constantFrom(...memberNames), { nil: undefined, freq: 2 }))
    .map((path) => path.filter((name): name is string => name !== undefined)),
  value: odd,
  kind: fc.constantFrom('set', 'set', 'remove'),
});

function mutate(event: Fields, mutations: readonly Mutation[]): Fields {
  const copy = JSON.parse(JSON.stringify(event)) as Record<string, unknown>;
  for (const { path, value, kind } of mutations) {
    let at: Record<string, unknown> = copy;
    for (const name of path.slice(0, -1)) {
      const next = at[name];
      if (typeof next !== 'object' || next === null) break;
      at = next as Record<string, unknown>;
    }
    const last = path.at(-1) ?? 'more';
    if (kind === 'remove') delete at[last];
    else at[last] = structuredClone(value);
  }
  return JSON.parse(JSON.stringify(copy)) as Fields;
}

const partial = fc.constantFrom(
  'inFlight',
  'queued',
  'requests',
  'tokens',
  'utilization',
  'ttftMs',
  'ready',
  'work',
  'enqueued',
);

describe('problemOf', () => {
  test('gives the verdict of the Zod schemas and the cross-field rules on valid and mutated events', () => {
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(
        fc.constantFrom<Fields>(inferenceLoad(), queueDepth()),
        fc.array(partial, { maxLength: 9 }),
        fc.array(mutation, { maxLength: 3 }),
        (event, removed, mutations) => {
          const slim = Object.fromEntries(
            Object.entries(event).filter(([name]) => !removed.some((other) => other === name)),
          );
          const fields = mutate(slim, mutations);
          const problem = problemOf(fields);
          if (problem === null) accepted++;
          else refused++;
          expect({ problem, isValid: problem === null }).toEqual({ problem, isValid: isValidBySchema(fields) });
        },
      ),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
    expect(refused).toBeGreaterThan(1_000);
  });

  test('accepts whatever the Zod schemas describe', () => {
    const gauge = fc.double({ min: 0, max: 1e9, noNaN: true });
    const count = fc.nat({ max: 1e9 });
    const length = fc.integer({ min: INTERVAL_MS_MIN, max: INTERVAL_MS_MAX });
    fc.assert(
      fc.property(gauge, count, length, fc.double({ min: 0, max: 1, noNaN: true }), (value, whole, lengthMs, ratio) => {
        const start = inferenceLoad().intervalStartMs;
        const load = inferenceLoad({
          inFlight: value,
          queued: value,
          requests: { arrived: whole },
          utilization: { gpuRatio: ratio },
          intervalEndMs: start + lengthMs,
        });
        expect(problemOf(load)).toBeNull();
        expect(isValidBySchema(load)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['inFlight', inferenceLoad({ inFlight: -1 }), 'inFlight is -1, expected a number from 0 to 1000000000'],
    [
      'requests',
      inferenceLoad({ requests: { arrived: 1.5 } }),
      'requests.arrived is 1.5, expected a whole number from 0 to 1000000000',
    ],
    [
      'interval',
      inferenceLoad({ intervalEndMs: 1_763_920_800_100 }),
      'the interval lasts 100 ms, expected 500 to 60000',
    ],
    [
      'seconds for milliseconds',
      inferenceLoad({ intervalStartMs: 1_763_920_800 }),
      'intervalStartMs is 1763920800, expected epoch milliseconds',
    ],
    [
      'source of a queue',
      inferenceLoad({ source: 'queue/x' }),
      'source is "queue/x", expected pod/NAME or gateway/NAME',
    ],
    [
      'version',
      { ...inferenceLoad(), schema: 'penstock.inference-load/2' },
      'schema is "penstock.inference-load/2", expected "penstock.inference-load/1" or "penstock.queue-depth/1"',
    ],
    [
      'workload',
      queueDepth({ workload: 'Llama' }),
      'workload is "Llama", expected lower-case letters, digits, "-" and ".", at most 253',
    ],
  ])('says what is wrong, what is allowed and what it is now: %s', (_, event, reason) => {
    expect(problemOf(event as Fields)).toBe(reason);
  });

  test('refuses an event without a measure, an empty group is none', () => {
    const { schema, workload, source, intervalStartMs, intervalEndMs } = inferenceLoad();
    const bare = { schema, workload, source, intervalStartMs, intervalEndMs };
    expect(problemOf(bare)).toContain('no measure');
    expect(problemOf({ ...bare, requests: {}, tokens: { more: 1 } })).toContain('no measure');
    expect(problemOf({ ...bare, tokens: { input: 0 } })).toBeNull();
  });
});

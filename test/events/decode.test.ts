import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { type Decoded, decodeRecord, type RawRecord } from '../../events/decode.ts';
import { AHEAD_MS_MAX, BEHIND_MS_MAX, DEPTH_MAX, RECORD_AHEAD_MS_MAX, VALUE_BYTES_MAX } from '../../events/rules.ts';
import { RING_MS } from '../../lib/core/window/load-window.ts';
import { inferenceLoad, queueDepth, record, START_MS } from './builders.ts';

const decode = (raw: RawRecord): Decoded => decodeRecord(raw, { nowMs: START_MS + 10_000 });

function reasonOf(decoded: Decoded): string {
  return decoded.kind === 'bad' ? decoded.reason : `not bad but ${decoded.kind}`;
}

describe('decodeRecord', () => {
  test('reads plain JSON, whatever further fields it has', () => {
    const load = inferenceLoad();
    expect(decode(record(load))).toEqual({ kind: 'event', event: load, clampedMs: 0 });
    expect(decode(record(queueDepth()))).toEqual({ kind: 'event', event: queueDepth(), clampedMs: 0 });
    expect(decode(record({ ...load, region: { name: 'eu', tags: ['a'] } })).kind).toBe('event');
  });

  test('reads CloudEvents in structured mode, by content type or by specversion', () => {
    const envelope = {
      specversion: '1.0',
      id: '1',
      source: '/x',
      type: 'penstock.inference-load',
      data: inferenceLoad(),
    };
    expect(decode(record(envelope))).toMatchObject({ kind: 'event', event: inferenceLoad() });
    const headers = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
    expect(decode(record({ ...envelope, datacontenttype: 'application/json' }, { headers })).kind).toBe('event');
    const { data, ...rest } = envelope;
    const base64 = Buffer.from(JSON.stringify(data)).toString('base64');
    expect(decode(record({ ...rest, data_base64: base64 })).kind).toBe('event');
    expect(reasonOf(decode(record({ ...envelope, specversion: '0.3' })))).toBe('specversion is "0.3", expected "1.0"');
    expect(reasonOf(decode(record({ ...envelope, datacontenttype: 'text/xml' })))).toContain(
      'datacontenttype is "text/xml"',
    );
    expect(reasonOf(decode(record(rest)))).toBe('data is missing, expected a JSON object');
    expect(reasonOf(decode(record(inferenceLoad(), { headers })))).toBe('specversion is missing, expected "1.0"');
  });

  test('reads CloudEvents in binary mode', () => {
    const headers = { ce_specversion: '1.0', ce_id: '1', ce_type: 't', 'content-type': 'application/json' };
    expect(decode(record(inferenceLoad(), { headers })).kind).toBe('event');
    expect(reasonOf(decode(record(inferenceLoad(), { headers: { ...headers, ce_specversion: '2.0' } })))).toContain(
      '"2.0"',
    );
    expect(
      reasonOf(decode(record(inferenceLoad(), { headers: { ...headers, 'content-type': 'application/avro' } }))),
    ).toContain('application/avro');
    const batch = { 'content-type': 'application/cloudevents-batch+json' };
    expect(reasonOf(decode(record([inferenceLoad()], { headers: batch })))).toContain('expected');
  });

  test('ignores tombstones', () => {
    expect(decode(record('', { value: null }))).toEqual({ kind: 'tombstone' });
  });

  test('takes a key only when it is the workload', () => {
    expect(decode(record(inferenceLoad(), { key: Buffer.from('llama-8b-chat') })).kind).toBe('event');
    const other = decode(record(inferenceLoad(), { key: Buffer.from('llama-8b-chaß') }));
    expect(reasonOf(other)).toMatch(/^the record's key is "llama-8b-cha.*", expected the workload "llama-8b-chat"$/);
    expect(decode(record(inferenceLoad(), { key: Buffer.alloc(0) })).kind).toBe('bad');
  });

  test.each<[string, unknown, string]>([
    ['empty', '', 'the value is empty'],
    ['no JSON', '{"schema":', 'the value is not JSON'],
    ['an array', '[1]', 'the value is an array of 1'],
    ['a number', '7', 'the value is 7'],
    ['null', 'null', 'the value is null'],
    ['a byte order mark', `\ufeff${JSON.stringify(inferenceLoad())}`, 'byte order mark'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'not UTF-8'],
    ['too large', `"${'x'.repeat(VALUE_BYTES_MAX)}"`, `expected at most ${VALUE_BYTES_MAX}`],
    ['1e400', JSON.stringify(inferenceLoad()).replace('"inFlight":37', '"inFlight":1e400'), 'inFlight is Infinity'],
    ['NaN', JSON.stringify(inferenceLoad()).replace('"inFlight":37', '"inFlight":NaN'), 'not JSON'],
    ['a prototype', JSON.stringify(inferenceLoad()).replace('"ready"', '"__proto__"'), '__proto__'],
    ['an escaped prototype', JSON.stringify(inferenceLoad()).replace('"ready"', '"\\u005f_proto__"'), '__proto__'],
    [
      'a prototype deep inside',
      JSON.stringify({ ...inferenceLoad(), x: { y: [1, 2] } }).replace('"y":[1', '"y":[{"__proto__":1}'),
      '__proto__',
    ],
    ['a prototype in a group', JSON.stringify(inferenceLoad()).replace('"arrived"', '"__proto__"'), '__proto__'],
    [
      'nesting',
      `{"schema":"penstock.inference-load/1","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      `deeper than ${DEPTH_MAX}`,
    ],
  ])('refuses %s with a reason', (_, value, reason) => {
    expect(reasonOf(decode(record(value)))).toContain(reason);
  });

  test('moves an interval that ends up to 60 s ahead of its Kafka time back, and refuses more', () => {
    const endMs = START_MS + 2_000;
    const ahead = decode(record(inferenceLoad(), { timestampMs: endMs - AHEAD_MS_MAX }));
    expect(ahead).toMatchObject({
      clampedMs: AHEAD_MS_MAX,
      event: { intervalStartMs: START_MS - AHEAD_MS_MAX, intervalEndMs: endMs - AHEAD_MS_MAX },
    });
    expect(reasonOf(decode(record(inferenceLoad(), { timestampMs: endMs - AHEAD_MS_MAX - 1 })))).toContain(
      'far future',
    );
  });

  test('refuses an interval that is older than the ring holds', () => {
    expect(BEHIND_MS_MAX).toBe(RING_MS);
    const endMs = START_MS + 2_000;
    const decodeLate = (ageMs: number): Decoded =>
      decodeRecord(record(inferenceLoad(), { timestampMs: endMs + ageMs }), { nowMs: endMs + ageMs });
    expect(decodeLate(BEHIND_MS_MAX).kind).toBe('event');
    expect(reasonOf(decodeLate(BEHIND_MS_MAX + 1))).toContain('far past');
  });

  test('refuses a record whose Kafka time lies far ahead of the clock, or is none', () => {
    const timestampMs = START_MS + 10_000 + RECORD_AHEAD_MS_MAX + 1;
    expect(reasonOf(decode(record(inferenceLoad(), { timestampMs })))).toContain('ahead of the clock');
    for (const none of [-1, 0, Number.NaN])
      expect(decode(record(inferenceLoad(), { timestampMs: none })).kind).toBe('bad');
  });

  test('gives short printable reasons for arbitrary bytes and never throws', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.tuple(fc.nat({ max: 340 }), fc.uint8Array({ maxLength: 4 })).map(([at, noise]) => {
        const text = new TextEncoder().encode(JSON.stringify(inferenceLoad()));
        text.set(noise.subarray(0, text.length - at), at);
        return text;
      }),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.dictionary(fc.constantFrom('content-type', 'ce_specversion'), fc.string()),
        (value, headers) => {
          const decoded = decode(record(value, { headers }));
          if (decoded.kind === 'bad') expect(decoded.reason).toMatch(/^[\u0020-\u007e]{10,300}$/);
        },
      ),
      { numRuns: 5_000 },
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

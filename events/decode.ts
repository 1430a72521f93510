/** From a Kafka record to an event, a tombstone, or a reason why it can't be used. Input is hostile; nothing here throws. */
import { isAscii, isUtf8 } from 'node:buffer';
import { envelopeOf } from './envelope.ts';
import { AHEAD_MS_MAX, BEHIND_MS_MAX, RECORD_AHEAD_MS_MAX, VALUE_BYTES_MAX } from './rules.ts';
import { show } from './show.ts';
import { isFields, type LoadEvent, problemOf, type Fields } from './validate.ts';

/** The part of a stream record that decoding needs. */
export type RawRecord = {
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The broker's time of the record [epoch ms]. */
  readonly timestampMs: number;
};

export type Decoded =
  | {
      readonly kind: 'event';
      /** Its interval ends at or before the record's Kafka time. */
      readonly event: LoadEvent;
      /** How far the interval was moved back because it ended ahead of the record's Kafka time [ms]; 0 as a rule. */
      readonly clampedMs: number;
    }
  | { readonly kind: 'tombstone' }
  /** One sentence: what is wrong, what is allowed, what it is now. */
  | { readonly kind: 'bad'; readonly reason: string };

const TOMBSTONE: Decoded = { kind: 'tombstone' };

/** Decodes plain JSON and CloudEvents 1.0 (structured and binary mode). `nowMs` is this host's clock, against which only the record's Kafka time is checked. */
export function decodeRecord(record: RawRecord, options: { readonly nowMs: number }): Decoded {
  if (record.value === null) return TOMBSTONE;
  const parsed = parse(record.value);
  if (typeof parsed === 'string') return bad(parsed);
  const body = envelopeOf(parsed, record.headers);
  if (typeof body === 'string') return bad(body);
  const problem = problemOf(body);
  if (problem !== null) return bad(problem);
  const event = body as LoadEvent;
  const keyIssue = record.key === null ? null : keyProblem(record.key, event.workload);
  return keyIssue === null ? timed(event, record.timestampMs, options.nowMs) : bad(keyIssue);
}

function bad(reason: string): Decoded {
  return { kind: 'bad', reason };
}

/** A JSON object, or what is wrong with the bytes. */
function parse(value: Uint8Array): Fields | string {
  if (value.length > VALUE_BYTES_MAX) return `the value has ${value.length} bytes, expected at most ${VALUE_BYTES_MAX}`;
  if (value.length === 0) return 'the value is empty, expected a JSON object';
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const ascii = isAscii(bytes);
  if (!ascii && !isUtf8(bytes)) return 'the value is not UTF-8, expected JSON in UTF-8';
  const text = bytes.toString(ascii ? 'latin1' : 'utf8');
  if (text.charCodeAt(0) === 0xfeff) return 'the value starts with a byte order mark, expected JSON without one';
  try {
    const parsed: unknown = JSON.parse(text);
    return isFields(parsed) ? parsed : `the value is ${show(parsed)}, expected a JSON object`;
  } catch {
    return `the value is not JSON, expected a JSON object, it starts with ${show(text.slice(0, 40))}`;
  }
}

function keyProblem(key: Uint8Array, workload: string): string | null {
  let same = key.length === workload.length;
  for (let at = 0; same && at < key.length; at++) same = key[at] === workload.charCodeAt(at);
  if (same) return null;
  const shown = show(Buffer.from(key.subarray(0, 80)).toString('latin1'));
  return `the record's key is ${shown}, expected the workload ${show(workload)}`;
}

/** Applies the time rules and moves an interval that ends a little ahead back to its record's time. */
function timed(event: LoadEvent, recordMs: number, nowMs: number): Decoded {
  // Written so that NaN fails, too.
  if (!(recordMs > 0)) return bad(`the record's Kafka time is ${show(recordMs)}, expected epoch milliseconds`);
  if (recordMs > nowMs + RECORD_AHEAD_MS_MAX) {
    return bad(
      `the record's Kafka time is ${recordMs - nowMs} ms ahead of the clock, expected at most ${RECORD_AHEAD_MS_MAX} (far future)`,
    );
  }
  const aheadMs = event.intervalEndMs - recordMs;
  if (aheadMs > AHEAD_MS_MAX) {
    return bad(
      `intervalEndMs is ${aheadMs} ms ahead of the record's Kafka time, expected at most ${AHEAD_MS_MAX} (far future)`,
    );
  }
  if (aheadMs < -BEHIND_MS_MAX) {
    return bad(
      `intervalEndMs is ${-aheadMs} ms behind the record's Kafka time, expected at most ${BEHIND_MS_MAX} (far past)`,
    );
  }
  if (aheadMs <= 0) return { kind: 'event', event, clampedMs: 0 };
  event.intervalStartMs -= aheadMs;
  event.intervalEndMs = recordMs;
  return { kind: 'event', event, clampedMs: aheadMs };
}

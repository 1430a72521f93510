/** Lambda's Kafka event ⇄ the loop's batches: the decoding, and the partial batch response. */
import { BadEventError } from '../../base/errors.ts';
import { topicPartition } from '../../stream/contract.ts';
import type { BatchAnswer, RecordBatch, StreamRecord } from '../../stream/contract.ts';

/** A batch with the key that Lambda gave it: the name it wants to hear in the answer. */
export type KeyedBatch = { readonly eventKey: string; readonly batch: RecordBatch };

/** What Lambda expects from a mapping with `ReportBatchItemFailures`. An empty list: everything was applied. */
export type KafkaBatchResponse = {
  readonly batchItemFailures: readonly {
    readonly itemIdentifier: { readonly partition: string; readonly offset: number };
  }[];
};

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads an event of Amazon MSK or of a self-managed Kafka (both have the same `records` map). Lenient where versions of the event differ: partition and
 * offset as text, header bytes signed or base64; topic and partition come from the record, the map's key only fills gaps. What a value holds is not looked at.
 * Throws BadEventError when it is no Kafka event, or a record has no offset (so that it could neither be applied nor named in the answer).
 */
export function decodeKafkaEvent(event: unknown): readonly KeyedBatch[] {
  const records = isFields(event) ? event['records'] : undefined;
  if (!isFields(records)) {
    throw new BadEventError('Cannot read the invocation event: expected a Kafka event with a map of records');
  }
  return Object.entries(records).flatMap(([eventKey, list]) => {
    if (!Array.isArray(list)) {
      throw new BadEventError(
        `Cannot read the records of "${eventKey}": expected a list, current value is ${typeof list}`,
      );
    }
    return batchesOf(
      eventKey,
      list.map((record) => decodeRecord(eventKey, record)),
    );
  });
}

/** Groups by the topic-partition of the records: normally exactly one per key. */
function batchesOf(eventKey: string, records: readonly StreamRecord[]): KeyedBatch[] {
  const groups = new Map<string, StreamRecord[]>();
  for (const record of records) {
    const group = groups.get(topicPartition(record)) ?? [];
    groups.set(topicPartition(record), group);
    group.push(record);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const ascending = group.toSorted((a, b) => a.offset - b.offset);
    return [{ eventKey, batch: { topic: first.topic, partition: first.partition, records: ascending, lag: null } }];
  });
}

function decodeRecord(eventKey: string, record: unknown): StreamRecord {
  const fields = isFields(record) ? record : {};
  const offset = integerOf(fields['offset']);
  // The topic may hold a dash, so the key is split at its last one.
  const dash = eventKey.lastIndexOf('-');
  const partition = integerOf(fields['partition']) ?? integerOf(eventKey.slice(dash + 1));
  if (offset === undefined || partition === undefined) {
    throw new BadEventError(
      `Cannot read a record of "${eventKey}": expected an offset and a partition, one is missing`,
    );
  }
  const topic = fields['topic'];
  return {
    topic: typeof topic === 'string' && topic !== '' ? topic : eventKey.slice(0, Math.max(0, dash)),
    partition,
    offset,
    // Kafka's own mark for "no time"; the stage judges it like any other impossible time.
    timestampMs: integerOf(fields['timestamp']) ?? -1,
    key: bytesOf(fields['key']),
    value: bytesOf(fields['value']),
    headers: headersOf(fields['headers']),
  };
}

/** A whole number ≥ 0 in JSON or as text. */
function integerOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** Absent is a tombstone (or no key). Text that is not base64 decodes to what can be decoded: the stage then finds it is no event. */
function bytesOf(value: unknown): Uint8Array | null {
  return typeof value === 'string' ? Buffer.from(value, 'base64') : null;
}

/** `[{name: bytes}]`; names lower-cased, the last of a name wins. `fromEntries` also keeps a header named `__proto__` harmless. */
function headersOf(value: unknown): Readonly<Record<string, string>> {
  if (!Array.isArray(value)) return {};
  const entries = value.flatMap((header) => (isFields(header) ? Object.entries(header) : []));
  return Object.fromEntries(entries.map(([name, bytes]) => [name.toLowerCase(), headerText(bytes)]));
}

function headerText(bytes: unknown): string {
  if (typeof bytes === 'string') return Buffer.from(bytes, 'base64').toString('utf8');
  if (!Array.isArray(bytes)) return '';
  // Java's bytes are signed: Buffer.from wraps -61 to 195.
  return Buffer.from(bytes.map(Number)).toString('utf8');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The answer to Lambda. `answers` is by `TOPIC-PARTITION`; a batch without an entry was applied whole. Names the first record that was not applied and every
 * later one of its partition: that is right whether Lambda resumes from an offset or retries single records.
 */
export function batchResponse(
  batches: readonly KeyedBatch[],
  answers: ReadonlyMap<string, BatchAnswer>,
): KafkaBatchResponse {
  const batchItemFailures = batches.flatMap(({ eventKey, batch }) => {
    const from = answers.get(topicPartition(batch))?.retryFromOffset;
    if (from === undefined) return [];
    return batch.records
      .filter((record) => record.offset >= from)
      .map((record) => ({ itemIdentifier: { partition: eventKey, offset: record.offset } }));
  });
  return { batchItemFailures };
}

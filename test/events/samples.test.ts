import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { decodeRecord } from '../../events/decode.ts';
import { decodeKafkaEvent } from '../../lib/hosts/lambda/kafka-event.ts';
import { START_MS } from './builders.ts';

async function kindsOf(file: string): Promise<string[]> {
  const text = await readFile(new URL(`../../events/samples/${file}.json`, import.meta.url), 'utf8');
  return decodeKafkaEvent(JSON.parse(text)).flatMap(({ batch }) =>
    batch.records.map((record) => decodeRecord(record, { nowMs: START_MS + 10_000 }).kind),
  );
}

describe('the sample Lambda events', () => {
  test.each(['msk', 'self-managed'])('of %s decode: good ones, in every envelope', async (source) => {
    expect(await kindsOf(`${source}-good`)).toEqual(['event', 'event', 'event', 'event', 'tombstone']);
  });

  test.each(['msk', 'self-managed'])(
    'of %s decode: poisoned ones, of which the first and the last are events',
    async (source) => {
      const bad = Array.from({ length: 9 }, () => 'bad');
      expect(await kindsOf(`${source}-poisoned`)).toEqual(['event', ...bad, 'event']);
    },
  );
});

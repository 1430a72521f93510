/** Records that the stream had to pass over: nobody can apply them any more, so the loss is told where people look. */
import type { SkippedRange } from '../stream/contract.ts';
import type { LoopDeps } from './deps.ts';

export type SkippedRangeDeps = Pick<LoopDeps, 'log' | 'metrics' | 'state' | 'topics' | 'wake'>;

/**
 * Puts one letter for the whole range into the dead-letter topic, under the key of its first record. It has no value: the records are gone, or too large to keep.
 * What they would have said is not heard, so the readings' coverage falls and nothing shrinks on it. Throws TransientError when the letter cannot be kept: the range is reported again.
 */
export async function reportSkipped(deps: SkippedRangeDeps, range: SkippedRange): Promise<void> {
  const { topic, partition, fromOffset, toOffset, reason, detail } = range;
  const records = toOffset - fromOffset + 1;
  deps.metrics.count('ingest_skipped_records_total', records, { reason });
  deps.log.error('records were passed over', { ...range, records });
  await deps.state.outbox.put([
    {
      topic: deps.topics.deadLetter,
      key: `${topic}/${partition}/${fromOffset}`,
      value: '',
      headers: {
        reason: `${reason}: ${detail}`.slice(0, 500),
        topic,
        partition: String(partition),
        offset: String(fromOffset),
        'last-offset': String(toOffset),
      },
    },
  ]);
  await deps.wake.notify();
}

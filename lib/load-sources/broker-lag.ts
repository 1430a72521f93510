/** What waits in a topic for a consumer group, as `queue-depth`: a queue that needs no producer's help. */
import { INTERVAL_MS_MAX, INTERVAL_MS_MIN } from '../../events/schema/common.ts';
import type { QueueDepth } from '../../events/schema/index.ts';
import { QUEUE_DEPTH } from '../../events/schema/queue-depth.ts';
import { problemOf } from '../../events/validate.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Collected, LoadSource } from './contract.ts';
import { linkedSignal } from '../base/linked-signal.ts';

/** The lag of a group on a topic; `missing` when any part of it is unknown. */
export type LagReading =
  | {
      readonly kind: 'value';
      /** [records] */
      readonly depth: number;
      readonly oldestAgeMs: number | null;
      /** Since the reading before [records]. */
      readonly enqueued: number | null;
      readonly dequeued: number | null;
    }
  | { readonly kind: 'missing'; readonly reason: string };

export type BrokerLagOptions = {
  readonly workload: string;
  readonly topic: string;
  readonly group: string;
  readonly read: (of: { readonly topic: string; readonly group: string }) => Promise<LagReading>;
  readonly clock: Clock;
  /** How long one reading is waited for [ms], default {@link READ_MS_MAX}. */
  readonly readMsMax?: number;
};

/** A healthy broker answers in some ms; a reading that takes longer is about another time than the one it is for. */
const READ_MS_MAX = 5_000;

type Value = LagReading & { readonly kind: 'value' };
type Base = { readonly atMs: number; readonly depth: number };

/**
 * Depth is the mean of both ends of the interval, which begins with the reading before (0.5 to 60 s ago, else there is no event). A missing lag is a failure and
 * no event, never zero.
 */
export function brokerLag(options: BrokerLagOptions): LoadSource {
  const source = `kafka/${options.group}/${options.topic}`;
  const closing = new AbortController();
  let base: Base | undefined;
  const failed = (reason: string): Collected => ({ events: [], failures: [{ source, reason }] });

  return {
    collect: async () => {
      if (closing.signal.aborted) return { events: [], failures: [] };
      const reading = await read(options, closing.signal);
      if (closing.signal.aborted) return { events: [], failures: [] };
      if (reading.kind === 'missing') return failed(reading.reason);
      const now = { atMs: Math.round(options.clock.nowMs()), depth: reading.depth };
      const before = base;
      const lengthMs = before === undefined ? Infinity : now.atMs - before.atMs;
      if (lengthMs >= 0 && lengthMs < INTERVAL_MS_MIN) return { events: [], failures: [] };
      base = now;
      if (before === undefined || lengthMs < 0 || lengthMs > INTERVAL_MS_MAX) return { events: [], failures: [] };
      const event = eventOf(reading, { workload: options.workload, source, before, now });
      const problem = problemOf(event);
      return problem === null ? { events: [event], failures: [] } : failed(`the lag makes no valid event: ${problem}`);
    },
    close: async () => closing.abort(),
  };
}

/** Never throws, and never takes longer than allowed. */
async function read(options: BrokerLagOptions, closing: AbortSignal): Promise<LagReading> {
  const waiting = linkedSignal(closing);
  const msMax = options.readMsMax ?? READ_MS_MAX;
  const late = options.clock
    .sleep(msMax, waiting.signal)
    .then((): LagReading => ({ kind: 'missing', reason: `no answer within ${msMax} ms` }));
  const { topic, group } = options;
  const answer = options
    .read({ topic, group })
    .catch((error: unknown): LagReading => ({ kind: 'missing', reason: messageOf(error) }));
  const reading = await Promise.race([answer, late]);
  waiting.abort();
  waiting.release();
  return reading;
}

type Between = { readonly workload: string; readonly source: string; readonly before: Base; readonly now: Base };

function eventOf(reading: Value, { workload, source, before, now }: Between): QueueDepth {
  const { oldestAgeMs, enqueued, dequeued } = reading;
  return {
    schema: QUEUE_DEPTH,
    workload,
    source,
    intervalStartMs: before.atMs,
    intervalEndMs: now.atMs,
    depth: (before.depth + now.depth) / 2,
    ...(oldestAgeMs === null ? {} : { oldestAgeMs }),
    ...(enqueued === null ? {} : { enqueued }),
    ...(dequeued === null ? {} : { dequeued }),
  };
}

/** Events on their way to the stream: a bounded lane for each topic, the oldest dropped when the stream is away for too long. */
import { BEHIND_MS_MAX } from '../../../events/rules.ts';
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { OutgoingRecord, StreamProducer } from '../../stream/contract.ts';
import type { Topics } from '../deps.ts';

type LoadEvent = InferenceLoad | QueueDepth;

export type BridgeBuffer = {
  /** Sends soon; never waits and never throws. */
  put(events: readonly LoadEvent[]): void;
  /** Since the start [events]. */
  counts(): { readonly sent: number; readonly dropped: number; readonly waiting: number };
  /** Tries once more to send what is left, for at most {@link CLOSE_MS_MAX}. */
  close(): Promise<void>;
};

/** Events that wait per topic: 1,000 pods every two seconds for 40 s, about 10 MB. Older load is of little use to a controller that acts on the newest. */
export const WAITING_MAX = 20_000;
/** Events per send: about 250 kB. */
const BATCH_MAX = 500;
/** After a failed send [ms]: long enough not to hammer a broker that is starting, short beside the 15 s after which load counts as stale. */
export const RETRY_MS = 1_000;
/** Load that ended longer ago would be refused by whoever reads it (one minute short of it) [ms]. */
const AGE_MS_MAX = BEHIND_MS_MAX - 60_000;
/** A stop is not held up by a broker that is away [ms]. */
export const CLOSE_MS_MAX = 3_000;

type Options = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly producer: StreamProducer;
  readonly topics: Pick<Topics, 'inferenceLoad' | 'queueDepth'>;
};

type Lane = { readonly topic: string; waiting: LoadEvent[]; sending: Promise<void> | null; isFailing: boolean };

/** One lane per topic: a topic that does not exist doesn't hold up the other. */
export function openBridgeBuffer(options: Options): BridgeBuffer {
  const { clock, topics } = options;
  const closing = new AbortController();
  const counts = { sent: 0, dropped: 0 };
  const load = laneOf(topics.inferenceLoad);
  const depth = laneOf(topics.queueDepth);
  const lanes = [load, depth];

  const drop = (count: number, reason: 'full' | 'old' | 'closed'): void => {
    if (count === 0) return;
    counts.dropped += count;
    options.metrics.count('bridge_events_dropped_total', count, { reason });
  };

  const trim = (lane: Lane): void => {
    drop(lane.waiting.splice(0, Math.max(0, lane.waiting.length - WAITING_MAX)).length, 'full');
  };

  const sendOnce = async (lane: Lane): Promise<void> => {
    const fresh = lane.waiting.filter((event) => clock.nowMs() - event.intervalEndMs <= AGE_MS_MAX);
    drop(lane.waiting.length - fresh.length, 'old');
    lane.waiting = fresh;
    const batch = fresh.splice(0, BATCH_MAX);
    if (batch.length === 0) return;
    try {
      await options.producer.send(batch.map((event) => recordOf(event, lane.topic)));
    } catch (error) {
      lane.waiting = [...batch, ...lane.waiting];
      trim(lane);
      throw error;
    }
    counts.sent += batch.length;
    options.metrics.count('bridge_events_total', batch.length, { topic: lane.topic });
    tell(options, lane, null);
  };

  const drain = async (lane: Lane): Promise<void> => {
    while (lane.waiting.length > 0) {
      try {
        await sendOnce(lane);
      } catch (error) {
        options.metrics.count('bridge_send_failures_total', 1, { topic: lane.topic });
        tell(options, lane, error);
        if (closing.signal.aborted) return;
        await clock.sleep(RETRY_MS, closing.signal);
      }
    }
  };

  const kick = (lane: Lane): void => {
    lane.sending ??= drain(lane).finally(() => {
      lane.sending = null;
    });
  };

  return {
    put: (events) => {
      for (const event of events) ('depth' in event ? depth : load).waiting.push(event);
      for (const lane of lanes) {
        trim(lane);
        if (lane.waiting.length > 0) kick(lane);
      }
    },
    counts: () => ({ ...counts, waiting: lanes.reduce((sum, { waiting }) => sum + waiting.length, 0) }),
    close: async () => {
      closing.abort();
      const timeout = new AbortController();
      const drained = Promise.all(lanes.map(async (lane) => lane.sending));
      await Promise.race([drained, clock.sleep(CLOSE_MS_MAX, timeout.signal)]);
      timeout.abort();
      for (const lane of lanes) drop(lane.waiting.splice(0).length, 'closed');
    },
  };
}

function laneOf(topic: string): Lane {
  return { topic, waiting: [], sending: null, isFailing: false };
}

/** Says when sending begins to fail and when it works again, not each time in between. */
function tell({ log }: Options, lane: Lane, error: unknown): void {
  const isFailing = error !== null;
  if (isFailing === lane.isFailing) return;
  lane.isFailing = isFailing;
  const { topic, waiting } = lane;
  if (isFailing)
    log.warn('load could not be sent, it waits', { topic, waiting: waiting.length, error: messageOf(error) });
  else log.info('load is sent again', { topic, waiting: waiting.length });
}

function recordOf(event: LoadEvent, topic: string): OutgoingRecord {
  return { topic, key: event.workload, value: JSON.stringify(event) };
}

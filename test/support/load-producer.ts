/** Load as many sources would send it: known sums, every record's place remembered. */
import { type Producer, CompressionTypes, Partitioners } from 'kafkajs';
import type { Delivered } from '../core/window/naive.ts';
import { rawKafka } from '../stream/kafka-support.ts';

export type Round = {
  readonly startMs: number;
  readonly endMs: number;
  /** In flight at each source, default 0.1. */
  readonly inFlight?: number;
};

export type LoadProducer = {
  /** What was sent and acknowledged, by workload: the list that a naive fold folds. */
  readonly sent: ReadonlyMap<string, readonly Delivered[]>;
  /** `TOPIC/PARTITION/OFFSET` of every record that is no event. */
  readonly poisoned: readonly string[];
  /** Next offset by partition. */
  readonly ends: readonly number[];
  /** Sends one event of every source for this interval (`arrived` is 1 in each), with `extra` values that are no events between. Resolves when acknowledged. */
  send(round: Round, extra?: readonly (string | null)[]): Promise<void>;
  close(): Promise<void>;
};

export type LoadProducerOptions = {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly workloads: readonly string[];
  /** Sources of each workload; the records of a source stay in one partition, those of a workload are in all of them. */
  readonly sourcesPerWorkload: number;
};

type Message = { key: string; value: string | null; partition: number; timestamp: string };

/** Connects. Throws what kafkajs throws. */
export async function loadProducer(options: LoadProducerOptions): Promise<LoadProducer> {
  const { topic } = options;
  const producer = rawKafka(options.brokers).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  const sent = new Map<string, Delivered[]>(options.workloads.map((workload) => [workload, []]));
  const poisoned: string[] = [];
  const ends = Array.from({ length: options.partitions }, () => 0);
  return {
    sent,
    poisoned,
    ends,
    send: async (round, extra = []) => {
      const messages = Array.from({ length: options.partitions }, () => [] as Message[]);
      for (const event of eventsOf(options, round)) {
        const partition = Number(event.source.split('-').at(-1)) % options.partitions;
        const { workload } = event;
        messages[partition]?.push(messageOf({ key: workload, value: JSON.stringify(event), partition, round }));
      }
      for (const [index, value] of extra.entries()) {
        const partition = index % options.partitions;
        const at = Math.floor(((messages[partition]?.length ?? 0) * (index + 1)) / (extra.length + 1));
        const [key = ''] = options.workloads;
        messages[partition]?.splice(at, 0, messageOf({ key, value, partition, round }));
      }
      const bases = await sendAll(producer, topic, messages.flat());
      for (const [partition, list] of messages.entries()) {
        const base = bases.get(partition) ?? Number.NaN;
        ends[partition] = base + list.length;
        for (const [index, message] of list.entries()) {
          remember(message, { topic, offset: base + index, timestampMs: round.endMs, sent, poisoned });
        }
      }
    },
    close: () => producer.disconnect(),
  };
}

type LoadEvent = Extract<Delivered['event'], { requests?: unknown }>;

function eventsOf(options: LoadProducerOptions, { startMs, endMs, inFlight = 0.1 }: Round): LoadEvent[] {
  return options.workloads.flatMap((workload) =>
    Array.from({ length: options.sourcesPerWorkload }, (_, source) => ({
      schema: 'penstock.inference-load/1' as const,
      workload,
      source: `pod/${workload}-${source}`,
      intervalStartMs: startMs,
      intervalEndMs: endMs,
      inFlight,
      requests: { arrived: 1 },
    })),
  );
}

function messageOf(of: { key: string; value: string | null; partition: number; round: Round }): Message {
  return { key: of.key, value: of.value, partition: of.partition, timestamp: String(of.round.endMs) };
}

/** First offset of each partition. */
async function sendAll(producer: Producer, topic: string, messages: Message[]): Promise<ReadonlyMap<number, number>> {
  const answers = await producer.send({ topic, messages, acks: -1, compression: CompressionTypes.GZIP });
  return new Map(answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
}

function remember(
  message: Message,
  at: {
    readonly topic: string;
    readonly offset: number;
    readonly timestampMs: number;
    readonly sent: Map<string, Delivered[]>;
    readonly poisoned: string[];
  },
): void {
  const { topic, offset, timestampMs } = at;
  if (message.value === null) return;
  const event = parse(message.value);
  if (event === null) at.poisoned.push(`${topic}/${message.partition}/${offset}`);
  else
    at.sent.get(event.workload)?.push({ topicPartition: `${topic}-${message.partition}`, offset, timestampMs, event });
}

/** Null for what no consumer can use. */
function parse(value: string): LoadEvent | null {
  try {
    const event = JSON.parse(value) as LoadEvent;
    return event.schema === 'penstock.inference-load/1' ? event : null;
  } catch {
    return null;
  }
}

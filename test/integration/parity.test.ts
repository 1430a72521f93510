/** One log through both hosts, Lambda's Kafka event and the consumer's batches, onto the real Redis: the same state, letters and answers. */
import { describe, expect, test } from '@jest/globals';
import { memoryActions } from '../../lib/action-queue/index.ts';
import { TransientError } from '../../lib/base/errors.ts';
import { seededRandom } from '../../lib/base/random.ts';
import { memoryClusterView } from '../../lib/cluster-view/memory.ts';
import { encodeWindow } from '../../lib/core/window/codec.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import { ingestHandler } from '../../lib/hosts/lambda/ingest.ts';
import type { KafkaBatchResponse } from '../../lib/hosts/lambda/kafka-event.ts';
import { startProcess } from '../../lib/hosts/process/process.ts';
import { ingest } from '../../lib/loop/ingest/ingest.ts';
import { DEFAULT_TOPICS, type IngestDeps, type LoopDeps } from '../../lib/loop/deps.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import type { ConsumerHandlers, RecordBatch, StreamConsumer, StreamRecord } from '../../lib/stream/contract.ts';
import { ingestDeps } from '../loop/ingest/support.ts';
import { openStores } from '../state/support.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';
import { kafkaEvent, lambdaContext, recordingWake } from '../support/lambda-events.ts';
import { makeLog } from './exactly-once-support.ts';

/** `gamma` of the log has no policy. */
const KNOWN = ['alpha', 'beta'];
const TOPIC = 'inference-load';

/** What a host does with some partitions' records: the first offset to deliver again, by partition (undefined: all was done). */
type Deliver = (batches: readonly RecordBatch[]) => Promise<ReadonlyMap<number, number | undefined>>;

/** A store that fails to apply one workload now and then: both hosts meet the same failures. */
function faulty(stores: StateStores, seed: number): StateStores {
  const random = seededRandom(seed);
  return {
    ...stores,
    load: {
      ...stores.load,
      apply: async (workload, fold) => {
        if (workload === 'beta' && random() < 0.25) throw new TransientError('no answer');
        return stores.load.apply(workload, fold);
      },
    },
  };
}

function lambdaHost(deps: IngestDeps): Deliver {
  const handler = ingestHandler(async () => ({
    deps,
    wake: recordingWake(),
    ingest: (batches) => ingest(deps, batches),
    evaluate: async () => ({ pools: [], decided: 0, woken: 0, failed: [] }),
  }));
  return async (batches) => {
    const event = kafkaEvent(
      'msk',
      batches.flatMap((batch) => batch.records.map(lambdaRecord)),
    );
    const answer = await answerOf(() => handler(event, lambdaContext(deps.clock, 60_000)));
    // Thrown: Lambda delivers all of it again.
    if (answer === null) return new Map(batches.map((batch) => [batch.partition, batch.records[0]?.offset]));
    return new Map(
      batches.map(({ partition, records }) => {
        const failed = answer.batchItemFailures
          .filter(({ itemIdentifier }) => itemIdentifier.partition === `${TOPIC}-${partition}`)
          .map(({ itemIdentifier }) => itemIdentifier.offset);
        // The first failure and everything behind it.
        expect(failed).toEqual(
          records.map(({ offset }) => offset).filter((offset) => offset >= (failed[0] ?? Infinity)),
        );
        return [partition, failed[0]];
      }),
    );
  };
}

async function answerOf(run: () => Promise<KafkaBatchResponse>): Promise<KafkaBatchResponse | null> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof TransientError) return null;
    throw error;
  }
}

/** As Lambda writes it: base64, header bytes, a time stamp. */
function lambdaRecord(record: StreamRecord): Record<string, unknown> {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestampMs,
    timestampType: 'CREATE_TIME',
    ...(record.key === null ? {} : { key: Buffer.from(record.key).toString('base64') }),
    ...(record.value === null ? {} : { value: Buffer.from(record.value).toString('base64') }),
    headers: Object.entries(record.headers).map(([name, text]) => ({ [name]: [...Buffer.from(text)] })),
  };
}

async function refuse(): Promise<never> {
  throw new TransientError('not part of this test');
}

/** The process host with a consumer that hands over what it is told to. */
async function processHost(deps: IngestDeps): Promise<{ deliver: Deliver; stop(): Promise<void> }> {
  let handlers: ConsumerHandlers | undefined;
  const consumer: StreamConsumer = {
    start: async (given) => {
      handlers = given;
    },
    reseek: async () => {},
    pause: () => {},
    resume: () => {},
    stop: async () => {},
    status: () => ({ state: 'running' }),
  };
  const actions = memoryActions({ clock: deps.clock, log: deps.log, metrics: deps.metrics, random: seededRandom(1) });
  const all: Omit<LoopDeps, 'wake'> = {
    ...deps,
    queue: actions.openQueue(),
    clusterView: memoryClusterView({ clock: deps.clock }),
    targets: new Map(),
    provisioners: new Map(),
    drainer: { cordon: refuse, uncordon: refuse, drainStep: refuse },
    hooks: async () => new Map(),
    // What is in the outbox stays there to be looked at.
    producer: { send: refuse, close: async () => {} },
  };
  const worker = actions.openWorker();
  const host = await startProcess({ deps: all, consumer, worker, evaluateEveryMs: 1_000, leadingDebounceMs: 0 });
  const deliver: Deliver = async (batches) => {
    const answers = new Map<number, number | undefined>();
    for (const batch of batches) {
      const answer = await handlers?.onBatch(batch);
      answers.set(batch.partition, answer?.retryFromOffset);
    }
    return answers;
  };
  return { deliver, stop: () => host.stop() };
}

/** Delivers the log in portions, with repetitions and what came back, until all is done. Gives every answer. */
async function play(
  partitions: readonly (readonly StreamRecord[])[],
  { deliver, seed }: { deliver: Deliver; seed: number },
): Promise<string[]> {
  const random = seededRandom(seed);
  const next = partitions.map(() => 0);
  const answers: string[] = [];
  while (next.some((at, partition) => at < (partitions[partition]?.length ?? 0))) {
    const batches = partitions.flatMap((all, partition): RecordBatch[] => {
      const at = next[partition] ?? 0;
      // Every third portion begins with records that came before.
      const from = random() < 0.34 ? Math.max(0, at - Math.floor(random() * 20)) : at;
      const records = all.slice(from, at + 1 + Math.floor(random() * 60)).map(withHeaders);
      return at >= all.length ? [] : [{ topic: TOPIC, partition, records, lag: null }];
    });
    const failed = await deliver(batches);
    for (const { partition, records } of batches) {
      const from = failed.get(partition);
      answers.push(`${partition}: ${records[0]?.offset}..${records.at(-1)?.offset} → ${from ?? 'done'}`);
      const target = from ?? (records.at(-1)?.offset ?? 0) + 1;
      const all = partitions[partition] ?? [];
      const index = all.findIndex((record) => record.offset >= target);
      next[partition] = index < 0 ? all.length : index;
    }
  }
  return answers;
}

/** Every seventh is a CloudEvent in binary mode. */
function withHeaders(record: StreamRecord): StreamRecord {
  if (record.offset % 7 !== 0) return record;
  const headers = { ce_specversion: '1.0', ce_id: String(record.offset), ce_source: 'käse', ce_type: 'load' };
  return { ...record, headers };
}

/** Everything ingest leaves behind, as text. */
async function stateOf(stores: StateStores, partitionCount: number): Promise<Record<string, unknown>> {
  stores.load.forgetCache();
  const windows = await stores.load.readMany([...KNOWN, 'gamma']);
  const ids = Array.from({ length: partitionCount }, (_, partition) => `${TOPIC}-${partition}`);
  const progress = await stores.progress.readMany(ids);
  const outbox = await stores.outbox.peek(10_000);
  // The process host evaluates, too; its decisions are another test's business.
  const bad = outbox.filter(({ message }) => message.topic === DEFAULT_TOPICS.deadLetter);
  const letters = new Map(bad.map(({ message }) => [message.key, message]));
  return {
    windows: Object.fromEntries([...windows].map(([workload, window]) => [workload, encoded(window)])),
    progress: Object.fromEntries(ids.map((id) => [id, progress.get(id)?.value])),
    letters: [...letters.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** The bytes that are stored; marks of partitions come in the order in which they were first heard, which is nobody's promise. */
function encoded(window: LoadWindow): Record<string, string> {
  const { a = '', ...fields } = encodeWindow(window);
  return { ...fields, a: a.split('\n').toSorted().join('\n') };
}

describe('Lambda and the process host', () => {
  test.each([3, 2026, 90_125])('leave the same state for one log, whatever fails between (seed %i)', async (seed) => {
    const log = makeLog(seed, 900);
    const open = [0, 1].map(() => openStores({ url: testRedisUrl(), prefix: uniqueName('parity') }));
    const [lambda, process] = open.map(({ stores }) => ingestDeps(faulty(stores, seed), KNOWN));
    if (lambda === undefined || process === undefined) throw new Error('two stores were opened');
    const host = await processHost(process);
    try {
      const lambdaAnswers = await play(log.partitions, { deliver: lambdaHost(lambda), seed });
      const processAnswers = await play(log.partitions, { deliver: host.deliver, seed });
      const [first, second] = await Promise.all(open.map(({ stores }) => stateOf(stores, log.partitions.length)));
      expect(second).toEqual(first);
      expect(Object.keys(first?.['windows'] ?? {})).toEqual(KNOWN);
      expect(first?.['letters']).toHaveLength(log.bad.length);
      // Both met failures, or the comparison would say little.
      for (const answers of [lambdaAnswers, processAnswers]) {
        expect(answers.some((answer) => !answer.endsWith('done'))).toBe(true);
      }
    } finally {
      await host.stop();
      await Promise.all(open.map(({ stores }) => stores.close()));
    }
  });

  test('answer each delivery alike when the same workload fails', async () => {
    const log = makeLog(11, 300);
    const inFirst = (workload: string): number[] =>
      (log.sent.get(workload) ?? []).filter((one) => one.topicPartition === `${TOPIC}-0`).map((one) => one.offset);
    const [firstGood = 0] = inFirst('alpha');
    const firstFailing = inFirst('beta').find((offset) => offset > firstGood);
    const records = (log.partitions[0] ?? []).filter((record) => record.offset >= firstGood);
    const batch: RecordBatch = { topic: TOPIC, partition: 0, records, lag: null };
    const open = [0, 1].map(() => openStores({ url: testRedisUrl(), prefix: uniqueName('parity') }));
    const failing = open.map(({ stores }) => {
      const load: StateStores['load'] = {
        ...stores.load,
        apply: async (workload, fold) => {
          if (workload === 'beta') throw new TransientError('no answer');
          return stores.load.apply(workload, fold);
        },
      };
      return ingestDeps({ ...stores, load }, KNOWN);
    });
    const [lambda, process] = failing;
    if (lambda === undefined || process === undefined) throw new Error('two stores were opened');
    const host = await processHost(process);
    try {
      const answers = [await lambdaHost(lambda)([batch]), await host.deliver([batch])];
      expect(answers).toEqual([new Map([[0, firstFailing]]), new Map([[0, firstFailing]])]);
      const states = await Promise.all(open.map(({ stores }) => stateOf(stores, 1)));
      expect(states[1]).toEqual(states[0]);
      const before = records.findLast((record) => record.offset < (firstFailing ?? 0));
      expect(states[0]?.['progress']).toEqual({ [`${TOPIC}-0`]: expect.objectContaining({ offset: before?.offset }) });
    } finally {
      await host.stop();
      await Promise.all(open.map(({ stores }) => stores.close()));
    }
  });
});

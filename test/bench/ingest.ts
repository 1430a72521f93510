/**
 * Events per second that one process takes in, beside a kafkajs consumer that only parses the JSON, in one run and alternating, because the machine
 * matters more than the code; and the pure part (decode, fold, encode) alone, in processor time.
 * Run: npm run bench -- ingest [--events N] [--rounds N] [--json].
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics, noMetrics } from '../../lib/base/metrics.ts';
import { openRedis } from '../../lib/clients/redis.ts';
import { startKafka, startRedis } from '../../lib/local/index.ts';
import { DEFAULT_TOPICS, type IngestDeps } from '../../lib/loop/deps.ts';
import { ingest, startOffset } from '../../lib/loop/ingest/ingest.ts';
import { redisStateStores } from '../../lib/state/index.ts';
import { topicPartition } from '../../lib/stream/contract.ts';
import { kafkaStream } from '../../lib/stream/index.ts';
import { policySet } from '../loop/ingest/support.ts';
import { type LoadShape, TICK_MS, tickOf, workloadNames } from './ingest-load.ts';
import { measurePure } from './ingest-pure.ts';
import { machine } from './rig.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});

const PARTITIONS = 8;
const WORKLOADS = 100;
const PODS = 10;
const shape: LoadShape = {
  workloads: WORKLOADS,
  podsPerWorkload: PODS,
  ticks: Math.ceil(Number(values.events) / (WORKLOADS * PODS)),
};
const events = shape.ticks * WORKLOADS * PODS;

type Measured = { readonly perSec: number; readonly cpuMicrosPerEvent: number };

const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
// oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
const cacheDir = join(process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? tmpdir(), '.cache'), 'penstock');
const progress = (line: string): void => void process.stderr.write(`${line}\n`);
const kafka = await startKafka({ cacheDir, dataDir: join(folder, 'kafka'), progress });
const redis = await startRedis({ cacheDir, dataDir: join(folder, 'redis'), progress });
try {
  const stream = kafkaStream({
    kafka: { brokers: kafka.brokers, clientId: 'bench' },
    clock: systemClock,
    log: silentLogger,
    metrics: noMetrics,
    random: Math.random,
  });
  await produce();
  const pure = measurePure(shape);
  const rounds: { parseOnly: Measured; ingest: Measured }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    rounds.push({ parseOnly: await runParseOnly(round), ingest: await runIngest(round) });
    progress(`round ${round + 1} of ${values.rounds}: ${JSON.stringify(rounds.at(-1))}`);
  }
  report(pure, rounds);

  async function produce(): Promise<void> {
    const admin = stream.admin();
    await admin.ensureTopics([{ topic: DEFAULT_TOPICS.inferenceLoad, partitions: PARTITIONS, replicationFactor: 1 }]);
    await admin.close();
    const producer = stream.producer();
    const startMs = systemClock.nowMs() - shape.ticks * TICK_MS - 5_000;
    for (let tick = 0; tick < shape.ticks; tick += 5) {
      const records = Array.from({ length: Math.min(5, shape.ticks - tick) }, (_, more) =>
        tickOf(shape, { tick: tick + more, startMs }),
      ).flat();
      await producer.send(records.map((record) => ({ topic: DEFAULT_TOPICS.inferenceLoad, ...record })));
    }
    await producer.close();
    progress(`${events} events are in Kafka`);
  }

  async function runParseOnly(round: number): Promise<Measured> {
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const consumer = client.consumer({ groupId: `parse-${round}`, maxWaitTimeInMs: 250 });
    await consumer.connect();
    await consumer.subscribe({ topics: [DEFAULT_TOPICS.inferenceLoad], fromBeginning: true });
    const meter = meterOf();
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: PARTITIONS,
      eachBatch: async ({ batch }) => {
        meter.begin();
        let sum = 0;
        for (const message of batch.messages) {
          sum += (JSON.parse(message.value?.toString() ?? '') as { inFlight: number }).inFlight;
        }
        if (Number.isNaN(sum)) throw new Error('an event has no inFlight');
        meter.add(batch.messages.length);
      },
    });
    const measured = await meter.done;
    await consumer.disconnect();
    return measured;
  }

  async function runIngest(round: number): Promise<Measured> {
    const client = openRedis({ url: redis.url, log: silentLogger });
    const metrics = memoryMetrics();
    const state = redisStateStores({
      client,
      prefix: `bench-${round}:`,
      clock: systemClock,
      log: silentLogger,
      metrics,
    });
    const policies = policySet(workloadNames(WORKLOADS));
    const deps: IngestDeps = {
      clock: systemClock,
      log: silentLogger,
      metrics,
      state,
      policies: { current: async () => policies, refresh: async () => ({ changed: false, problems: [] }) },
      topics: DEFAULT_TOPICS,
    };
    const consumer = stream.consumer({
      group: `ingest-${round}`,
      topics: [DEFAULT_TOPICS.inferenceLoad],
      lookbackMs: 86_400_000,
    });
    const meter = meterOf();
    await consumer.start({
      onBatch: async (batch) => {
        meter.begin();
        const { answers } = await ingest(deps, [batch]);
        meter.add(batch.records.length);
        return answers.get(topicPartition(batch)) ?? {};
      },
      startOffset: (partition) => startOffset(deps, partition),
    });
    const measured = await meter.done;
    await consumer.stop();
    const applied = metrics.counter('ingest_events_applied_total');
    await state.close();
    if (applied !== events) throw new Error(`expected ${events} events applied, current value is ${applied}`);
    return measured;
  }
} finally {
  await kafka.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** From the first batch in hand to the last event done. */
function meterOf(): { begin(): void; add(count: number): void; readonly done: Promise<Measured> } {
  let resolve: ((measured: Measured) => void) | undefined;
  const done = new Promise<Measured>((settle) => {
    resolve = settle;
  });
  let [startMs, seen] = [0, 0];
  let cpu = process.cpuUsage();
  return {
    begin: () => {
      if (startMs > 0) return;
      startMs = systemClock.monotonicMs();
      cpu = process.cpuUsage();
    },
    add: (count) => {
      seen += count;
      if (seen < events) return;
      const used = process.cpuUsage(cpu);
      resolve?.({
        perSec: Math.round((events * 1_000) / (systemClock.monotonicMs() - startMs)),
        cpuMicrosPerEvent: Math.round(((used.user + used.system) * 100) / events) / 100,
      });
    },
    done,
  };
}

function report(
  pure: ReturnType<typeof measurePure>,
  rounds: readonly { parseOnly: Measured; ingest: Measured }[],
): void {
  const ratios = rounds.map((round) => round.ingest.perSec / round.parseOnly.perSec).toSorted((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
  const figures = { events, ...pure, rounds, ratioMedian: Math.round(median * 100) / 100, machine: machine() };
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else {
    process.stdout.write(`pure: ${JSON.stringify(pure)}\n`);
    for (const round of rounds) {
      process.stdout.write(
        `ingest ${round.ingest.perSec}/s (${round.ingest.cpuMicrosPerEvent} µs CPU an event), parse only ${round.parseOnly.perSec}/s (${round.parseOnly.cpuMicrosPerEvent} µs)\n`,
      );
    }
    process.stdout.write(`median ratio ${figures.ratioMedian}, ${figures.machine}\n`);
  }
}

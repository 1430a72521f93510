/**
 * How long from an event to the PATCH it causes, through real Kafka, Redis, BullMQ and HTTP, with the controller as a process of its own and nothing else
 * going on. Each sample is one event for a workload that was quiet so far; measured from the moment the producer is called to the moment
 * the whole PATCH has arrived at the API server. Run: npm run bench -- event-to-patch [--samples N] [--json].
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import { benchPolicy, machine, quantile, startRig, until } from './rig.ts';

const { values } = parseArgs({
  options: { samples: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
});
const samples = Number(values.samples);
/** Goal of the project [ms]. */
const P99_GOAL_MS = 250;
/** Two samples are so far apart that they share no batch and no evaluation [ms]; the jitter avoids beating with the schedule. */
const GAP_MS = 120;

const names = Array.from({ length: samples }, (_, index) => `model-${index}`);
const rig = await startRig(
  {
    world: {
      deployments: names.map((name) => ({ name, replicas: 1, gpusPerPod: 0, modelLoadSec: 1, imagePullSec: 0.1 })),
    },
    policies: names.map((name) => benchPolicy(name, 20)).join('---\n'),
    partitions: 4,
  },
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  process.env,
);

try {
  const producer = rig.stream.producer();
  await producer.send([{ topic: DEFAULT_TOPICS.inferenceLoad, key: 'nobody', value: null }]);
  const delays: number[] = [];
  for (const [index, name] of names.entries()) {
    const nowMs = systemClock.nowMs();
    const event = {
      schema: 'penstock.inference-load/1',
      workload: name,
      source: 'gateway/bench',
      intervalStartMs: nowMs - 1_000,
      intervalEndMs: nowMs,
      inFlight: 40,
      queued: 0,
    };
    const sentMs = systemClock.monotonicMs();
    await producer.send([{ topic: DEFAULT_TOPICS.inferenceLoad, key: name, value: JSON.stringify(event) }]);
    const path = `/deployments/${name}/scale`;
    const arrival = (): { monotonicMs: number } | undefined =>
      rig.cluster.requests.of('patch deployments/scale').find((request) => request.path.endsWith(path));
    await until(() => arrival() !== undefined, 20_000);
    delays.push((arrival()?.monotonicMs ?? Number.NaN) - sentMs);
    if (index % 50 === 49) process.stderr.write(`${index + 1} of ${samples} samples\n`);
    await systemClock.sleep(GAP_MS + Math.random() * GAP_MS);
  }
  await producer.close();
  const figures = {
    samples,
    p50Ms: round(quantile(delays, 0.5)),
    p90Ms: round(quantile(delays, 0.9)),
    p99Ms: round(quantile(delays, 0.99)),
    maxMs: round(Math.max(...delays)),
    goalP99Ms: P99_GOAL_MS,
    kafka: rig.kafkaVersion,
    redis: rig.redisVersion,
    machine: machine(),
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(figures)}\n`
      : `event → PATCH, ${samples} samples: p50 ${figures.p50Ms} ms, p90 ${figures.p90Ms} ms, p99 ${figures.p99Ms} ms, max ${figures.maxMs} ms (goal: p99 < ${P99_GOAL_MS} ms)\n` +
          `Kafka ${figures.kafka}, Redis ${figures.redis}, ${figures.machine}\n`,
  );
} finally {
  await rig.close();
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

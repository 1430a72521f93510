/**
 * A step of the load on the real path, Kafka to PATCH, counted in reports instead of seconds: which report of a gateway, every 2 s, holds enough of it. The memories of
 * the workloads are those of some minutes of steady Poisson arrivals; what is published from then on has no noise, so that the same report decides in every run.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import type { WorkloadStatus } from '../../lib/loop/status.ts';
import { arrivalsCourse, reported } from '../core/scaling/poisson.ts';
import type { Reached } from '../core/scaling/poisson.ts';
import { workloadPolicy } from '../core/builders.ts';
import { openStores } from '../state/support.ts';
import { rawKafka } from '../stream/kafka-support.ts';
import { testKafkaBrokers, testRedisUrl } from '../support/kafka-redis.ts';
import { buildTestCli, eventually, lastLog, openSite } from '../support/process-host.ts';
import type { Host, Site } from '../support/process-host.ts';
import { deployment, NAMESPACE, QUICK_WORLD } from '../support/process-host-scenes.ts';

const EVERY_SEC = 2;
const WARM_SEC = 300;
/** A whole number of reports and of the window's buckets, so that every run has them in the same phase. */
const PHASE_SEC = 10;

type Scene = {
  readonly name: string;
  readonly signal: Readonly<Record<string, unknown>>;
  readonly perSec: number;
  /** How much of the first report after it is over comes from the time after the step [s]. */
  readonly steppedSec: number;
};

const SCENES: readonly Scene[] = [
  { name: 'half', signal: { kind: 'requestRate', perReplicaPerSec: 5 }, perSec: 100, steppedSec: 1 },
  { name: 'tenth', signal: { kind: 'requestRate', perReplicaPerSec: 5 }, perSec: 100, steppedSec: 0.2 },
  { name: 'flight', signal: { kind: 'inFlight', perReplica: 8 }, perSec: 10, steppedSec: 1 },
];

const arrivalsOf = ({ perSec }: Scene) => ({ perSec, serviceSec: 3, factor: 2 });
const specOf = ({ name, signal }: Scene) => ({
  pool: name,
  target: { namespace: NAMESPACE, name },
  replicas: { min: 1, max: 200 },
  signals: [signal],
});

type Gateway = { readonly scene: Scene; endMs: number; inFlight: number; reports: number };

let cli: Awaited<ReturnType<typeof buildTestCli>> | undefined;
let stores: ReturnType<typeof openStores> | undefined;
let site: Site;
let host: Host;
const producer = rawKafka(testKafkaBrokers()).producer();
const gateways = new Map<string, Gateway>();

beforeAll(async () => {
  cli = await buildTestCli();
  const startMs = (Math.floor(systemClock.nowMs() / 1_000 / PHASE_SEC) * PHASE_SEC - WARM_SEC) * 1_000;
  const reached = SCENES.map((scene): readonly [Scene, Reached] => {
    const course = { policy: workloadPolicy(specOf(scene), scene.name), seed: 1, startMs, untilSec: WARM_SEC };
    return [scene, arrivalsCourse({ ...course, ...arrivalsOf(scene), everySec: EVERY_SEC })];
  });
  site = await openSite({
    script: cli.script,
    brokers: testKafkaBrokers(),
    redisUrl: testRedisUrl(),
    world: {
      ...QUICK_WORLD,
      deployments: reached.map(([{ name }, { replicas }]) => deployment({ name, replicas, gpusPerPod: 0 })),
      nodeGroups: [],
    },
    policies: SCENES.map((scene) => JSON.stringify(workloadPolicy(specOf(scene), scene.name))).join('\n---\n'),
  });
  stores = openStores({ url: testRedisUrl(), prefix: site.keyPrefix });
  for (const [scene, { window, control, inFlight }] of reached) {
    if (window === undefined || control === undefined) throw new Error('a course without a report');
    await stores.stores.load.apply(scene.name, () => ({ window, result: undefined }));
    await stores.stores.control.compareAndSet(scene.name, { control, latest: null }, undefined);
    gateways.set(scene.name, { scene, endMs: startMs + WARM_SEC * 1_000, inFlight, reports: 0 });
  }
  await producer.connect();
  host = await site.start();
});

afterAll(async () => {
  await producer.disconnect();
  await site?.close();
  await stores?.stores.close();
  await cli?.remove();
});

/** The report of the next two seconds, of which so many are after the step. */
async function report(gateway: Gateway, steppedSec: number): Promise<void> {
  const { scene, endMs, inFlight } = gateway;
  const arrivals = { ...arrivalsOf(scene), stepSec: EVERY_SEC - steppedSec };
  const over = { fromSec: 0, toSec: EVERY_SEC, inFlight, draw: Math.round };
  const { says, inFlightAfter } = reported(arrivals, over);
  gateway.endMs = endMs + EVERY_SEC * 1_000;
  gateway.inFlight = inFlightAfter;
  gateway.reports++;
  const event = {
    schema: 'penstock.inference-load/1',
    workload: scene.name,
    source: 'gateway/envoy',
    intervalStartMs: endMs,
    intervalEndMs: gateway.endMs,
    ...says,
  };
  await producer.send({
    topic: site.topics.inferenceLoad,
    messages: [{ key: scene.name, timestamp: String(gateway.endMs), value: JSON.stringify(event) }],
  });
}

/** The decision that knows of the gateway's last report. */
async function decided(gateway: Gateway): Promise<WorkloadStatus> {
  let found: WorkloadStatus | undefined;
  const isOfLast = async (): Promise<boolean> => {
    const workloads = (await host.view())?.status.workloads ?? [];
    found = workloads.find(({ workload }) => workload === gateway.scene.name);
    const ageMs = found?.inputs[0]?.ageMs ?? null;
    return ageMs !== null && (found?.decidedAtMs ?? 0) - ageMs === gateway.endMs;
  };
  const about = async (): Promise<string> => `${JSON.stringify(found)}\n${await lastLog(site)}`;
  await eventually(`report ${gateway.reports} of ${gateway.scene.name} is decided on`, isOfLast, { about });
  if (found === undefined) throw new Error('no decision');
  return found;
}

const patchedCounts = (name: string): number[] =>
  site.cluster.requests
    .of('patch deployments/scale')
    .filter(({ path }) => path.endsWith(`/${name}/scale`))
    .map(({ body }) => (JSON.parse(body) as { spec: { replicas: number } }).spec.replicas);

/** Steady reports up to now; then the load doubles. How many reports until one is answered by a PATCH of more replicas. */
async function reportsUntilRaised(name: string, reportsMax: number) {
  const gateway = gateways.get(name);
  if (gateway === undefined) throw new Error(`no gateway ${name}`);
  const { steppedSec } = gateway.scene;
  const stepFromMs = systemClock.nowMs() - (reportsMax + 1) * EVERY_SEC * 1_000;
  while (gateway.endMs + PHASE_SEC * 1_000 < stepFromMs) {
    for (let sec = 0; sec < PHASE_SEC; sec += EVERY_SEC) await report(gateway, 0);
  }
  const before = await decided(gateway);
  expect(before.inputs[0]?.value).toBeGreaterThan(0);
  expect(patchedCounts(name)).toEqual([]);
  for (let count = 1; count <= reportsMax; count++) {
    await report(gateway, count === 1 ? steppedSec : EVERY_SEC);
    const { wanted, binding } = await decided(gateway);
    if (wanted === null || wanted <= (before.wanted ?? Infinity)) continue;
    await eventually(`${name} is resized to ${wanted}`, () => Math.max(...patchedCounts(name)) >= wanted, {
      about: () => lastLog(site),
    });
    return { count, binding };
  }
  return { count: Infinity, binding: null };
}

describe('a step of the load, from Kafka to the PATCH', () => {
  test('100 requests/s that double: the first report raises the count when it has a second of the step, so within 3 s', async () => {
    expect(await reportsUntilRaised('half', 3)).toEqual({ count: 1, binding: 'surge' });
  });

  test('the next one does when the first has only a fifth of a second, still within 3 s', async () => {
    expect(await reportsUntilRaised('tenth', 3)).toEqual({ count: 2, binding: 'surge' });
  });

  test('10 requests/s that double, by requests in flight: raised by one of the first four reports, so within 10 s', async () => {
    const { count } = await reportsUntilRaised('flight', 6);
    expect(count).toBeLessThanOrEqual(4);
  });
});

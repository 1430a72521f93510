/** The process host is killed again and again under load: nothing is lost, nothing is counted twice. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { type Random, seededRandom } from '../../lib/base/random.ts';
import { emptyWindow } from '../../lib/core/window/load-window.ts';
import { naiveWindow, plainOf } from '../core/window/naive.ts';
import { openStores } from '../state/support.ts';
import { rawKafka } from '../stream/kafka-support.ts';
import { testKafkaBrokers, testRedisUrl } from '../support/kafka-redis.ts';
import { type LoadProducer, loadProducer } from '../support/load-producer.ts';
import { arrivedOf, keysOf, placesOf, type Places } from '../support/process-host-check.ts';
import { buildTestCli, eventually, type Host, lastLog, openSite, type Site } from '../support/process-host.ts';

const KILLS = 20;
const WORKLOADS = Array.from({ length: 10 }, (_, index) => `model-${index}`);
const SOURCES = 200;
const PARTITIONS = 4;
const ROUNDS = 100;
const EVENTS = WORKLOADS.length * SOURCES * ROUNDS;
/** The shortest interval an event may have [ms]. */
const ROUND_MS = 500;
/** What a consumer must not stumble over; null is a tombstone. */
const EXTRA = ['not JSON', '{"schema":"penstock.inference-load/9"}', null, '{"schema":'];

const SEED = 20_261_125;

/** The half of them that acts is also killed in the middle of resizes. */
const policies = WORKLOADS.map(
  (name, index) => `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: ${name} }
spec:
  mode: ${index % 2 === 0 ? 'act' : 'observe'}
  target: { name: ${name} }
  replicas: { max: 40 }
  signals: [{ kind: inFlight, perReplica: ${index + 2} }]
`,
).join('---\n');

/** When a life ends: before it reads anything, in the middle of its first applies, or later. */
type Moment = { readonly kind: 'joining' | 'applying' | 'running'; readonly delayMs: number };

function drawMoment(random: Random): Moment {
  const dice = random();
  if (dice < 0.2) return { kind: 'joining', delayMs: Math.floor(random() * 1_500) };
  if (dice < 0.75) return { kind: 'applying', delayMs: Math.floor(random() * 60) };
  return { kind: 'running', delayMs: 100 + Math.floor(random() * 900) };
}

describe('a process host that is killed under load', () => {
  let cli: Awaited<ReturnType<typeof buildTestCli>>;
  let site: Site;
  let producer: LoadProducer;
  const brokers = testKafkaBrokers();
  const admin = rawKafka(brokers).admin();

  beforeAll(async () => {
    cli = await buildTestCli();
    site = await openSite({
      script: cli.script,
      brokers,
      redisUrl: testRedisUrl(),
      partitions: PARTITIONS,
      world: { deployments: WORKLOADS.map((name) => ({ name, gpusPerPod: 0, modelLoadSec: 0.5, imagePullSec: 0.1 })) },
      policies,
      env: { PENSTOCK_KAFKA_SESSION_TIMEOUT_MS: '1500' },
    });
    await admin.connect();
    producer = await loadProducer({
      brokers,
      topic: site.topics.inferenceLoad,
      partitions: PARTITIONS,
      workloads: WORKLOADS,
      sourcesPerWorkload: SOURCES,
    });
  });
  afterAll(async () => {
    await producer?.close();
    await admin.disconnect();
    await site?.close();
    await cli?.remove();
  });

  test(`counts each of ${EVENTS} events once through ${KILLS} kills`, async () => {
    const random = seededRandom(SEED);
    const { stores, client } = openStores({ url: testRedisUrl(), prefix: site.keyPrefix });
    const places = (): Promise<Places> =>
      placesOf({ admin, stores, client, site, partitions: PARTITIONS, workloads: WORKLOADS });
    let kills = 0;
    const giveUp = new AbortController();
    const allowed = (): number => Math.min(ROUNDS, ((kills + 1) * ROUNDS) / KILLS);
    const sending = sendRounds(producer, { allowed, signal: giveUp.signal });
    const seen: string[] = [];
    try {
      for (; kills < KILLS; kills++) {
        const moment = drawMoment(random);
        const host = await site.start();
        await waitFor(moment, { host, site, version: () => client.hget(`${site.keyPrefix}:load:model-0`, 'v') });
        await host.kill();
        seen.push(`${moment.kind} +${moment.delayMs} ms: ${describePlaces(await places())}`);
      }
      await sending;
      const last = await site.start();
      const isDry = async (): Promise<boolean> => {
        const now = await places();
        return now.progress.every((offset, partition) => offset === (producer.ends[partition] ?? 0) - 1);
      };
      await eventually('all is applied', isDry, { about: () => lastLog(site) });
      await eventually('the outbox is empty', async () => (await last.view())?.status.outbox === 0);
      // Actuation was killed, too, and must have found its way back.
      const isActedOn = async (): Promise<boolean> =>
        (await last.view())?.status.workloads.every(
          ({ workload, mode, wanted }) =>
            mode !== 'act' || site.world.deployment({ namespace: 'default', name: workload }).replicas === wanted,
        ) === true;
      await eventually('every Deployment is as wanted', isActedOn, { about: () => lastLog(site) });
      expect(await last.stop()).toBe(0);
      const end = await places();
      process.stderr.write(`seed ${SEED}, kills:\n${seen.map((line) => `  ${line}\n`).join('')}`);

      expect(end.ends).toEqual(producer.ends);
      expect(end.progress).toEqual(producer.ends.map((offset) => offset - 1));
      expect(end.committed).toEqual(producer.ends);
      let [arrived, expected] = [0, 0];
      for (const workload of WORKLOADS) {
        const sent = producer.sent.get(workload) ?? [];
        const window = end.windows.get(workload) ?? emptyWindow();
        expect(plainOf(window)).toEqual(naiveWindow(sent));
        expect({ workload, holdUntilMs: window.holdUntilMs }).toEqual({ workload, holdUntilMs: 0 });
        arrived += arrivedOf(window);
        expected += sent.length;
      }
      expect({ arrived, expected }).toEqual({ arrived: EVENTS, expected: EVENTS });
      const letters = await keysOf(brokers, site.topics.deadLetter);
      expect([...new Set(letters)].toSorted()).toEqual(producer.poisoned.toSorted());
      expect(producer.poisoned).toHaveLength(ROUNDS * EXTRA.filter((value) => value !== null).length);
      // The moments are what makes this test one: some lives must have ended between two writes of one batch.
      expect(seen.filter((line) => /^(applying|running).* in a batch/.test(line)).length).toBeGreaterThanOrEqual(3);
    } finally {
      giveUp.abort();
      await sending.catch(() => {});
      await stores.close();
    }
    // Twenty lives, one after the other.
  }, 900_000);
});

/** Sends all rounds, each at least an interval after the one before, never more than `allowed()`. */
async function sendRounds(
  producer: LoadProducer,
  { allowed, signal }: { readonly allowed: () => number; readonly signal: AbortSignal },
): Promise<void> {
  let startMs = systemClock.nowMs() - ROUND_MS;
  for (let round = 0; round < ROUNDS && !signal.aborted;) {
    const endMs = systemClock.nowMs();
    if (round >= allowed() || endMs - startMs < ROUND_MS) {
      await systemClock.sleep(20);
      continue;
    }
    await producer.send({ startMs, endMs }, EXTRA);
    startMs = endMs;
    round++;
  }
}

async function waitFor(
  moment: Moment,
  of: { readonly host: Host; readonly site: Site; readonly version: () => Promise<string | null> },
): Promise<void> {
  const { host, site, version } = of;
  if (moment.kind !== 'joining') {
    const before = await version();
    const isAtWork = async (): Promise<boolean> => host.exitCode() !== null || (await version()) !== before;
    await eventually('the first apply of a life', isAtWork, { about: () => lastLog(site) });
  }
  await systemClock.sleep(moment.delayMs);
  // It must be our signal that ends it.
  expect(host.exitCode()).toBeNull();
}

function describePlaces({ windows, progress, committed, ends }: Places): string {
  let ahead = 0;
  for (const window of windows.values()) {
    for (const [key, mark] of window.applied) {
      if (mark.offset > (progress[Number(key.split('-').at(-1))] ?? -1)) ahead++;
    }
  }
  const uncommitted = progress.filter((offset, partition) => offset + 1 > (committed[partition] ?? 0)).length;
  const left = ends.reduce((sum, end, partition) => sum + end - 1 - (progress[partition] ?? -1), 0);
  const where = ahead > 0 ? 'in a batch' : uncommitted > 0 ? 'before a commit' : 'between batches';
  return `${where} (${ahead} windows ahead of the progress, ${uncommitted} partitions not committed, ${left} records to come)`;
}

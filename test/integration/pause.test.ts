/** The kill switch with a real queue full of work, and real Redis. */
import { expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { CONCURRENCY_DEFAULT } from '../../lib/action-queue/bullmq-parts.ts';
import type { Plan } from '../../lib/core/types.ts';
import { actuate } from '../../lib/loop/actuate/actuate.ts';
import { pause } from '../../lib/loop/pauses.ts';
import { redisKit, until } from '../action-queue/support.ts';
import { workloadPolicy } from '../core/builders.ts';
import { actuateWorld } from '../loop/actuate/world.ts';
import { openStores } from '../state/support.ts';
import { testRedisUrl, uniqueName } from '../support/kafka-redis.ts';

const JOBS = 400;

/** How long a write takes [ms]. */
const WRITE_MS = 20;

test('with a queue full of work, no write begins once the pause is stored', async () => {
  const { stores } = openStores({ url: testRedisUrl(), prefix: uniqueName('pause') });
  const names = Array.from({ length: JOBS }, (_, index) => `llama-${index}`);
  const world = actuateWorld();
  const { targets } = world;
  const begun: string[] = [];
  /** Whose step began when the pause was stored already. */
  const late = new Set<string>();
  let isStored = false;
  const slow = {
    ...targets,
    scale: async (...call: Parameters<typeof targets.scale>) => {
      begun.push(call[0].name);
      await systemClock.sleep(WRITE_MS);
      return targets.scale(...call);
    },
  };
  const deps = {
    ...world.deps,
    clock: systemClock,
    log: silentLogger,
    state: stores,
    targets: new Map([['*', slow]]),
    policies: {
      ...world.deps.policies,
      current: async () => ({
        ...(await world.deps.policies.current()),
        workloads: new Map(names.map((name) => [name, workloadPolicy({}, name)])),
      }),
    },
  };
  for (const name of names) targets.put({ kind: 'Deployment', namespace: 'default', name }, 3);
  await stores.plans.compareAndSet('default', planOf(names), undefined);
  const kit = redisKit();
  const [queue, worker] = [kit.openQueue(), kit.openWorker()];
  try {
    await queue.wake(names.map((id) => ({ kind: 'target', pool: 'default', id })));
    await worker.start(
      (job, context) => {
        if (isStored) late.add(job.id);
        return actuate(deps, job, context);
      },
      async () => {},
    );
    await until(() => begun.length >= 10);
    await pause({ clock: systemClock, state: stores }, { kind: 'all' }, { by: 'jo', reason: '' });
    isStored = true;
    const begunBefore = begun.length;
    await until(async () => (await queue.depth()) === 0);
    // A step that was told "not paused" just before may still begin its one write; a step takes 3 s at most. No other does.
    expect(begun.filter((name) => late.has(name))).toEqual([]);
    expect(begun.length - begunBefore).toBeLessThanOrEqual(CONCURRENCY_DEFAULT);
    expect(late.size).toBeGreaterThan(0);
    expect((await stores.actuation.read(`target/${names.at(-1)}`))?.value).toMatchObject({ outcome: 'refused' });
  } finally {
    await worker.close();
    await queue.close();
    await stores.close();
  }
});

function planOf(names: readonly string[]): Plan {
  const atMs = systemClock.nowMs();
  const targets = names.map((name): [string, Plan['targets'][string]] => [
    name,
    {
      workload: name,
      ref: { kind: 'Deployment', namespace: 'default', name },
      mode: 'act',
      replicas: 5,
      observed: { replicas: 3, generation: 1 },
      bounds: { min: 1, max: 40 },
      decision: 'd_1',
    },
  ]);
  return { pool: 'default', seq: atMs, atMs, kind: 'full', targets: Object.fromEntries(targets), nodeGroups: {} };
}

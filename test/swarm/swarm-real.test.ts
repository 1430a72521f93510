/** The same suites on a real Swarm manager; only where `PENSTOCK_TEST_SWARM` names one (docs/targets.md says how to start one). */
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { recordOf } from '../../lib/clients/json-values.ts';
import { readService } from '../../lib/clients/docker-engine-services.ts';
import { swarmView } from '../../lib/cluster-view/swarm.ts';
import { swarmServiceName } from '../../lib/core/target-names.ts';
import { swarmService } from '../../lib/targets/swarm-service.ts';
import { targetConformance } from '../conformance/target.ts';
import { workloadPolicy } from '../core/builders.ts';
import { SWARM_ADDRESS, createService } from './real-swarm.ts';
import type { RealService } from './real-swarm.ts';

/** What a manager and an engine need to start or stop a few containers [ms]. */
const SETTLE_MS_MAX = 30_000;

if (SWARM_ADDRESS === undefined) {
  test.skip('a real Swarm (left out: PENSTOCK_TEST_SWARM names none)', () => {});
} else {
  realSwarm();
}

async function until<T>(look: () => Promise<T>, isThere: (seen: T) => boolean): Promise<T> {
  const endMs = systemClock.nowMs() + SETTLE_MS_MAX;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (systemClock.nowMs() > endMs) throw new Error(`not there in time: ${JSON.stringify(seen)}`);
    await systemClock.sleep(200);
  }
}

function observer(service: RealService) {
  return async () => {
    const policy = workloadPolicy({ target: service.ref }, 'llama');
    const view = swarmView({ engine: service.engine, clock: systemClock });
    const target = (await view.observe({ workloads: [policy], nodeGroups: [] })).targets['llama'];
    if (target?.kind !== 'observed') throw new Error(target?.reason ?? 'nothing');
    return target;
  };
}

function realSwarm(): void {
  const open: RealService[] = [];
  const create = async (of: Parameters<typeof createService>[0]): Promise<RealService> => {
    const service = await createService(of);
    open.push(service);
    return service;
  };
  const removeAll = async (): Promise<void> => {
    for (const service of open.splice(0)) await service.remove();
  };

  targetConformance('swarmService on a real Swarm', async () => {
    const service = await create({ replicas: 3 });
    return {
      target: swarmService(service.engine),
      ref: service.ref,
      put: (replicas) => service.update((spec) => ({ ...spec, Mode: { Replicated: { Replicas: replicas } } })),
      touch: () => service.update((spec) => spec),
      remove: () => service.remove(),
      close: removeAll,
    };
  });

  describe('a real Swarm', () => {
    afterEach(removeAll);

    test('a resize starts and stops tasks and touches none that stays', async () => {
      const service = await create({ replicas: 2 });
      const observe = observer(service);
      const target = swarmService(service.engine);
      await until(observe, (seen) => seen.ready === 2);
      const before = (await service.tasks()).map((task) => task.id);
      await target.scale(service.ref, { replicas: 4, expected: await target.read(service.ref), planSeq: 1 });
      const grown = await until(observe, (seen) => seen.ready === 4);
      expect(grown).toMatchObject({ replicas: 4, rolloutInProgress: false });
      expect((await service.tasks()).map((task) => task.id)).toEqual(expect.arrayContaining(before));
      await target.scale(service.ref, { replicas: 1, expected: await target.read(service.ref), planSeq: 2 });
      await until(observe, (seen) => seen.pods.length === 1);
      expect(before).toContain((await service.tasks())[0]?.id);
    });

    test('tasks beyond the GPUs are seen as not schedulable', async () => {
      const service = await create({ replicas: 2, reservation: { kind: 'penstock-no-such-gpu', value: 1 } });
      const seen = await until(
        observer(service),
        ({ pods }) => pods.length === 2 && pods.every((pod) => pod.unschedulable),
      );
      expect(seen).toMatchObject({ ready: 0, gpusPerReplica: { 'nvidia.com/gpu': 1 } });
    });

    test('a forced update is another generation, and a rollout until it is over', async () => {
      const service = await create({ replicas: 1 });
      const observe = observer(service);
      const { generation } = await until(observe, (seen) => seen.ready === 1);
      await service.update((spec) => ({
        ...spec,
        TaskTemplate: { ...recordOf(spec['TaskTemplate']), ForceUpdate: 1 },
      }));
      const rolling = await until(observe, (seen) => seen.rolloutInProgress);
      expect(rolling.generation).not.toBe(generation);
      const over = await until(observe, (seen) => !seen.rolloutInProgress && seen.ready === 1);
      expect(over.generation).toBe(rolling.generation);
    });

    test('limits that JavaScript numbers cannot hold survive a resize', async () => {
      const limit = '9223372036854775807';
      const service = await create({ replicas: 0, ulimits: `[{"Name":"memlock","Soft":${limit},"Hard":${limit}}]` });
      const target = swarmService(service.engine);
      const before = await readService(service.engine, swarmServiceName(service.ref), 'read');
      expect(JSON.stringify(before.spec)).toContain(limit);
      await target.scale(service.ref, { replicas: 0, expected: await target.read(service.ref), planSeq: 1 });
      await service.update((spec) => spec);
      const after = await readService(service.engine, swarmServiceName(service.ref), 'read');
      expect(after.spec).toEqual(before.spec);
      expect(after.index).not.toBe(before.index);
    });
  });
}

import { describe, expect, test } from '@jest/globals';
import type { ControllerView } from '../../../../lib/cli/demo/processes/controller-client.ts';
import { NAMESPACE, worldSettings } from '../../../../lib/cli/demo/scene.ts';
import { simulatedFleet } from '../../../../lib/cli/demo/cluster/simulated-fleet.ts';
import { makeTraffic } from '../../../../lib/cli/demo/traffic.ts';
import { newDecisions, viewOf } from '../../../../lib/cli/demo/view/view-model.ts';
import type { ViewInput } from '../../../../lib/cli/demo/view/view-model.ts';
import { readStatus } from '../../../../lib/loop/status.ts';
import type { WorkloadStatus } from '../../../../lib/loop/status.ts';
import { createWorld } from '../../../../lib/simulator/world/world.ts';
import type { World } from '../../../../lib/simulator/world/world.ts';
import { memoryStatusDeps } from '../../../support/builders-loop.ts';

const START_MS = 1_763_920_800_000;

async function controller(
  workloads: readonly Partial<WorkloadStatus>[],
  metrics: readonly (readonly [string, number])[] = [],
): Promise<ControllerView> {
  const status = await readStatus(memoryStatusDeps());
  const [base] = status.workloads;
  if (base === undefined) throw new Error('expected a workload');
  return {
    status: { ...status, workloads: workloads.map((over) => ({ ...base, ...over })) },
    metrics: new Map(metrics),
  };
}

function input(over: Partial<ViewInput> & { readonly world?: World } = {}): ViewInput {
  const { world = createWorld(worldSettings(120), START_MS), ...rest } = over;
  const fleet = simulatedFleet(world);
  return {
    traffic: makeTraffic({ fleet, cloud: world, startMs: START_MS, durationMs: 60_000 }),
    fleet,
    cloud: world,
    controller: undefined,
    doneRatio: 0,
    servers: '',
    livePage: '',
    hints: [],
    eventsProduced: 0,
    eventsPerSec: 0,
    patches: 0,
    decisions: [],
    alerts: [],
    ...rest,
  };
}

describe('viewOf', () => {
  test('shows the world as it is while the controller does not answer', () => {
    const view = viewOf(input());
    expect(view.models.map(({ name, ready, starting, wanted }) => [name, ready, starting, wanted])).toEqual([
      ['llama-8b-chat', 1, 0, 1],
      ['qwen-32b-agent', 2, 0, 2],
      ['image-batch', 0, 0, 0],
    ]);
    expect(view.nodeGroups.map(({ name, ready, launching, wanted }) => [name, ready, launching, wanted])).toEqual([
      ['g6-od', 1, 0, 1],
      ['g7e-od', 2, 0, 2],
      ['p5-od', 0, 0, 0],
    ]);
    expect(view.usdPerHour).toBeCloseTo(0.8048 + 2 * 8.286, 6);
    expect(view.eventToPatchP50Ms).toBeUndefined();
  });

  test('shows what the controller wants, and what it counted', async () => {
    const view = viewOf(
      input({
        controller: await controller(
          [{ workload: 'llama-8b-chat', wanted: 9 }],
          [
            ['penstock_ingest_dead_lettered_total', 3],
            ['penstock_event_to_patch_ms{quantile="0.5"}', 83],
            ['penstock_event_to_patch_ms_count', 1],
          ],
        ),
      }),
    );
    expect(view.models.map(({ wanted }) => wanted)).toEqual([9, 2, 0]);
    expect(view.eventsDeadLettered).toBe(3);
    expect(view.eventToPatchP50Ms).toBe(83);
  });

  test('tells starting replicas and booting nodes from ready ones, and those that go from both', () => {
    const world = createWorld(worldSettings(120), START_MS);
    world.scale({ namespace: NAMESPACE, name: 'llama-8b-chat' }, 4);
    world.scale({ namespace: NAMESPACE, name: 'qwen-32b-agent' }, 1);
    world.updateNodeGroup('g6-od', { desiredSize: 3, token: 'three' });
    world.advanceTo(START_MS + 1_000);
    const view = viewOf(input({ world }));
    expect(view.models[0]).toMatchObject({ ready: 1, starting: 3 });
    expect(view.models[1]).toMatchObject({ ready: 1, starting: 0 });
    expect(view.nodeGroups[0]).toMatchObject({ ready: 1, launching: 2 });
    for (const node of world.readyNodes('g7e-od')) world.cordon(node, true);
    expect(viewOf(input({ world })).nodeGroups[1]).toMatchObject({ ready: 2, draining: 2 });
  });
});

const seen = () => ({ wanted: new Map<string, number>(), hour: 9.5 });

describe('newDecisions', () => {
  const llama = { workload: 'llama-8b-chat', current: 4, because: 'b' };

  test('are the changes of the wanted count since the last look, each once', async () => {
    const state = seen();
    expect(newDecisions(await controller([{ ...llama, wanted: 9 }]), state)).toEqual([
      { hour: 9.5, workload: 'llama-8b-chat', from: 4, to: 9, because: 'b' },
    ]);
    expect(newDecisions(await controller([{ ...llama, wanted: 9 }]), state)).toEqual([]);
    expect(newDecisions(await controller([{ ...llama, wanted: 6 }]), state)).toMatchObject([{ from: 9, to: 6 }]);
  });

  test('are none before the first decision, and none where it wants what there is', async () => {
    expect(newDecisions(await controller([{ ...llama, wanted: null }]), seen())).toEqual([]);
    expect(newDecisions(await controller([{ ...llama, wanted: 4 }]), seen())).toEqual([]);
  });

  test('come from nowhere where the target was not observed, and need no sentence', async () => {
    expect(newDecisions(await controller([{ ...llama, current: null, wanted: 2, because: null }]), seen())).toEqual([
      { hour: 9.5, workload: 'llama-8b-chat', from: null, to: 2, because: '' },
    ]);
  });
});

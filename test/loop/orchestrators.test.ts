/** From events to a resized Swarm service or Marathon app: the stages as they are, the adapters as the host opens them, the API behind HTTP. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { clusterViewByKind } from '../../lib/cluster-view/by-kind.ts';
import { secretsResolver } from '../../lib/clients/secrets.ts';
import { readConfig } from '../../lib/hosts/config.ts';
import { noDrainer } from '../../lib/hosts/no-cluster.ts';
import { openOrchestrators } from '../../lib/hosts/orchestrators.ts';
import { actuate } from '../../lib/loop/actuate/actuate.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import type { ActuateDeps, EvaluateDeps, IngestDeps } from '../../lib/loop/deps.ts';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { ingest } from '../../lib/loop/ingest/ingest.ts';
import { createMemoryPolicySource } from '../../lib/policy-source/memory.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';
import { workloadPolicy } from '../core/builders.ts';
import { startSwarm } from '../emulators/docker-swarm.ts';
import { PATIENT_MS } from '../support/patience.ts';
import type { Emulator } from '../emulators/http-emulator.ts';
import { startMarathon } from '../emulators/marathon.ts';
import { inferenceLoad } from '../events/builders.ts';
import { recordingQueue } from '../support/builders-loop.ts';
import { batchOf } from './ingest/support.ts';

type Orchestrator = {
  readonly emulator: Emulator;
  readonly env: Readonly<Record<string, string>>;
  readonly writeMethod: 'POST' | 'PUT';
  count(): number;
  /** Writes the count as somebody else. */
  setCount(count: number): void;
  /** What was asked for is there. */
  settle(): void;
};

const ORCHESTRATORS: Readonly<Record<string, (clock: VirtualClock) => Promise<Orchestrator>>> = {
  SwarmService: async (clock) => {
    const swarm = await startSwarm({ nowMs: () => clock.nowMs(), nodes: [20, 20] });
    swarm.create('inference_llama', { replicas: 3 });
    return {
      emulator: swarm,
      env: { PENSTOCK_DOCKER_HOST: swarm.endpoint.url.href },
      writeMethod: 'POST',
      count: () => swarm.service('inference_llama').Spec.Mode.Replicated?.Replicas ?? Number.NaN,
      setCount: (count) => swarm.scale('inference_llama', count),
      settle: () => swarm.release(),
    };
  },
  MarathonApp: async (clock) => {
    const marathon = await startMarathon({ nowMs: () => clock.nowMs(), instant: false });
    marathon.create('/inference/llama', { instances: 3 });
    return {
      emulator: marathon,
      env: { PENSTOCK_MARATHON_URL: marathon.endpoint.url.href },
      writeMethod: 'PUT',
      count: () => marathon.app('/inference/llama').instances,
      setCount: (count) => marathon.scale('/inference/llama', count),
      settle: () => marathon.settle(),
    };
  },
};

const nothing = async (): Promise<void> => {};

/** One controller: everything between an event and a write, with state that others may share. */
async function controller(
  kind: string,
  { clock, state, orchestrator }: { clock: VirtualClock; state: StateStores; orchestrator: Orchestrator },
) {
  const { env } = orchestrator;
  const { targets, views } = await openOrchestrators(readConfig(env), {
    clock,
    secrets: secretsResolver({ clock, env }),
    timeoutMs: PATIENT_MS,
  });
  const queue = recordingQueue(clock);
  const target = { kind, namespace: 'inference', name: 'llama' };
  const deps: IngestDeps & EvaluateDeps & ActuateDeps = {
    clock,
    log: silentLogger,
    metrics: memoryMetrics(),
    state,
    topics: DEFAULT_TOPICS,
    policies: createMemoryPolicySource({
      documents: [
        // A Marathon app gives its tasks 3 s unless it says more, and the requests here take longer.
        workloadPolicy({ target, leadTimeSec: 60, scaleDown: { allowShortGrace: true } }, 'llama'),
      ],
    }),
    queue,
    clusterView: clusterViewByKind({ views, otherwise: 'PENSTOCK_KUBERNETES is none', clock }),
    targets: new Map(targets),
    provisioners: new Map(),
    drainer: noDrainer,
    wake: { evaluate: nothing, actuate: nothing, notify: nothing },
    hooks: async () => new Map(),
  };
  const evaluate = makeEvaluate(deps, { shareSnapshots: true });
  return {
    ingest: (batch: ReturnType<typeof batchOf>) => ingest(deps, [batch]),
    evaluate,
    /** Works off what the queue was woken with; a failed job is not tried again here. */
    act: async (): Promise<void> => {
      for (const job of queue.woken.splice(0)) await actuate(deps, job, { attempt: 1 }).catch(() => {});
    },
    outcome: async () => (await state.actuation.read('target/llama'))?.value,
  };
}

/** Writes that were accepted. */
function writes({ emulator, writeMethod }: Orchestrator): number {
  return emulator.requests.filter((asked) => asked.method === writeMethod && asked.status === 200).length;
}

describe.each(Object.keys(ORCHESTRATORS))('the loop on a %s', (kind) => {
  const open: Emulator[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  /** Three replicas that are busy as they should be, for longer than a window. */
  const start = async () => {
    const clock = new VirtualClock();
    const state = memoryStateStores();
    const orchestrator = await ORCHESTRATORS[kind]?.(clock);
    if (orchestrator === undefined) throw new Error(`no orchestrator ${kind}`);
    open.push(orchestrator.emulator);
    const one = await controller(kind, { clock, state, orchestrator });
    let offset = 0;
    /** A gateway that reports every 2 s. */
    const reports = (sec: number, inFlight: number) =>
      Array.from({ length: sec / 2 }, (_, index) => {
        const intervalEndMs = clock.nowMs() - sec * 1_000 + (index + 1) * 2_000;
        const interval = { intervalStartMs: intervalEndMs - 2_000, intervalEndMs };
        const value = inferenceLoad({ workload: 'llama', source: 'gateway/edge', ...interval, inFlight, queued: 0 });
        return { value, offset: offset++, timestampMs: intervalEndMs };
      });
    /** Everything is evaluated every 10 s. `inFlight: null`: silence. */
    const pass = async (sec: number, inFlight: number | null) => {
      for (let passed = 0; passed < sec; passed += 10) {
        await clock.advance(10_000);
        if (inFlight !== null) await one.ingest(batchOf(0, reports(10, inFlight)));
        await one.evaluate({ kind: 'leading', workloads: ['llama'] });
        await one.act();
        await one.evaluate({ kind: 'full' });
        await one.act();
      }
    };
    await one.ingest(batchOf(0, reports(960, 20)));
    await pass(20, 20);
    orchestrator.settle();
    return { clock, state, orchestrator, one, pass, reports };
  };
  test('more load raises it at the next events, less lowers it when that has lasted', async () => {
    const { orchestrator, pass, one } = await start();
    const usual = orchestrator.count();
    expect(usual).toBeGreaterThanOrEqual(3);
    await pass(10, 80);
    const raised = orchestrator.count();
    expect(raised).toBeGreaterThanOrEqual(10);
    expect(await one.outcome()).toMatchObject({ outcome: expect.stringMatching(/applied|already/) });
    orchestrator.settle();
    await pass(300, 8);
    expect(orchestrator.count()).toBeLessThan(usual);
    expect(orchestrator.count()).toBeGreaterThanOrEqual(1);
  });

  test('while it cannot be seen nothing is lowered, and everything goes on when it is back', async () => {
    const { orchestrator, pass } = await start();
    await pass(10, 80);
    orchestrator.settle();
    const raised = orchestrator.count();
    orchestrator.emulator.fail({
      kind: 'answer',
      method: 'GET',
      answer: { status: 500, body: { message: 'no leader' } },
    });
    const before = writes(orchestrator);
    await pass(300, 8);
    expect([orchestrator.count(), writes(orchestrator)]).toEqual([raised, before]);
    orchestrator.emulator.heal();
    await pass(120, 8);
    expect(orchestrator.count()).toBeLessThan(raised);
  });

  test('load that is not heard of is not taken for none', async () => {
    const { orchestrator, pass } = await start();
    const usual = orchestrator.count();
    await pass(300, null);
    expect(orchestrator.count()).toBe(usual);
  });

  test('a count that somebody else wrote is left alone for a minute', async () => {
    const { orchestrator, pass, one } = await start();
    await pass(10, 80);
    orchestrator.settle();
    orchestrator.setCount(30);
    orchestrator.settle();
    const before = writes(orchestrator);
    await pass(50, 80);
    expect([orchestrator.count(), writes(orchestrator)]).toEqual([30, before]);
    expect(await one.outcome()).toMatchObject({ foreignWrite: { count: 30 } });
  });

  test('of two controllers on the same state one writes, and neither undoes it', async () => {
    const { clock, state, orchestrator, one, reports } = await start();
    const other = await controller(kind, { clock, state, orchestrator });
    const both = async () => {
      await Promise.all([one, other].map((each) => each.evaluate({ kind: 'full' })));
      await Promise.all([one, other].map((each) => each.act()));
    };
    await both();
    const before = writes(orchestrator);
    await clock.advance(10_000);
    await one.ingest(batchOf(0, reports(10, 100)));
    await both();
    const planned = (await state.plans.read('default'))?.value.targets['llama']?.replicas;
    expect(planned).toBeGreaterThan(6);
    expect([orchestrator.count(), writes(orchestrator) - before]).toEqual([planned, 1]);
    await both();
    expect([orchestrator.count(), writes(orchestrator) - before]).toEqual([planned, 1]);
  });
});

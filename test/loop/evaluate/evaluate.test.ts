import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { TransientError } from '../../../lib/base/errors.ts';
import type { WorkloadControl } from '../../../lib/core/decide-types.ts';
import type { Plan } from '../../../lib/core/types.ts';
import { makeEvaluate } from '../../../lib/loop/evaluate/evaluate.ts';
import type { Evaluate, EvaluateRequest } from '../../../lib/loop/evaluate/evaluate.ts';
import type { StoredControl } from '../../../lib/loop/stored-control.ts';
import { OUTBOX_LENGTH_MAX } from '../../../lib/state/contract.ts';
import type { StateStores } from '../../../lib/state/contract.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import { busyNode, groupPolicy, node, observed, observedGroup, workloadPolicy } from '../../core/builders.ts';
import { inferenceLoad } from '../../events/builders.ts';
import { changeLoad, loopWorld, outbox, recorded, report } from '../../support/builders-loop.ts';
import type { LoopWorld } from '../../support/builders-loop.ts';

const LLAMA = 'llama-8b-chat';
const QWEN = 'qwen-32b';
const FULL = { kind: 'full' } as const;

/** Two workloads that share a pool, without nodes, and a window of a minute for decreases. */
const SPEC = { leadTimeSec: 60 };
const pair = (spec: Record<string, unknown> = {}): unknown[] => [
  workloadPolicy({ ...SPEC, ...spec }, LLAMA),
  workloadPolicy({ ...SPEC, ...spec }, QWEN),
];

/** Four replicas of each workload run on four nodes, and serve what four replicas serve. */
async function settled(over: Parameters<typeof loopWorld>[0] = {}): Promise<LoopWorld & { evaluate: Evaluate }> {
  const world = loopWorld(over);
  const { workloads, nodeGroups } = await world.policies.current();
  for (const name of workloads.keys()) {
    world.view.targets.set(name, observed(4));
    await report(world, { workload: name, inFlight: 24 });
  }
  const nodes = [0, 1, 2, 3].map((index) => busyNode(`node-${index}`));
  for (const name of nodeGroups.keys()) world.view.nodeGroups.set(name, observedGroup(nodes));
  const evaluate = makeEvaluate(world.deps, { shareSnapshots: false });
  return { ...world, evaluate };
}

async function planOf(world: Pick<LoopWorld, 'state'>, pool = 'default'): Promise<Plan> {
  const plan = await world.state.plans.read(pool);
  if (plan === undefined) throw new Error(`expected a plan of pool ${pool}`);
  return plan.value;
}

const replicasOf = async (world: Pick<LoopWorld, 'state'>, workload = LLAMA): Promise<number | undefined> =>
  (await planOf(world)).targets[workload]?.replicas;

const controlOf = async (world: Pick<LoopWorld, 'state'>, workload = LLAMA): Promise<WorkloadControl | undefined> =>
  ((await world.state.control.read(workload))?.value as StoredControl | undefined)?.control;

const outOfReach = (): Promise<never> => Promise.reject(new TransientError('Cannot reach Redis'));

const leading = (...workloads: string[]): EvaluateRequest => ({ kind: 'leading', workloads });

/** Another load than so far, for as long as the read span. */
const load = (world: LoopWorld, inFlight: number, workload = LLAMA): Promise<void> =>
  changeLoad(world, { workload, inFlight, before: 24 });

/** Lets time pass with reports every two seconds and full evaluations every ten. */
async function live(world: LoopWorld & { evaluate: Evaluate }, sec: number, inFlight: number): Promise<void> {
  for (let passed = 0; passed < sec; passed += 10) {
    await world.clock.advance(10_000);
    const { workloads } = await world.policies.current();
    for (const workload of workloads.keys()) await report(world, { workload, inFlight, forSec: 10 });
    await world.evaluate(FULL);
  }
}

/** Before the first `times` writes of a plan, another evaluator is faster. */
function contested(world: LoopWorld, options: { times: number; other: (round: number) => Promise<unknown> }) {
  let round = 0;
  const { plans } = world.state;
  const state: StateStores = {
    ...world.state,
    plans: {
      ...plans,
      compareAndSet: async (pool, plan, expected) => {
        if (round < options.times) await options.other(round++);
        return plans.compareAndSet(pool, plan, expected);
      },
    },
  };
  return makeEvaluate({ ...world.deps, state }, { shareSnapshots: false });
}

/** Every call of these stores waits for its turn; `onPlan` is told each plan that was stored. */
function scheduled(
  state: StateStores,
  options: { readonly scheduler: fc.Scheduler; readonly onPlan: (plan: Plan) => void },
): StateStores {
  const turn = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    await options.scheduler.schedule(Promise.resolve(), name);
    return call();
  };
  return {
    ...state,
    load: { ...state.load, readMany: (ids) => turn('read windows', () => state.load.readMany(ids)) },
    control: {
      ...state.control,
      readMany: (ids) => turn('read memory', () => state.control.readMany(ids)),
      compareAndSet: (...args) => turn('write memory', () => state.control.compareAndSet(...args)),
    },
    plans: {
      ...state.plans,
      read: (pool) => turn('read plan', () => state.plans.read(pool)),
      compareAndSet: (pool, plan, expected) =>
        turn('write plan', async () => {
          const isStored = await state.plans.compareAndSet(pool, plan, expected);
          if (isStored) options.onPlan(plan);
          return isStored;
        }),
    },
  };
}

describe('a full evaluation', () => {
  test('stores a plan and wakes the target and the node group that differ from it', async () => {
    const world = await settled();
    await load(world, 64);
    const result = await world.evaluate(FULL);
    const plan = await planOf(world);
    expect(plan.targets[LLAMA]?.replicas).toBeGreaterThan(8);
    expect(plan.nodeGroups['g5-od']?.nodes).toBe(plan.targets[LLAMA]?.replicas);
    expect(world.queue.take()).toEqual([`target/${LLAMA}`, 'nodeGroup/g5-od']);
    expect(result).toEqual({ pools: ['default'], decided: 1, woken: 2, failed: [] });
    expect(world.wakes).toEqual(['actuate', 'notify']);
  });

  test('wakes nobody where the cluster is as planned', async () => {
    const world = await settled();
    expect(await world.evaluate(FULL)).toMatchObject({ decided: 1, woken: 0 });
    expect(await replicasOf(world)).toBe(4);
    expect(world.queue.take()).toEqual([]);
  });

  test('wakes the one target that differs, and not the other', async () => {
    const world = await settled({ documents: pair() });
    await load(world, 64, QWEN);
    await world.evaluate(FULL);
    expect(world.queue.take()).toEqual([`target/${QWEN}`]);
  });

  test('wakes a group whose drain is under way although nothing is to be freed any more, so that it is undone', async () => {
    const world = await settled();
    const drain = { nodeName: 'node-0', instanceId: 'i-0', stage: 'evicting', startedMs: 0, detail: '' } as const;
    await world.state.actuation.compareAndSet(
      'nodeGroup/g5-od',
      { planSeq: 1, outcome: 'inProgress', detail: '', atMs: 0, failures: 0, notBeforeMs: 0, drains: [drain] },
      undefined,
    );
    await world.evaluate(FULL);
    expect(world.queue.take()).toEqual(['nodeGroup/g5-od']);
  });

  test.each(['observe', 'paused'])('in mode %s plans and wakes nobody', async (mode) => {
    const world = await settled({
      documents: [workloadPolicy({ mode, nodeGroups: ['g5-od'] }), groupPolicy({ mode })],
    });
    await load(world, 64);
    expect(await world.evaluate(FULL)).toMatchObject({ decided: 1, woken: 0 });
    expect((await planOf(world)).targets[LLAMA]).toMatchObject({ mode });
    expect(world.queue.take()).toEqual([]);
    expect(world.wakes).not.toContain('actuate');
  });

  test('wakes nobody for a target that another autoscaler owns', async () => {
    const world = await settled({ documents: pair() });
    world.view.targets.set(LLAMA, observed(4, { scaledBy: 'HorizontalPodAutoscaler/llama' }));
    await load(world, 64);
    await world.evaluate(FULL);
    expect(world.queue.take()).toEqual([]);
    expect((await planOf(world)).targets[LLAMA]?.mode).toBe('observe');
  });

  test('lowers when the load was low for the whole window, and says that a full evaluation did', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    await live(world, 80, 8);
    const target = (await planOf(world)).targets[LLAMA];
    expect(target?.replicas).toBeLessThan(4);
    expect(target?.decided).toEqual({ kind: 'full', atMs: world.clock.nowMs() });
  });

  test('has strictly increasing sequence numbers, also within one millisecond and when the clock goes back', async () => {
    const world = await settled();
    const seqs: number[] = [];
    for (const stepMs of [0, 0, 5_000, -60_000, 0]) {
      const clock = { nowMs: () => world.clock.nowMs() + stepMs, monotonicMs: () => 0, sleep: async () => {} };
      await makeEvaluate({ ...world.deps, clock }, { shareSnapshots: false })(FULL);
      seqs.push((await planOf(world)).seq);
    }
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
    expect(seqs[0]).toBeGreaterThanOrEqual(world.clock.nowMs());
  });

  test('looks at the pools of the named workloads only, and skips names nobody knows', async () => {
    const world = await settled({
      documents: [workloadPolicy({ pool: 'a' }, LLAMA), workloadPolicy({ pool: 'b' }, QWEN)],
    });
    expect(await world.evaluate({ ...FULL, workloads: [QWEN, 'gone'] })).toMatchObject({ pools: ['b'], decided: 1 });
    expect(await world.evaluate({ ...FULL, workloads: ['gone'] })).toMatchObject({ pools: [], decided: 0 });
    expect(await world.evaluate(FULL)).toMatchObject({ pools: ['a', 'b'], decided: 2 });
  });
});

describe('a leading evaluation', () => {
  test('does nothing before the first full one: there is no snapshot', async () => {
    const world = await settled();
    await load(world, 64);
    expect(await world.evaluate(leading(LLAMA))).toMatchObject({ decided: 0, woken: 0, failed: [] });
    expect(await world.state.plans.read('default')).toBeUndefined();
  });

  test('raises what an event touched, notes the event, and leaves the other targets as they were', async () => {
    const world = await settled({ documents: pair() });
    await load(world, 64, QWEN);
    await world.evaluate(FULL);
    world.queue.take();
    const before = await planOf(world);
    await world.clock.advance(500);
    await load(world, 80);
    const triggers = new Map([[LLAMA, world.clock.nowMs() - 40]]);
    const result = await world.evaluate({ ...leading(LLAMA), triggers });
    const after = await planOf(world);
    expect(result).toMatchObject({ decided: 1, woken: 1 });
    expect(world.queue.take()).toEqual([`target/${LLAMA}`]);
    expect(after.kind).toBe('leading');
    expect(after.targets[LLAMA]).toMatchObject({
      triggerMs: world.clock.nowMs() - 40,
      decided: { kind: 'leading', atMs: world.clock.nowMs() },
    });
    expect(after.targets[LLAMA]?.replicas).toBeGreaterThan(9);
    expect(after.targets[QWEN]).toEqual(before.targets[QWEN]);
  });

  test('lowers nothing and writes nothing when nothing rises: no plan, no memory, no ledger, no message, no job', async () => {
    const world = await settled({ documents: pair() });
    await load(world, 64);
    await load(world, 64, QWEN);
    await world.evaluate(FULL);
    world.queue.take();
    world.wakes.splice(0);
    const before = await Promise.all([
      world.state.plans.read('default'),
      world.state.control.readMany([LLAMA, QWEN]),
      recorded(world),
      outbox(world),
    ]);
    for (const inFlight of [1, 60, 0]) {
      await world.clock.advance(1_000);
      await load(world, inFlight);
      await load(world, inFlight, QWEN);
      expect(await world.evaluate(leading(LLAMA, QWEN))).toMatchObject({ decided: 2, woken: 0 });
    }
    const after = await Promise.all([
      world.state.plans.read('default'),
      world.state.control.readMany([LLAMA, QWEN]),
      recorded(world),
      outbox(world),
    ]);
    expect(after).toEqual(before);
    expect(world.queue.take()).toEqual([]);
    expect(world.wakes).toEqual([]);
  });

  test('a decrease decided by a full evaluation survives leading ones, of other workloads and of its own', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    await live(world, 80, 8);
    const lowered = (await planOf(world)).targets[LLAMA];
    expect(lowered?.replicas).toBeLessThan(4);
    // The cluster still shows four: the decrease is not carried out yet.
    await world.clock.advance(1_000);
    await load(world, 80, QWEN);
    await load(world, 8);
    await world.evaluate(leading(QWEN, LLAMA));
    const after = await planOf(world);
    expect(after.targets[QWEN]?.replicas).toBeGreaterThan(9);
    expect(after.targets[LLAMA]).toEqual(lowered);
  });

  test('keeps the victims of a group while another workload rises', async () => {
    const world = await settled({
      documents: [
        workloadPolicy({ ...SPEC, nodeGroups: ['g5-od'] }),
        workloadPolicy(SPEC, QWEN),
        groupPolicy({ scaleDown: { idleSec: 30 } }),
      ],
    });
    world.view.targets.set(LLAMA, observed(2));
    const nodes = [busyNode('node-0'), busyNode('node-1'), node('node-2'), node('node-3')];
    world.view.nodeGroups.set('g5-od', observedGroup(nodes));
    await live(world, 60, 8);
    const before = (await planOf(world)).nodeGroups['g5-od'];
    expect(before?.victims.length).toBeGreaterThan(0);
    await load(world, 80, QWEN);
    await world.evaluate(leading(QWEN));
    const after = (await planOf(world)).nodeGroups['g5-od'];
    expect(after).toMatchObject({ nodes: before?.nodes, victims: before?.victims });
  });

  test('uses the stored snapshot where snapshots are shared between processes, and only there', async () => {
    const world = await settled();
    await makeEvaluate(world.deps, { shareSnapshots: true })(FULL);
    await load(world, 64);
    const other = makeEvaluate(world.deps, { shareSnapshots: false });
    expect(await other(leading(LLAMA))).toMatchObject({ decided: 0 });
    const sharing = makeEvaluate(world.deps, { shareSnapshots: true });
    expect(await sharing(leading(LLAMA))).toMatchObject({ decided: 1, woken: 2 });
  });

  test('keeps the event of a raise that a full evaluation confirms, until the cluster shows it', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    await load(world, 80);
    const triggerMs = world.clock.nowMs() - 40;
    await world.evaluate({ ...leading(LLAMA), triggers: new Map([[LLAMA, triggerMs]]) });
    await world.evaluate(FULL);
    const target = (await planOf(world)).targets[LLAMA];
    expect(target).toMatchObject({ triggerMs, decided: { kind: 'full' } });
    world.view.targets.set(LLAMA, observed(target?.replicas ?? 0));
    await world.evaluate(FULL);
    expect((await planOf(world)).targets[LLAMA]?.triggerMs).toBeNull();
  });
});

describe('the cluster out of reach', () => {
  test('holds every count, wakes nobody, and is no failure', async () => {
    const world = await settled({ documents: pair() });
    await load(world, 64);
    await world.evaluate(FULL);
    const before = await replicasOf(world);
    world.queue.take();
    world.view.unreachable = true;
    await live(world, 200, 1);
    expect(await replicasOf(world)).toBe(before);
    expect(world.queue.take()).toEqual([]);
    expect(world.metrics.counter('observe_failures_total')).toBe(20);
    expect(world.metrics.counter('evaluate_failures_total')).toBe(0);
    const [decision] = await recorded(world);
    expect(decision?.binding).toBe('hold');
    expect(decision?.trail.map((step) => step.because).join()).toContain('not observed');
  });

  test('from the first evaluation on gives no target to act on', async () => {
    const world = await settled({ documents: pair() });
    world.view.unreachable = true;
    await world.evaluate(FULL);
    expect((await planOf(world)).targets).toEqual({});
  });

  test('lowers once it is back and the load stays low', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    world.view.unreachable = true;
    await live(world, 30, 8);
    world.view.unreachable = false;
    await live(world, 200, 8);
    expect(await replicasOf(world)).toBeLessThan(4);
  });
});

describe('one failing part', () => {
  const POOLS = [workloadPolicy({ pool: 'a' }, LLAMA), workloadPolicy({ pool: 'b' }, QWEN)];

  test('of a pool leaves the other pools alone, and is reported', async () => {
    const world = await settled({ documents: POOLS });
    const { plans } = world.state;
    const state: StateStores = {
      ...world.state,
      plans: {
        ...plans,
        read: async (pool) => {
          if (pool === 'a') throw new TransientError('Cannot read the plan');
          return plans.read(pool);
        },
      },
    };
    await load(world, 64, QWEN);
    const result = await makeEvaluate({ ...world.deps, state }, { shareSnapshots: false })(FULL);
    expect(result).toMatchObject({
      pools: ['a', 'b'],
      decided: 1,
      woken: 1,
      failed: [{ pool: 'a', reason: 'Cannot read the plan' }],
    });
    expect(world.queue.take()).toEqual([`target/${QWEN}`]);
    expect(world.metrics.counter('evaluate_failures_total', { pool: 'a' })).toBe(1);
  });

  test('a broken invariant of one workload holds that one at its planned count, and decides the others', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    // What no cluster says: half a replica runs.
    world.view.targets.set(LLAMA, observed(4.5, { rolloutInProgress: true }));
    await load(world, 80, QWEN);
    const result = await world.evaluate(FULL);
    const { targets } = await planOf(world);
    expect(targets[LLAMA]?.replicas).toBe(4);
    expect(targets[QWEN]?.replicas).toBeGreaterThan(9);
    expect(result).toMatchObject({ decided: 2, failed: [] });
    expect(world.metrics.counter('decide_failures_total')).toBe(1);
    const [decision] = await recorded(world);
    expect(decision?.trail[0]?.because).toContain('Invariant broken');
  });

  test('an outbox that is full drops the message for Kafka, and neither the ledger nor the memory nor the wake', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    const message = { topic: 't', key: 'k', value: '' };
    await world.state.outbox.put(Array.from({ length: OUTBOX_LENGTH_MAX - 2 }, () => message));
    await load(world, 80);
    expect(await world.evaluate(FULL)).toMatchObject({ woken: 1, failed: [] });
    expect((await recorded(world))[0]?.replicas.wanted).toBe(await replicasOf(world));
    expect((await controlOf(world))?.lastWanted).toBe(await replicasOf(world));
    expect(world.metrics.counter('outbox_dropped_total')).toBe(1);
  });

  test('a store that breaks off after the plan was stored fails the evaluation, and the next one wakes the target', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    await load(world, 80);
    const broken = { ...world.deps, queue: { ...world.deps.queue, wake: outOfReach } };
    expect(await makeEvaluate(broken, { shareSnapshots: false })(FULL)).toMatchObject({
      failed: [{ pool: 'default' }],
    });
    expect(await world.evaluate(FULL)).toMatchObject({ failed: [], woken: 1 });
    expect(world.queue.take()).toEqual([`target/${LLAMA}`]);
  });

  test('without any good policy it rejects', async () => {
    const world = loopWorld({ documents: [{ kind: 'Nonsense' }] });
    await expect(makeEvaluate(world.deps, { shareSnapshots: false })(FULL)).rejects.toThrow('Cannot load');
  });
});

describe('decisions', () => {
  test('are recorded when the count or the binding rule changes, in the ledger and for Kafka, and not otherwise', async () => {
    const world = await settled({ documents: [workloadPolicy(SPEC)] });
    await world.evaluate(FULL);
    expect(await recorded(world)).toHaveLength(1);
    for (let round = 0; round < 5; round++) {
      await world.clock.advance(2_000);
      await report(world, { inFlight: 24, forSec: 2 });
      await world.evaluate(FULL);
    }
    expect(await recorded(world)).toHaveLength(1);
    await load(world, 64);
    await world.evaluate(FULL);
    const [newest, oldest, ...others] = await recorded(world);
    expect(others).toEqual([]);
    expect(newest?.replicas.wanted).toBeGreaterThan(oldest?.replicas.wanted ?? Infinity);
    expect(newest).toMatchObject({ schema: 'penstock.scaling-decision/1', planSeq: (await planOf(world)).seq });
    expect((await planOf(world)).targets[LLAMA]?.decision).toBe(newest?.id);
    expect(await outbox(world)).toEqual([`penstock.scaling-decision ${LLAMA}`, `penstock.scaling-decision ${LLAMA}`]);
    const messages = await world.state.outbox.peek(10);
    expect(messages.map(({ message }) => JSON.parse(message.value) as unknown)).toEqual([oldest, newest]);
    expect(world.metrics.counter('decisions_total')).toBe(2);
    expect(world.logged.filter((line) => line.startsWith('decided'))).toHaveLength(2);
  });

  test('the newest one of each workload is kept for status, recorded or not', async () => {
    const world = await settled({ documents: [workloadPolicy(SPEC)] });
    await world.evaluate(FULL);
    await world.clock.advance(2_000);
    await report(world, { inFlight: 24, forSec: 2 });
    await world.evaluate(FULL);
    const stored = (await world.state.control.read(LLAMA))?.value as StoredControl;
    expect(stored.latest?.atMs).toBe(world.clock.nowMs());
    expect(stored.control.lastRecorded?.id).toBe((await recorded(world))[0]?.id);
  });

  test('events between full evaluations do not flood the ledger with holds', async () => {
    const world = await settled({ documents: [workloadPolicy(SPEC)] });
    await world.evaluate(FULL);
    for (let round = 0; round < 10; round++) {
      await world.clock.advance(1_000);
      await load(world, 16);
      await world.evaluate(round % 2 === 0 ? leading(LLAMA) : FULL);
    }
    // The first one, and the one in which the stabilization window began to bind.
    expect((await recorded(world)).length).toBeLessThanOrEqual(2);
  });
});

describe('a lost race for the plan', () => {
  test('is decided again on the newer plan, with a higher sequence', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    const winners: number[] = [];
    const evaluate = contested(world, {
      times: 2,
      other: async () => {
        await world.evaluate(FULL);
        winners.push((await planOf(world)).seq);
      },
    });
    expect(await evaluate(FULL)).toMatchObject({ failed: [] });
    const { seq } = await planOf(world);
    expect(seq).toBeGreaterThan(Math.max(...winners));
    expect(world.metrics.counter('evaluate_conflicts_total')).toBe(2);
  });

  test('is given up after a few times, closed: the plan in force stands', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    const evaluate = contested(world, { times: Infinity, other: () => world.evaluate(FULL) });
    expect(await evaluate(FULL)).toMatchObject({ failed: [{ reason: expect.stringContaining('within 4 attempts') }] });
    expect(world.queue.take()).toEqual([]);
  });

  test('does not undo the raise of the winner', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    const evaluate = contested(world, {
      times: 1,
      other: async () => {
        await load(world, 80);
        await world.evaluate(leading(LLAMA));
        await load(world, 24);
      },
    });
    await evaluate(FULL);
    expect(await replicasOf(world)).toBeGreaterThan(9);
  });

  test('a raise whose memory nobody kept is held for the stabilization window all the same', async () => {
    const world = await settled({ documents: pair() });
    await world.evaluate(FULL);
    await load(world, 80);
    const { control } = world.state;
    const state: StateStores = { ...world.state, control: { ...control, compareAndSet: async () => false } };
    const snapshots = makeEvaluate({ ...world.deps, state }, { shareSnapshots: true });
    await snapshots(FULL);
    const raised = await replicasOf(world);
    expect(raised).toBeGreaterThan(9);
    expect((await controlOf(world))?.lastWanted).toBe(4);
    await live(world, 50, 8);
    expect(await replicasOf(world)).toBe(raised);
    await live(world, 100, 8);
    expect(await replicasOf(world)).toBeLessThan(4);
  });

  test('evaluators that race in any order store ever higher sequences, and never lower what any of them raised', async () => {
    const loads = fc.array(fc.constantFrom(8, 24, 64, 120), { minLength: 1, maxLength: 3 });
    const kinds = fc.array(fc.constantFrom('full' as const, 'leading' as const), { minLength: 2, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), loads, kinds, async (scheduler, inFlights, requests) => {
        const world = await settled({ documents: pair() });
        await makeEvaluate(world.deps, { shareSnapshots: true })(FULL);
        const history = [await planOf(world)];
        const state = scheduled(world.state, { scheduler, onPlan: (plan) => void history.push(plan) });
        const race = requests.map((kind, index) =>
          makeEvaluate(
            { ...world.deps, state },
            { shareSnapshots: true },
          )({
            kind,
            ...(kind === 'leading' ? { workloads: index % 2 === 0 ? [LLAMA] : [LLAMA, QWEN] } : {}),
          }),
        );
        const traffic = inFlights.map((inFlight, index) =>
          scheduler.schedule(Promise.resolve(), `load ${inFlight}`).then(async () => {
            await load(world, inFlight, index % 2 === 0 ? LLAMA : QWEN);
          }),
        );
        await scheduler.waitFor(Promise.all([...race, ...traffic]));
        for (const [index, plan] of history.slice(1).entries()) {
          const before = history[index];
          expect(plan.seq).toBeGreaterThan(before?.seq ?? Infinity);
          for (const name of [LLAMA, QWEN]) {
            expect(plan.targets[name]?.replicas).toBeGreaterThanOrEqual(before?.targets[name]?.replicas ?? Infinity);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

type Said = { readonly inFlight: number; readonly endedAgoMs?: number };

function saidBy(source: string, { inFlight, endedAgoMs = 0 }: Said, nowMs: number) {
  const intervalEndMs = nowMs - endedAgoMs;
  return inferenceLoad({
    workload: LLAMA,
    source,
    intervalStartMs: intervalEndMs - 2_000,
    intervalEndMs,
    inFlight,
  });
}

/** Whom the plan lets go first when four pods shrink, as these sources report. */
async function goFirst(sources: Record<string, Said>) {
  const world = await settled({ documents: [workloadPolicy({ ...SPEC, scaleDown: { windowSec: 0 } }, LLAMA)] });
  const running = observed(4);
  const pods = running.pods.map((pod, index) => ({ ...pod, name: 'abcd'.charAt(index) }));
  world.view.targets.set(LLAMA, { ...running, pods });
  await world.evaluate(FULL);
  await world.clock.advance(5_000);
  await load(world, 4);
  const nowMs = world.clock.nowMs();
  const records = Object.entries(sources).map(([name, said], offset) => ({
    offset,
    timestampMs: nowMs,
    event: saidBy(name, said, nowMs),
  }));
  await world.state.load.apply(LLAMA, (window) => ({
    window: foldRecords(window, { topicPartition: 'pods-0', records, nowMs }).window,
    result: undefined,
  }));
  await world.evaluate(FULL);
  const planned = (await planOf(world)).targets[LLAMA];
  expect(planned?.replicas).toBeLessThan(4);
  return planned?.goFirst;
}

describe('pods that go first', () => {
  test('are those with the least in flight, by what each pod said last', async () => {
    const named = await goFirst({
      'pod/a': { inFlight: 3 },
      'pod/b': { inFlight: 0 },
      'pod/c': { inFlight: 1 },
      'pod/d': { inFlight: 9 },
    });
    expect(named?.slice(0, 2)).toEqual(['b', 'c']);
  });

  test('are not chosen by what is old', async () => {
    const named = await goFirst({ 'pod/a': { inFlight: 5 }, 'pod/b': { inFlight: 0, endedAgoMs: 40_000 } });
    expect(named).toEqual(['a']);
  });

  test('are not named where only a gateway reports: it does not say which pod', async () => {
    expect(await goFirst({ 'gateway/edge': { inFlight: 0 } })).toBeUndefined();
  });
});

/** Node groups were described long ago, unless newer descriptions are asked for; `anew` is what they are then. */
const described = async (anew: (world: LoopWorld) => void = () => {}) => {
  const world = await settled();
  const asked: (number | undefined)[] = [];
  const clusterView = {
    ...world.view,
    observe: async (of: Parameters<typeof world.view.observe>[0]) => {
      asked.push(of.groupsMsMax);
      if (of.groupsMsMax !== undefined) anew(world);
      const seen = await world.view.observe(of);
      return of.groupsMsMax === undefined ? { ...seen, groupsAsOfMs: seen.atMs - 200_000 } : seen;
    },
  };
  return { ...world, asked, evaluate: makeEvaluate({ ...world.deps, clusterView }, { shareSnapshots: false }) };
};

describe('node groups that were described long ago', () => {
  test('are good enough while nothing is lowered', async () => {
    const world = await described();
    await live(world, 120, 24);
    await live(world, 60, 60);
    expect(world.asked.every((one) => one === undefined)).toBe(true);
    expect(await replicasOf(world)).toBeGreaterThan(4);
  });

  test('are described anew before anything is lowered, and only by that it is', async () => {
    const world = await described();
    await live(world, 900, 3);
    expect(world.asked).toContain(30_000);
    expect(await replicasOf(world)).toBeLessThan(4);
    const plan = await planOf(world);
    expect(plan.kind).toBe('full');
  });

  test('lower nothing when the new description tells another story', async () => {
    const world = await described(({ view }) => {
      for (const name of view.targets.keys()) view.targets.set(name, observed(4, { rolloutInProgress: true }));
    });
    await live(world, 900, 3);
    expect(world.asked).toContain(30_000);
    expect(await replicasOf(world)).toBe(4);
  });
});

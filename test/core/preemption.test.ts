/** Replicas of lower tiers that give way: when, which, how many, and when not. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { unmetDemand } from '../../lib/core/alert-rules/unmet-demand.ts';
import { whyNotMore } from '../../lib/core/why-not/more.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { PoolInput, PoolOutcome } from '../../lib/core/decide-types.ts';
import type { FleetPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import { fleet, groupPolicy, T0, workloadPolicy } from './builders.ts';
import { GPU, TICK_MS, toyFleet } from './toy-fleet.ts';
import type { ToyFleet } from './toy-fleet.ts';
import { lawRuns } from './law-runs.ts';

const GROUP = groupPolicy({ nodes: { max: 3 }, shape: { instanceType: 'g', gpus: { [GPU]: 4 } } }, 'a');
const OPTED_IN = { allocation: 'fair', preemption: { for: 'wants' } };

function policy(name: string, spec: Record<string, unknown> = {}): ScalingPolicy {
  return workloadPolicy({ nodeGroups: ['a'], gpusPerReplica: { [GPU]: 1 }, ...spec }, name);
}

const batch = (spec: Record<string, unknown> = {}): ScalingPolicy =>
  policy('batch', { priority: { tier: 2 }, ...spec });

/** Twelve GPUs: chat (tier 1) runs two and wants more, batch (tier 2) has the rest. */
function chatShort(
  of: {
    readonly wanted?: number;
    readonly batch?: ScalingPolicy;
    readonly chat?: ScalingPolicy;
    readonly fleet?: Record<string, unknown>;
  } = {},
): ToyFleet {
  const { wanted = 5 } = of;
  return toyFleet({
    fleet: fleet(of.fleet ?? OPTED_IN),
    group: GROUP,
    nodes: 3,
    workloads: [
      { policy: of.chat ?? policy('chat'), running: 2, wanted },
      { policy: of.batch ?? batch(), running: 10, wanted: 10 },
    ],
  });
}

function run(toy: ToyFleet, sec: number, over?: Partial<PoolInput>): void {
  for (let ticks = 0; ticks < (sec * 1000) / TICK_MS; ticks++) toy.tick(over);
}

const plannedOf = (outcome: PoolOutcome | undefined, name: string): number =>
  outcome?.plan.targets[name]?.replicas ?? -1;
const courseOf = (toy: ToyFleet, name: string): number[] =>
  toy.outcomes.map((each) => plannedOf(each, name)).filter((count, index, all) => count !== all[index - 1]);
const stepOf = (outcome: PoolOutcome | undefined, name: string): string | undefined =>
  outcome?.decisions.find(({ workload }) => workload === name)?.trail.find(({ rule }) => rule === 'allocation')
    ?.because;

/** Batch's count a minute into the shortage, where the input is another. */
function loweredTo(over: (input: PoolInput) => Partial<PoolInput>): number {
  const toy = chatShort();
  run(toy, 60);
  const input = toy.input();
  return plannedOf(planPool({ ...input, ...over(input) }), 'batch');
}

const held = (name: string) => (input: PoolInput) => ({
  workloads: input.workloads.map((each) =>
    each.policy.metadata.name === name ? { ...each, outcome: { ...each.outcome, hold: 'cold' } } : each,
  ),
});

/** The workload is of another orchestrator: its tasks run elsewhere, on nodes that no group has. */
const elsewhere = (name: string, kind: string) => (input: PoolInput) => ({
  fleet: fleet({ ...OPTED_IN, gpuQuota: { [GPU]: 12 } }),
  workloads: input.workloads.map((each) => {
    if (each.policy.metadata.name !== name || each.target.kind === 'missing') return each;
    const { priority } = each.policy.spec;
    const foreign = policy(name, { target: { kind, name }, nodeGroups: [], priority });
    const pods = each.target.pods.map((pod, index) => ({ ...pod, nodeName: `engine-${index}` }));
    return { ...each, policy: foreign, target: { ...each.target, pods } };
  }),
});

describe.each(['SwarmService', 'MarathonApp'])('a %s beside Deployments on node groups', (kind) => {
  test('is given nothing, though it shares their quota: their GPUs are not where it runs', () => {
    expect(loweredTo(() => ({ fleet: fleet({ ...OPTED_IN, gpuQuota: { [GPU]: 12 } }) }))).toBeLessThan(10);
    expect(loweredTo(elsewhere('chat', kind))).toBe(10);
  });

  test('gives nothing, whatever tier is short', () => {
    expect(loweredTo(elsewhere('batch', kind))).toBe(10);
  });
});

describe('replicas of lower tiers give way', () => {
  test('after the shortage has lasted, no more in a minute than the fleet says, and the higher tier grows when the GPUs are free', () => {
    const toy = chatShort({ wanted: 8, fleet: { allocation: 'fair', preemption: { for: 'wants', maxPerMinute: 4 } } });
    run(toy, 60);
    expect([courseOf(toy, 'batch'), courseOf(toy, 'chat')]).toEqual([[10], [2]]);
    expect(stepOf(toy.outcomes.at(-1), 'chat')).toBe(
      '6 of 8 replicas cannot have GPUs: a is at nodes.max 3 and lower tiers give way in 10 s if they can; fair: alone in tier 1, 0 GPUs left after running replicas and floors',
    );
    run(toy, 20);
    expect([courseOf(toy, 'batch'), courseOf(toy, 'chat')]).toEqual([[10, 6], [2]]);
    expect(toy.outcomes.at(-1)?.unmet).toEqual({ chat: 6, batch: 4 });
    expect(stepOf(toy.outcomes.at(-2), 'batch')).toBe(
      '4 of 10 replicas cannot have GPUs: 4 replicas give way to chat (tier 1), short for 60 s',
    );
    expect(stepOf(toy.outcomes.at(-1), 'batch')).toBe(
      '4 of 10 replicas cannot have GPUs: 4 replicas gave way to chat (tier 1) 10 s ago, for 10 min at least',
    );
    expect(stepOf(toy.outcomes.at(-1), 'chat')).toContain(
      'a is at nodes.max 3 and 4 replicas of batch gave way in the last 10 s;',
    );
    run(toy, 600);
    expect([courseOf(toy, 'batch'), courseOf(toy, 'chat')]).toEqual([
      [10, 6, 4],
      [2, 6, 8],
    ]);
    expect(toy.outcomes.at(-1)?.unmet).toEqual({ batch: 6 });
    expect(toy.pending()).toBe(0);
  });

  test('both sides are told: why not more, and the alert', () => {
    const toy = chatShort({ wanted: 8 });
    run(toy, 90);
    const pool = toy.input();
    const outcome = planPool(pool);
    const alerts = unmetDemand({ nowMs: pool.nowMs, pool, outcome, actuation: {} });
    const says = (name: string): readonly (string | undefined)[] => {
      const decision = outcome.decisions.find(({ workload }) => workload === name);
      const detail = alerts.find(({ key }) => key === `unmet-demand/${name}`)?.detail;
      return [decision === undefined ? undefined : whyNotMore(decision, null), detail];
    };
    for (const told of says('chat')) expect(told).toContain('4 replicas of batch gave way in the last 30 s');
    for (const told of says('batch'))
      expect(told).toContain('4 replicas gave way to chat (tier 1) 30 s ago, for 10 min');
  });

  test('only where the fleet asks for it', () => {
    const toy = chatShort({ fleet: { allocation: 'fair' } });
    run(toy, 600);
    expect([courseOf(toy, 'batch'), courseOf(toy, 'chat')]).toEqual([[10], [2]]);
    expect(toy.outcomes.at(-1)?.plan).not.toHaveProperty('preemption');
  });

  test('for: floors gives a higher tier its minimum and no more', () => {
    const of = { wanted: 8, chat: policy('chat', { replicas: { min: 4, max: 40 } }) };
    const toy = chatShort({ ...of, fleet: { preemption: { for: 'floors' } } });
    run(toy, 600);
    expect([toy.bound('chat'), toy.bound('batch')]).toEqual([4, 8]);
  });

  test.each([
    ['its minimum', { replicas: { min: 9, max: 40 } }, 9],
    ['a policy that is not preemptible', { priority: { tier: 2, preemptible: false } }, 10],
    ['the same tier', { priority: { tier: 1 } }, 10],
    ['mode observe', { mode: 'observe' }, 10],
    ['a target whose pods cannot be chosen', { target: { kind: 'StatefulSet', name: 'batch' } }, 10],
    ['replicas that only work together', { replicas: { min: 2, max: 40, step: 2 } }, 10],
    ['scaleDown.maxPerMinute 0%', { scaleDown: { maxPerMinute: '0%' } }, 10],
  ])('what stands against it: %s', (_what, spec, left) => {
    const toy = chatShort({ batch: batch(spec) });
    run(toy, 1_200);
    expect(toy.bound('batch')).toBe(left);
  });

  test('who may never shrink does not stand in front of who may', () => {
    const toy = toyFleet({
      fleet: fleet(OPTED_IN),
      group: GROUP,
      nodes: 3,
      workloads: [
        { policy: policy('chat'), running: 2, wanted: 4 },
        { policy: policy('search', { priority: { tier: 2 } }), running: 5, wanted: 5 },
        { policy: policy('lab', { priority: { tier: 3 }, scaleDown: { maxPerMinute: '0%' } }), running: 5, wanted: 5 },
      ],
    });
    run(toy, 600);
    expect([toy.bound('chat'), toy.bound('search'), toy.bound('lab')]).toEqual([4, 3, 5]);
  });

  test('what a clock that was far ahead has lowered comes back as soon as it would have', () => {
    const toy = chatShort();
    run(toy, 90);
    const { plan } = toy.outcomes.at(-1) ?? { plan: undefined };
    if (plan?.preemption === undefined) throw new Error('nobody gave way');
    toy.wanted.set('chat', 2);
    const aheadMs = 86_400_000;
    const given = plan.preemption.given.map((each) => ({ ...each, atMs: each.atMs + aheadMs }));
    const previous = { ...plan, atMs: plan.atMs + aheadMs, preemption: { ...plan.preemption, given } };
    toy.tick({ previous });
    run(toy, 720);
    expect(toy.bound('batch')).toBe(10);
  });

  test("the giver's own maxPerMinute holds", () => {
    const toy = chatShort({ batch: batch({ scaleDown: { maxPerMinute: 1 } }) });
    run(toy, 70);
    expect(courseOf(toy, 'batch')).toEqual([10, 9]);
    run(toy, 180);
    expect(courseOf(toy, 'batch')).toEqual([10, 9, 8, 7]);
  });

  test('idle replicas first, on the nodes where they make room, of the lowest tier', () => {
    const toy = toyFleet({
      fleet: fleet(OPTED_IN),
      group: GROUP,
      nodes: 3,
      workloads: [
        { policy: policy('chat', { gpusPerReplica: { [GPU]: 2 } }), running: 1, wanted: 2 },
        { policy: policy('search', { priority: { tier: 2 } }), running: 5, wanted: 5 },
        { policy: policy('lab', { priority: { tier: 3 } }), running: 5, wanted: 5 },
      ],
    });
    run(toy, 60);
    const busy = { 'lab-6': 0, 'lab-7': 3, 'lab-8': 3, 'lab-9': 0, 'lab-10': 0 };
    const { workloads } = toy.input();
    const outcome = planPool(
      toy.input({
        workloads: workloads.map((each) =>
          each.policy.metadata.name === 'lab' ? { ...each, inFlightByPod: busy } : each,
        ),
      }),
    );
    expect(outcome.plan.targets['lab']).toMatchObject({ replicas: 3, goFirst: ['lab-10', 'lab-9'] });
    expect(outcome.plan.targets['search']).toMatchObject({ replicas: 5 });
  });

  test('who gives again names the replicas that go now, not those that have gone', () => {
    const toy = chatShort({ wanted: 8, fleet: { allocation: 'fair', preemption: { for: 'wants', maxPerMinute: 4 } } });
    const named: (readonly string[])[] = [];
    for (let tick = 0; tick < 20; tick++) {
      const there = toy.pods.filter((pod) => pod.goneMs === Infinity).map((pod) => pod.name);
      const before = new Set(toy.outcomes.at(-1)?.plan.preemption?.given.flatMap(({ pods }) => pods));
      const { plan } = toy.tick();
      const fresh = (plan.preemption?.given ?? []).flatMap(({ pods }) => pods).filter((pod) => !before.has(pod));
      const { goFirst = [] } = plan.targets['batch'] ?? {};
      expect(there).toEqual(expect.arrayContaining([...goFirst]));
      if (fresh.length > 0) named.push(goFirst);
      expect(goFirst).toEqual(expect.arrayContaining(fresh));
    }
    expect(named.map(({ length }) => length)).toEqual([4, 2]);
  });

  test('not on an event, on an old snapshot, from a giver on hold, or for a want that is on hold', () => {
    expect(loweredTo(() => ({}))).toBe(7);
    expect(loweredTo(() => ({ kind: 'leading' }))).toBe(10);
    expect(loweredTo((input) => ({ snapshot: { ...input.snapshot, atMs: input.nowMs - 31_000 } }))).toBe(10);
    expect(loweredTo(held('batch'))).toBe(10);
    expect(loweredTo(held('chat'))).toBe(10);
  });

  test('an event changes nothing of it, and data that goes missing takes back what was not lowered yet', () => {
    const toy = chatShort();
    run(toy, 60);
    const first = planPool(toy.input());
    expect(plannedOf(first, 'batch')).toBe(7);
    const next = { nowMs: toy.nowMs + 2_000, previous: first.plan };
    expect(plannedOf(planPool(toy.input({ ...next, kind: 'leading' })), 'batch')).toBe(7);
    const input = toy.input(next);
    const blind = input.workloads.map((each) => ({
      ...each,
      outcome: { ...each.outcome, hold: 'no source reported' },
    }));
    expect(plannedOf(planPool({ ...input, workloads: blind }), 'batch')).toBe(10);
  });

  test('what was freed is for whom it was freed, also while it is too little for one of its replicas', () => {
    const toy = toyFleet({
      fleet: fleet({ allocation: 'fair', preemption: { for: 'wants', maxPerMinute: 1 } }),
      group: GROUP,
      nodes: 3,
      workloads: [
        { policy: policy('chat', { gpusPerReplica: { [GPU]: 2 } }), running: 1, wanted: 2 },
        { policy: batch(), running: 10, wanted: 10 },
        {
          policy: policy('lab', {
            priority: { tier: 3 },
            replicas: { min: 0, max: 4 },
            signals: [{ kind: 'requestRate', perReplicaPerSec: 1 }],
          }),
          running: 0,
          wanted: 2,
        },
      ],
    });
    run(toy, 300);
    expect(courseOf(toy, 'batch')).toEqual([10, 9, 8]);
    expect(courseOf(toy, 'chat')).toEqual([1, 2]);
    expect(courseOf(toy, 'lab')).toEqual([0]);
  });

  test('a want that comes and goes does not throw replicas to and fro', () => {
    const toy = chatShort({ wanted: 4 });
    for (let minute = 0; minute < 60; minute++) {
      toy.wanted.set('chat', minute % 6 < 3 ? 4 : 3);
      run(toy, 60);
    }
    // Once in ten minutes at most it gives, and grows back: ten pairs of wants, at most six of it.
    expect(courseOf(toy, 'batch').length).toBeLessThanOrEqual(1 + 2 * 6);
  });
});

const workloadArb = fc.record({
  running: fc.nat(5),
  wanted: fc.nat(8),
  min: fc.integer({ min: 1, max: 3 }),
  gpus: fc.constantFrom(1, 1, 1, 2, 4),
  tier: fc.integer({ min: 1, max: 3 }),
});

const fleetArb = fc.record({
  workloads: fc.array(workloadArb, { minLength: 2, maxLength: 4 }),
  nodes: fc.integer({ min: 1, max: 3 }),
  what: fc.constantFrom('wants' as const, 'floors' as const),
  allocation: fc.constantFrom('auto' as const, 'fair' as const, 'priority' as const),
  maxPerMinute: fc.integer({ min: 1, max: 6 }),
});

type Drawn = typeof fleetArb extends fc.Arbitrary<infer T> ? T : never;

const POLICY = policy('any');
const FLEET = fleet({ preemption: { for: 'wants' } });

/** As parsed: the schema takes longer than a plan. */
function fleetFor({
  allocation,
  what,
  maxPerMinute,
}: Pick<Drawn, 'allocation' | 'what' | 'maxPerMinute'>): FleetPolicy {
  const preemption = FLEET.spec.preemption;
  if (preemption === undefined) throw new Error('no preemption');
  return { ...FLEET, spec: { ...FLEET.spec, allocation, preemption: { ...preemption, for: what, maxPerMinute } } };
}

function drawnFleet({ workloads, nodes, what, allocation, maxPerMinute }: Drawn): ToyFleet {
  return toyFleet({
    fleet: fleetFor({ allocation, what, maxPerMinute }),
    group: GROUP,
    nodes,
    workloads: workloads.map(({ running, wanted, min, gpus, tier }, index) => ({
      policy: {
        ...POLICY,
        metadata: { name: `w${index}` },
        spec: {
          ...POLICY.spec,
          replicas: { ...POLICY.spec.replicas, min },
          gpusPerReplica: { [GPU]: gpus },
          priority: { ...POLICY.spec.priority, tier },
        },
      },
      running,
      wanted: Math.max(min, wanted),
    })),
  });
}

/** Replicas of every workload, as the last plan has them. */
const countsOf = ({ outcomes }: ToyFleet): string =>
  JSON.stringify(Object.values(outcomes.at(-1)?.plan.targets ?? {}).map(({ replicas }) => replicas));

/** Nobody of a lower tier has a replica above its floor that a higher one is short of. */
function hasGivenAll(toy: ToyFleet, { workloads }: Drawn): boolean {
  const short = workloads.filter(({ min, wanted }, index) => toy.bound(`w${index}`) < Math.max(min, wanted));
  const highest = Math.min(...short.map(({ tier }) => tier));
  return workloads.every(({ tier, min }, index) => tier <= highest || toy.bound(`w${index}`) <= min);
}

const NUM_RUNS = lawRuns(25);
const LAW_TICK_MS = 30_000;
/** After this much quiet, by when whoever is short for long enough has been served, time goes faster: as fast as plans may be apart that know of each other. */
const QUIET_TICKS = 4;
const FAST_TICK_MS = 120_000;
/** Replicas that gave way may come back after ten minutes: longer than that without a move, and nothing will move any more. */
const SETTLED_MS = 12 * 60_000;
const HOUR_MS = 3_600_000;

const SURE = ['full', 'full', 'full', 'full', 'gap'] as const;
const DOUBTS = ['leading', 'old', 'held', 'unseen', 'lost'] as const;

function changeOf(what: (typeof SURE | typeof DOUBTS)[number], input: PoolInput): Partial<PoolInput> {
  if (what === 'leading') return { kind: 'leading' };
  if (what === 'lost') return { previous: undefined };
  if (what === 'old') return { snapshot: { ...input.snapshot, atMs: input.nowMs - 40_000 } };
  if (what === 'held') return held('batch')(input);
  if (what !== 'unseen') return {};
  const target = { kind: 'missing', reason: 'timeout' } as const;
  return { workloads: input.workloads.map((each) => ({ ...each, target })) };
}

function runningOf({ workloads }: PoolInput): number {
  const target = workloads.find(({ policy: { metadata } }) => metadata.name === 'batch')?.target;
  return target?.kind === 'observed' ? target.replicas : 0;
}

describe('laws of giving way, while wants are constant', () => {
  test('nobody falls below its floor, no GPU is given twice, no more go in a minute than allowed, and within an hour it settles with lower tiers at their floors while a higher one is short', () => {
    fc.assert(
      fc.property(fleetArb, (drawn) => {
        const toy = drawnFleet(drawn);
        const ones = drawn.workloads.every(({ gpus }) => gpus === 1);
        const floors = drawn.workloads.map(({ min }, index) => Math.min(min, toy.bound(`w${index}`)));
        // What runs stays and floors are planned in any case.
        const floorsFit =
          drawn.workloads.reduce((sum, { min, running }) => sum + Math.max(min, running), 0) <= 4 * drawn.nodes;
        let pending = toy.pending();
        for (let movedMs = toy.nowMs; toy.nowMs - movedMs < SETTLED_MS;) {
          if (toy.nowMs - T0 > HOUR_MS) return false;
          const before = countsOf(toy);
          const outcome = toy.tick({}, toy.nowMs - movedMs > QUIET_TICKS * LAW_TICK_MS ? FAST_TICK_MS : LAW_TICK_MS);
          if (countsOf(toy) !== before) movedMs = toy.nowMs;
          if (floors.some((floor, index) => plannedOf(outcome, `w${index}`) < floor)) return false;
          const { given = [] } = outcome.plan.preemption ?? {};
          const lastMinute = given.filter(({ atMs }) => outcome.plan.atMs - atMs < 60_000);
          if (lastMinute.flatMap(({ pods }) => pods).length > drawn.maxPerMinute) return false;
          // A pod that finds no node was given GPUs that somebody else has; those without one at the start may wait.
          if (ones && floorsFit && toy.pending() > pending) return false;
          pending = toy.pending();
        }
        return !ones || drawn.what === 'floors' || hasGivenAll(toy, drawn);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('without the opt-in what an earlier plan remembers changes no byte', () => {
    fc.assert(
      fc.property(fleetArb, (drawn) => {
        const toy = drawnFleet(drawn);
        for (let tick = 0; tick < 4; tick++) toy.tick({}, LAW_TICK_MS);
        const { plan } = toy.outcomes.at(-1) ?? { plan: undefined };
        if (plan === undefined) return false;
        const { preemption: _remembered, ...bare } = plan;
        const off = { fleet: fleet({ allocation: drawn.allocation }) };
        const [one, other] = [plan, bare].map((previous) => planPool(toy.input({ ...off, previous })));
        return JSON.stringify(one) === JSON.stringify(other);
      }),
      { numRuns: NUM_RUNS },
    );
  });

  test('nobody is lowered by an event, on an old snapshot, on hold, unseen, or by the first plan after all plans were lost, whatever was before', () => {
    const step = fc.record({
      what: fc.constantFrom(...([...SURE, ...DOUBTS] as const)),
      want: fc.integer({ min: 3, max: 8 }),
    });
    const short = {
      fleet: fleet({ allocation: 'fair', preemption: { for: 'wants', afterSec: 20 } }),
      group: GROUP,
      nodes: 3,
      workloads: [
        { policy: policy('chat'), running: 2, wanted: 6 },
        { policy: batch(), running: 10, wanted: 10 },
      ],
    };
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), (steps) => {
        const toy = toyFleet(short);
        for (const { what, want } of steps) {
          if (what === 'full') toy.wanted.set('chat', want);
          const input = toy.input();
          const runs = runningOf(input);
          const before = plannedOf(toy.outcomes.at(-1), 'batch');
          const change = changeOf(what, input);
          // Of what was not seen nothing is carried out.
          const isSeen = what !== 'old' && what !== 'unseen';
          const outcome = isSeen
            ? toy.tick(change, what === 'gap' ? 300_000 : TICK_MS)
            : planPool({ ...input, ...change });
          if (!isSeen) toy.nowMs += TICK_MS;
          const planned = plannedOf(outcome, 'batch');
          // What an earlier plan has lowered stays lowered.
          const isLowered = planned < (before === -1 ? runs : Math.min(before, runs));
          if (DOUBTS.some((doubt) => doubt === what) && isLowered) return false;
          if (what === 'held' && planned < runs) return false;
        }
        return true;
      }),
      { numRuns: NUM_RUNS },
    );
  });
});

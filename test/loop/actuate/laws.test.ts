/** Laws of node actuation under random plans, pods, faults, foreign hands and replays. */
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ConflictError, TransientError } from '../../../lib/base/errors.ts';
import { groupPolicy } from '../../core/builders.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';
import type { ActuateWorld } from './world.ts';

const MIN = 1;
const MAX = 8;

type Move =
  | { readonly kind: 'plan'; readonly nodes: number; readonly victims: readonly number[]; readonly full: boolean }
  | { readonly kind: 'run'; readonly times: number }
  | { readonly kind: 'pass'; readonly sec: number }
  | { readonly kind: 'pod'; readonly node: number; readonly blocked: boolean }
  | {
      readonly kind: 'fault';
      readonly method: 'resize' | 'terminate' | 'drainStep' | 'describe';
      readonly applied: boolean;
      readonly conflict: boolean;
    }
  | { readonly kind: 'foreign'; readonly desired: number }
  | { readonly kind: 'shortage'; readonly on: boolean };

const index = fc.nat({ max: 7 });
const moves = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('plan' as const),
        nodes: fc.integer({ min: 0, max: 10 }),
        victims: fc.uniqueArray(index, { maxLength: 3 }),
        full: fc.boolean(),
      }),
    },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('run' as const), times: fc.integer({ min: 1, max: 6 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), sec: fc.constantFrom(1, 5, 30, 90, 700) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pod' as const), node: index, blocked: fc.boolean() }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('fault' as const),
        method: fc.constantFrom('resize' as const, 'terminate' as const, 'drainStep' as const, 'describe' as const),
        applied: fc.boolean(),
        conflict: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('foreign' as const), desired: fc.integer({ min: MIN, max: MAX }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('shortage' as const), on: fc.boolean() }) },
  ),
  { minLength: 5, maxLength: 60 },
);

async function play(world: ActuateWorld, move: Move): Promise<void> {
  const { group, nodes, clock } = world;
  switch (move.kind) {
    case 'plan': {
      const victims = move.victims.flatMap((at) => group.nodes[at] ?? []);
      const named = victims.map(({ nodeName, instanceId }) => ({ nodeName, instanceId }));
      await world.plan({ kind: move.full ? 'full' : 'leading', nodes: move.nodes, victims: named });
      return;
    }
    case 'run':
      for (let time = 0; time < move.times; time++) await runAndCheck(world);
      return;
    case 'pass':
      await clock.advance(move.sec * 1000);
      return;
    case 'pod':
      Object.assign(group.nodes[move.node] ?? {}, { blockedBy: move.blocked ? 'a budget' : undefined });
      // The scheduler puts no pod onto a cordoned node.
      if (group.nodes[move.node]?.cordoned === false) group.nodes[move.node]?.pods.push('default/p');
      return;
    case 'fault':
      nodes.failNext(move.method, {
        error: move.conflict ? new ConflictError('busy') : new TransientError('lost'),
        applied: move.applied && move.method !== 'drainStep' && move.method !== 'describe',
      });
      return;
    case 'foreign':
      group.desired = Math.max(group.min, move.desired);
      return;
    case 'shortage':
      group.capacityShortage = move.on ? 'InsufficientInstanceCapacity' : null;
      return;
  }
}

/** One step, and what must hold after it. */
async function runAndCheck(world: ActuateWorld): Promise<void> {
  const { group, nodes } = world;
  const plan = (await world.state.plans.read('default'))?.value;
  const before = { calls: nodes.calls.length, desired: group.desired };
  const backoff = (await world.record('nodeGroup/g5'))?.capacityBackoff;
  await world.run(GROUP_JOB).catch((error: unknown) => {
    if (!(error instanceof TransientError || error instanceof ConflictError)) throw error;
  });
  const wanted = plan?.nodeGroups['g5']?.nodes ?? Number.NaN;
  const made = nodes.calls.slice(before.calls);
  for (const call of made) {
    if (call.call === 'terminate') {
      expect(call).toMatchObject({ podsLeft: 0, cordoned: true });
      expect(before.desired - 1).toBeGreaterThanOrEqual(wanted);
      expect(before.desired - 1).toBeGreaterThanOrEqual(MIN);
    }
    if (call.call === 'resize') {
      expect(call.desired).toBeGreaterThanOrEqual(before.desired);
      expect(call.desired).toBeLessThanOrEqual(Math.max(MAX, before.desired));
      expect(call.min).toBeGreaterThanOrEqual(MIN);
      const inBackoff =
        backoff !== undefined && backoff.untilMs > world.clock.nowMs() && group.capacityShortage !== null;
      if (inBackoff) expect(call.desired).toBe(before.desired);
    }
  }
  expect(made.filter((call) => call.call === 'terminate' || call.call === 'resize').length).toBeLessThanOrEqual(1);
  const drains = (await world.record('nodeGroup/g5'))?.drains ?? [];
  expect(drains.length).toBeLessThanOrEqual(2);
  const known = new Set(drains.map((drain) => drain.nodeName));
  for (const node of group.nodes) if (node.cordoned) expect(known.has(node.nodeName)).toBe(true);
}

test('whatever happens, only empty cordoned nodes end, desired is never lowered, and every cordon is accounted for', async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (script) => {
      const world = actuateWorld({ nodes: 5, min: MIN });
      world.policies.group = groupPolicy({ nodes: { min: MIN, max: MAX } }, 'g5');
      for (const move of script) await play(world, move);
    }),
    { numRuns: 400 },
  );
});

test('when the faults end, a steady plan is reached', async () => {
  await fc.assert(
    fc.asyncProperty(moves, fc.integer({ min: MIN, max: MAX }), async (script, goal) => {
      const world = actuateWorld({ nodes: 5, min: MIN });
      world.policies.group = groupPolicy({ nodes: { min: MIN, max: MAX } }, 'g5');
      for (const move of script) await play(world, move);
      world.group.capacityShortage = null;
      for (const node of world.group.nodes) Object.assign(node, { blockedBy: undefined });
      const endMs = world.clock.nowMs() + 3 * 3_600_000;
      while (world.clock.nowMs() < endMs && world.group.desired !== goal) {
        const surplus = Math.max(0, world.group.desired - goal);
        // Nodes come and go with desired: the cloud brings what is missing.
        for (let at = world.group.nodes.length; at < world.group.desired; at++) addNode(world, at);
        const victims = world.group.nodes.slice(0, Math.min(2, surplus));
        const named = victims.map(({ nodeName, instanceId }) => ({ nodeName, instanceId }));
        await world.plan({ nodes: goal, victims: named });
        await world.work(GROUP_JOB, 10).catch(() => {});
        await world.clock.advance(10_000);
      }
      expect(world.group.desired).toBe(goal);
    }),
    { numRuns: 150 },
  );
});

let born = 0;
function addNode(world: ActuateWorld, at: number): void {
  const name = `born-${at}-${born++}`;
  world.group.nodes.push({ nodeName: name, instanceId: `i-${name}`, cordoned: false, pods: [], blockedBy: undefined });
}

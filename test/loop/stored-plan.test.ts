/** A plan in the store that is broken, or of another version, neither stops a pool nor lets it shrink. */
import { describe, expect, test } from '@jest/globals';
import type { Plan } from '../../lib/core/types.ts';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { readStatus } from '../../lib/loop/status.ts';
import { busyNode, groupPolicy, observed, observedGroup, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';

const [LLAMA, GROUP] = ['llama-8b-chat', 'g5-od'];
const FULL = { kind: 'full' } as const;

describe('a stored plan', () => {
  test.each<readonly [string, (plan: Plan) => unknown]>([
    ['whose spare nodes are of another version', (plan) => ({ ...plan, groupWatch: { [GROUP]: { spare: { v: 2 } } } })],
    [
      'whose lead times are of another version',
      (plan) => ({ ...plan, groupWatch: { [GROUP]: { lead: { seenMs: 1 } } } }),
    ],
    ['that remembers nothing of a group', (plan) => ({ ...plan, groupWatch: { [GROUP]: null } })],
    ['whose preemption is broken', (plan) => ({ ...plan, preemption: { shortSince: null } })],
    ['without its counts', ({ targets: _targets, ...plan }) => plan],
    ['that is no plan', () => 'gone'],
  ])('%s: the next one is made, and nothing shrinks by it', async (_, broken) => {
    const world = loopWorld({
      documents: [
        workloadPolicy({ leadTimeSec: 60, nodeGroups: [GROUP] }, LLAMA),
        groupPolicy({ nodes: { max: 20, spare: 'auto' } }, GROUP),
        {
          apiVersion: 'penstock.dev/v1',
          kind: 'Fleet',
          metadata: { name: 'fleet' },
          spec: { preemption: { for: 'wants' } },
        },
      ],
    });
    world.view.targets.set(LLAMA, observed(4));
    world.view.nodeGroups.set(GROUP, observedGroup([0, 1, 2, 3].map((index) => busyNode(`node-${index}`))));
    await report(world, { workload: LLAMA, inFlight: 24 });
    const evaluate = makeEvaluate(world.deps, { shareSnapshots: false });
    await evaluate(FULL);
    const stored = await world.state.plans.read('default');
    if (stored === undefined) throw new Error('no plan');
    await world.state.plans.compareAndSet('default', broken(stored.value) as Plan, stored.version);
    const { nodeGroups } = await readStatus(world.deps);
    expect(nodeGroups.map(({ nodeGroup }) => nodeGroup)).toEqual([GROUP]);
    const { failed } = await evaluate(FULL);
    const plan = (await world.state.plans.read('default'))?.value;
    expect(failed).toEqual([]);
    expect(plan?.seq).toBeGreaterThan(stored.value.seq);
    expect(plan?.targets[LLAMA]?.replicas).toBe(stored.value.targets[LLAMA]?.replicas);
    expect(plan?.nodeGroups[GROUP]?.victims).toEqual([]);
    expect(world.metrics.counter('plan_dropped_total')).toBe(1);
  });
});

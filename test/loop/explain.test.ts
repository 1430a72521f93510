import { expect, test } from '@jest/globals';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import type { StoredControl } from '../../lib/loop/stored-control.ts';
import { evaluationAfter } from '../../lib/loop/explain.ts';
import type { ScalingDecision } from '../../lib/core/types.ts';
import { observed, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';
import type { LoopWorld } from '../support/builders-loop.ts';

const LLAMA = 'llama-8b-chat';

async function decided(): Promise<{ readonly world: LoopWorld; readonly decision: ScalingDecision }> {
  const world = loopWorld({ documents: [workloadPolicy({}, LLAMA)] });
  world.view.targets.set(LLAMA, observed(4, { ready: 3 }));
  await report(world, { workload: LLAMA, inFlight: 60 });
  await makeEvaluate(world.deps, { shareSnapshots: true })({ kind: 'full' });
  const stored = (await world.state.control.read(LLAMA))?.value as StoredControl | undefined;
  const decision = stored?.latest ?? null;
  if (decision === null) throw new Error('no decision was stored');
  return { world, decision };
}

test('evaluationAfter: the readings and counts of the decision, the memory after it, ten seconds later', async () => {
  const { world, decision } = await decided();
  const next = await evaluationAfter(world.deps, decision);
  expect(next).toMatchObject({
    kind: 'full',
    nowMs: decision.atMs + 10_000,
    snapshotAgeMs: 0,
    readings: { inFlight: { kind: 'value', value: decision.inputs[0]?.value, from: 'gateway' } },
    target: { kind: 'observed', replicas: decision.replicas.wanted, ready: 3 },
    control: { lastWanted: decision.replicas.wanted },
  });
});

test('evaluationAfter: what was heard since then is not taken for what the decision read', async () => {
  const { world, decision } = await decided();
  const before = await evaluationAfter(world.deps, decision);
  await report(world, { workload: LLAMA, inFlight: 900 });
  expect((await evaluationAfter(world.deps, decision))?.readings.inFlight).toEqual(before?.readings.inFlight);
});

test('evaluationAfter: null for a decision that is not the newest, and for a workload without a policy', async () => {
  const { world, decision } = await decided();
  expect(await evaluationAfter(world.deps, { ...decision, id: 'd_0000000000000000' })).toBeNull();
  expect(await evaluationAfter(world.deps, { ...decision, workload: 'gone' })).toBeNull();
});

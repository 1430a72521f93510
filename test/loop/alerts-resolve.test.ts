/** Alerts about permissions, grace and clocks: told once by the evaluate stage, and over by themselves. */
import { describe, expect, test } from '@jest/globals';
import type { OpsAlert } from '../../lib/core/types.ts';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';
import type { StateStores } from '../../lib/state/contract.ts';
import { observed, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';
import type { LoopWorld } from '../support/builders-loop.ts';

const LLAMA = 'llama-8b-chat';

const graced = (graceSec: number) => {
  const target = observed(10);
  return { ...target, pods: target.pods.map((pod) => ({ ...pod, terminationGraceSec: graceSec })) };
};

const at = (made: LoopWorld) => makeEvaluate(made.deps, { shareSnapshots: true });

/** `state key` of every alert that went out. */
async function told(state: StateStores): Promise<string[]> {
  const waiting = await state.outbox.peek(1_000);
  return waiting
    .filter(({ message }) => message.topic === 'penstock.ops-alert')
    .map(({ message }) => JSON.parse(message.value) as OpsAlert)
    .map((alert) => `${alert.state} ${alert.key}`);
}

describe('an alert', () => {
  test('short-grace: after five minutes of a refused shrink, over when the pods have a longer grace', async () => {
    const scaleDown = { windowSec: 0, longestRequestSec: 120 };
    const made = loopWorld({ documents: [workloadPolicy({ scaleDown })] });
    const evaluate = at(made);
    const run = async (sec: number, graceSec: number): Promise<void> => {
      for (let passed = 0; passed < sec; passed += 30) {
        made.view.targets.set(LLAMA, graced(graceSec));
        await report(made, { inFlight: 16, forSec: 30 });
        await evaluate({ kind: 'full' });
        await made.clock.advance(30_000);
      }
    };
    await report(made, { inFlight: 16 });
    await run(300, 30);
    expect(await told(made.state)).toEqual([]);
    await run(60, 30);
    expect(await told(made.state)).toEqual([`firing short-grace/${LLAMA}`]);
    await run(600, 300);
    expect(await told(made.state)).toEqual([`firing short-grace/${LLAMA}`, `resolved short-grace/${LLAMA}`]);
  });

  test('marks-denied: with the denial in the record of actuation, over when a mark was taken', async () => {
    const made = loopWorld({ documents: [workloadPolicy()] });
    made.view.targets.set(LLAMA, observed(4));
    const evaluate = at(made);
    const act = async (over: { readonly marksDenied?: true }): Promise<void> => {
      const stored = await made.state.actuation.read(`target/${LLAMA}`);
      const base = { planSeq: 1, outcome: 'applied', detail: '', atMs: 0, failures: 0, notBeforeMs: 0 } as const;
      await made.state.actuation.compareAndSet(`target/${LLAMA}`, { ...base, ...over }, stored?.version);
    };
    const run = async (sec: number): Promise<void> => {
      for (let passed = 0; passed < sec; passed += 30) {
        await report(made, { inFlight: 24, forSec: 30 });
        await evaluate({ kind: 'full' });
        await made.clock.advance(30_000);
      }
    };
    await report(made, { inFlight: 24 });
    await act({ marksDenied: true });
    await run(60);
    expect(await told(made.state)).toEqual([`firing marks-denied/${LLAMA}`]);
    await act({});
    await run(120);
    expect(await told(made.state)).toEqual([`firing marks-denied/${LLAMA}`, `resolved marks-denied/${LLAMA}`]);
  });

  test('clocks-apart: two controllers 45 s apart tell it once, and it is over some minutes after one of them ends', async () => {
    const state = memoryStateStores();
    const [behind, ahead] = [
      loopWorld({ documents: [workloadPolicy()], state }),
      loopWorld({ documents: [workloadPolicy()], state }),
    ];
    await ahead.clock.advance(45_000);
    const both = [at(behind), at(ahead)];
    for (const made of [behind, ahead]) made.view.targets.set(LLAMA, observed(4));
    const pass = async (sec: number, evaluators: readonly ReturnType<typeof at>[]): Promise<void> => {
      for (let passed = 0; passed < sec; passed += 10) {
        await report({ state, clock: behind.clock }, { inFlight: 24, forSec: 10 });
        for (const evaluate of evaluators) await evaluate({ kind: 'full' });
        await Promise.all([behind, ahead].map((made) => made.clock.advance(10_000)));
      }
    };
    const clocks = async (): Promise<string[]> => (await told(state)).filter((line) => line.includes('clocks'));
    await pass(300, both);
    expect(await clocks()).toEqual(['firing clocks-apart/default']);
    // The one ahead was the old version of a rolling update.
    await pass(240, both.slice(0, 1));
    expect(await clocks()).toHaveLength(1);
    await pass(180, both.slice(0, 1));
    expect(await clocks()).toEqual(['firing clocks-apart/default', 'resolved clocks-apart/default']);
  });

  test('clocks-apart: nothing of clocks that NTP keeps', async () => {
    const state = memoryStateStores();
    const [behind, ahead] = [
      loopWorld({ documents: [workloadPolicy()], state }),
      loopWorld({ documents: [workloadPolicy()], state }),
    ];
    await ahead.clock.advance(9_000);
    for (const made of [behind, ahead]) {
      made.view.targets.set(LLAMA, observed(4));
      for (let passes = 0; passes < 5; passes++) await at(made)({ kind: 'full' });
    }
    expect((await told(state)).filter((line) => line.includes('clocks'))).toEqual([]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { opsAlertSchema } from '../../../events/schema/ops-alert.ts';
import { TransientError } from '../../../lib/base/errors.ts';
import type { OpsAlert } from '../../../lib/core/types.ts';
import { makeEvaluate } from '../../../lib/loop/evaluate/evaluate.ts';
import type { EvaluateDeps } from '../../../lib/loop/deps.ts';
import { OUTBOX_LENGTH_MAX } from '../../../lib/state/contract.ts';
import type { ActuationRecord } from '../../../lib/state/contract.ts';
import { busyNode, fleet, groupPolicy, observed, observedGroup, workloadPolicy } from '../../core/builders.ts';
import { loopWorld, outbox, report } from '../../support/builders-loop.ts';
import type { LoopWorld } from '../../support/builders-loop.ts';

const KEY = 'capacity-shortage/g5-od';
const LLAMA = 'llama-8b-chat';

/** A quiet fleet that tells two hooks of everything. */
async function world(): Promise<LoopWorld> {
  const made = loopWorld({
    documents: [
      workloadPolicy({ nodeGroups: ['g5-od'] }),
      groupPolicy(),
      fleet({
        alertHooks: [
          { name: 'one', kind: 'log' },
          { name: 'two', kind: 'log' },
        ],
        alerts: ['one', 'two'],
      }),
    ],
  });
  made.view.targets.set(LLAMA, observed(4));
  made.view.nodeGroups.set('g5-od', observedGroup([0, 1, 2, 3].map((index) => busyNode(`node-${index}`))));
  await report(made, { inFlight: 24 });
  return made;
}

/** The cloud has no machines for the next `forMs`: a condition that fires at once. */
async function shortage(made: LoopWorld, forMs = 60_000): Promise<void> {
  const stored = await made.state.actuation.read('nodeGroup/g5-od');
  const atMs = made.clock.nowMs();
  const record: ActuationRecord = {
    planSeq: 1,
    outcome: 'failed',
    detail: 'InsufficientInstanceCapacity',
    atMs,
    failures: 1,
    notBeforeMs: 0,
    capacityBackoff: { untilMs: atMs + forMs, attempts: 1, cause: 'InsufficientInstanceCapacity' },
  };
  await made.state.actuation.compareAndSet('nodeGroup/g5-od', record, stored?.version);
}

async function evaluate(made: LoopWorld, over: Partial<EvaluateDeps> = {}, kind: 'full' | 'leading' = 'full') {
  const request = kind === 'full' ? { kind } : { kind, workloads: [LLAMA] };
  return makeEvaluate({ ...made.deps, ...over }, { shareSnapshots: true })(request);
}

const outOfReach = (): Promise<never> => Promise.reject(new TransientError('Cannot reach Redis'));

const messagesOf = (made: LoopWorld): OpsAlert[] =>
  made.queue.woken.flatMap((job) => (job.kind === 'alert' ? [JSON.parse(job.payload) as OpsAlert] : []));

const bookOf = async (made: LoopWorld): Promise<Record<string, unknown>> => ({
  ...(await made.state.alerts.read('default'))?.value,
});

describe('an alert that fires', () => {
  test('is queued for each of its hooks, put into the outbox, counted, and kept in the book', async () => {
    const made = await world();
    await shortage(made);
    expect(await evaluate(made)).toMatchObject({ failed: [] });
    const messages = messagesOf(made);
    expect(messages).toHaveLength(2);
    expect(messages[0]).toMatchObject({ key: KEY, state: 'firing', workloads: [LLAMA] });
    expect(opsAlertSchema.safeParse(messages[0]).error).toBeUndefined();
    expect(made.queue.woken.flatMap((job) => (job.kind === 'alert' ? [job.hook] : []))).toEqual(['one', 'two']);
    expect(await outbox(made)).toContain(`penstock.ops-alert ${KEY}`);
    expect(made.metrics.counter('alerts_total', { state: 'firing' })).toBe(1);
    expect(await bookOf(made)).toMatchObject({ [KEY]: { phase: 'firing' } });
    expect(made.wakes.slice(-2)).toEqual(['actuate', 'notify']);
  });

  test('is told once while it lasts, and once more when it is over', async () => {
    const made = await world();
    await shortage(made, 30_000);
    for (let sec = 0; sec < 600; sec += 10) {
      await evaluate(made);
      await made.clock.advance(10_000);
      await report(made, { inFlight: 24, forSec: 10 });
    }
    const one = made.queue.woken.filter((job) => job.kind === 'alert' && job.hook === 'one');
    expect(one).toHaveLength(2);
    expect(messagesOf(made).map(({ state }) => state)).toEqual(['firing', 'firing', 'resolved', 'resolved']);
    expect(await bookOf(made)).toEqual({});
    expect((await outbox(made)).filter((line) => line.endsWith(KEY))).toHaveLength(2);
  });

  test('is not looked for by a leading evaluation', async () => {
    const made = await world();
    await evaluate(made);
    await shortage(made);
    await evaluate(made, {}, 'leading');
    expect(messagesOf(made)).toEqual([]);
  });

  test('that is only pending is told to nobody', async () => {
    const made = await world();
    await report(made, { inFlight: 24 });
    await made.clock.advance(60_000);
    await evaluate(made);
    expect(await bookOf(made)).toMatchObject({ [`signal-missing/${LLAMA}`]: { phase: 'pending' } });
    expect(messagesOf(made)).toEqual([]);
  });
});

describe('a failure on the way', () => {
  test('between the queue and the book sends the message again, and not a third time', async () => {
    const made = await world();
    await shortage(made);
    const alerts = { ...made.state.alerts, compareAndSet: outOfReach };
    expect(await evaluate(made, { state: { ...made.state, alerts } })).toMatchObject({ failed: [] });
    expect(messagesOf(made)).toHaveLength(2);
    expect(await bookOf(made)).toEqual({});
    for (let round = 0; round < 3; round++) {
      await made.clock.advance(2_000);
      await evaluate(made);
    }
    expect(messagesOf(made)).toHaveLength(4);
    expect(await bookOf(made)).toMatchObject({ [KEY]: { phase: 'firing' } });
    expect(made.metrics.counter('alert_failures_total', { pool: 'default' })).toBe(1);
  });

  test('before the queue leaves the book as it was, so that nothing is lost, and fails no evaluation', async () => {
    const made = await world();
    await evaluate(made);
    await shortage(made);
    expect(await evaluate(made, { queue: { ...made.queue, wake: outOfReach } })).toMatchObject({
      failed: [],
      decided: 1,
    });
    expect(await bookOf(made)).toEqual({});
    await evaluate(made);
    expect(messagesOf(made)).toHaveLength(2);
  });

  test('of the rules or the book leaves plan, memory and ledger as good as ever', async () => {
    const made = await world();
    const state = { ...made.state, alerts: { ...made.state.alerts, read: outOfReach } };
    expect(await evaluate(made, { state })).toEqual({ pools: ['default'], decided: 1, woken: 0, failed: [] });
    expect((await made.state.plans.read('default'))?.value.targets[LLAMA]?.replicas).toBe(4);
    expect(await made.state.control.read(LLAMA)).toBeDefined();
    expect(made.logged.some((line) => line.includes('Cannot reach Redis'))).toBe(true);
  });

  test('of an outbox that is full tells the hooks once, not at every evaluation', async () => {
    const made = await world();
    await evaluate(made);
    const full = Array.from({ length: OUTBOX_LENGTH_MAX - 1 }, () => ({ topic: 't', key: 'k', value: '' }));
    await made.state.outbox.put(full);
    await shortage(made);
    for (let round = 0; round < 3; round++) {
      await evaluate(made);
      await made.clock.advance(2_000);
    }
    expect(messagesOf(made)).toHaveLength(2);
    expect(made.metrics.counter('outbox_dropped_total')).toBe(1);
  });
});

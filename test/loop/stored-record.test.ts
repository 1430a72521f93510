/** An actuation record that is broken, or of another version, neither stops a target or node group nor is told again and again. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { makeEvaluate } from '../../lib/loop/evaluate/evaluate.ts';
import { readStatus } from '../../lib/loop/status.ts';
import { readRecord } from '../../lib/loop/stored-record.ts';
import type { ActuationRecord, StateStores } from '../../lib/state/contract.ts';
import { busyNode, groupPolicy, observed, observedGroup, workloadPolicy } from '../core/builders.ts';
import { loopWorld, report } from '../support/builders-loop.ts';
import { GROUP_JOB, TARGET_JOB, actuateWorld } from './actuate/world.ts';

const drain = { nodeName: 'a', instanceId: 'i-a', stage: 'evicting', startedMs: 5, detail: '' } as const;

/** With everything a record may have. */
const WHOLE: Required<ActuationRecord> = {
  planSeq: 7,
  outcome: 'inProgress',
  detail: 'draining a',
  atMs: 1_000,
  failures: 2,
  notBeforeMs: 2_000,
  update: { id: 'u', startedMs: 1, desired: 3 },
  drains: [drain],
  drainPauses: [{ nodeName: 'b', untilMs: 9, reason: 'ended' }],
  lent: [{ nodeName: 'c', instanceId: 'i-c', atMs: 3 }],
  lastWritten: { count: 3, atMs: 900, generation: 4 },
  preferred: ['pod-1'],
  marksDenied: true,
  lowered: [[800, 1]],
  foreignWrite: { count: 5, atMs: 700 },
  capacityBackoff: { untilMs: 5_000, attempts: 2, cause: 'none there' },
};

/** What every record has. */
const NEEDED = ['planSeq', 'outcome', 'detail', 'atMs', 'failures', 'notBeforeMs'] as const;
const isNeeded = (field: string): boolean => NEEDED.some((one) => one === field);

describe('readRecord', () => {
  test('believes a whole one, and one with only what every record has', () => {
    expect(readRecord(WHOLE)).toEqual({ record: WHOLE, dropped: [] });
    const least = Object.fromEntries(NEEDED.map((field) => [field, WHOLE[field]]));
    expect(readRecord(least)).toEqual({ record: least, dropped: [] });
    expect(readRecord(undefined)).toEqual({ record: undefined, dropped: [] });
  });

  test.each(Object.keys(WHOLE))('a broken %s costs what it has to, and nothing else', (field) => {
    for (const broken of [null, 'x', -1.5, {}, [{}], [[1]], NaN]) {
      if (field === 'detail' && broken === 'x') continue;
      // A time may be any number.
      if ((field === 'atMs' || field === 'notBeforeMs') && broken === -1.5) continue;
      const { record, dropped } = readRecord({ ...WHOLE, [field]: broken });
      const { [field as 'update']: _broken, ...rest } = WHOLE;
      expect([broken, dropped]).toEqual([broken, [isNeeded(field) ? 'record' : field]]);
      expect(record).toEqual(isNeeded(field) ? undefined : rest);
    }
  });

  test('takes anything, throws nothing, and what it believes it believes again', () => {
    const field = fc.constantFrom(...Object.keys(WHOLE));
    const anything = fc.oneof(
      fc.anything(),
      fc.dictionary(field, fc.anything()).map((over) => ({ ...WHOLE, ...over })),
    );
    fc.assert(
      fc.property(anything, (value) => {
        const { record } = readRecord(value);
        expect(readRecord(record)).toEqual({ record, dropped: [] });
      }),
    );
  });
});

const put = async (state: StateStores, id: string, value: unknown): Promise<void> => {
  const stored = await state.actuation.read(id);
  await state.actuation.compareAndSet(id, value as ActuationRecord, stored?.version);
};

const BROKEN: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a text', 'gone'],
  ['of another version', { v: 2, drains: {} }],
  ['with drains that are none', { ...WHOLE, planSeq: 0, notBeforeMs: 0, drains: { a: 1 }, update: undefined }],
  ['with a sequence that is no number', { ...WHOLE, planSeq: 'newest' }],
];

describe('a broken record', () => {
  test.each(BROKEN)('%s: the target is resized, and it is told', async (_, broken) => {
    const world = actuateWorld();
    await put(world.state, 'target/llama', broken);
    await world.plan({ replicas: 5 });
    await world.run(TARGET_JOB);
    expect((await world.record('target/llama'))?.outcome).toBe('applied');
    expect(world.metrics.counter('actuation_dropped_total')).toBe(1);
    expect(world.logged.filter(({ message }) => message.includes('of another shape'))).toHaveLength(1);
    await world.run(TARGET_JOB);
    expect(world.metrics.counter('actuation_dropped_total')).toBe(1);
  });

  test.each(BROKEN)('%s: the node group is resized, and it is told', async (_, broken) => {
    const world = actuateWorld();
    await put(world.state, 'nodeGroup/g5', broken);
    await world.plan({ nodes: 5 });
    await world.run(GROUP_JOB);
    expect((await world.record('nodeGroup/g5'))?.outcome).toBe('inProgress');
    expect(world.metrics.counter('actuation_dropped_total')).toBe(1);
  });

  test.each(BROKEN)('%s: evaluations and status go on, tell it once, and leave a whole one', async (_, broken) => {
    const [LLAMA, GROUP] = ['llama-8b-chat', 'g5-od'];
    const world = loopWorld({ documents: [workloadPolicy({ nodeGroups: [GROUP] }, LLAMA), groupPolicy({}, GROUP)] });
    world.view.targets.set(LLAMA, observed(4));
    world.view.nodeGroups.set(GROUP, observedGroup([0, 1, 2, 3].map((index) => busyNode(`node-${index}`))));
    await report(world, { workload: LLAMA, inFlight: 24 });
    const ids = [`target/${LLAMA}`, `nodeGroup/${GROUP}`];
    for (const id of ids) await put(world.state, id, broken);
    const { nodeGroups } = await readStatus(world.deps);
    expect(nodeGroups.map(({ nodeGroup }) => nodeGroup)).toEqual([GROUP]);
    const evaluate = makeEvaluate(world.deps, { shareSnapshots: false });
    for (let times = 0; times < 3; times++) expect((await evaluate({ kind: 'full' })).failed).toEqual([]);
    expect(world.metrics.counter('actuation_dropped_total')).toBe(2);
    for (const id of ids) expect(readRecord((await world.state.actuation.read(id))?.value).dropped).toEqual([]);
  });
});

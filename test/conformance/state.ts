/** What every state store must do. Registers its tests for one implementation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TransientError } from '../../lib/base/errors.ts';
import type { OpsAlert, ScalingDecision } from '../../lib/core/types.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import { emptyWindow, type LoadWindow } from '../../lib/core/window/load-window.ts';
import { LEDGER_LENGTH_MAX, OUTBOX_LENGTH_MAX, type StateStores } from '../../lib/state/contract.ts';
import { plainOf } from '../core/window/naive.ts';
import { inferenceLoad, START_MS } from '../events/builders.ts';

export type StateSubject = {
  /** New stores on new data. */
  open(): Promise<StateStores>;
  /** Further stores on the data of the last `open`, as another process would have them; left out where processes can't share. */
  another?(): Promise<StateStores>;
};

const fold = (offset: number, source = 'pod/a') =>
  function folded(window: LoadWindow | undefined): { window: LoadWindow; result: number } {
    const endMs = START_MS + (offset + 1) * 2_000;
    const event = inferenceLoad({ source, intervalStartMs: endMs - 2_000, intervalEndMs: endMs });
    const records = [{ offset, timestampMs: endMs, event }];
    const { window: next, applied } = foldRecords(window, { topicPartition: 't-0', records, nowMs: START_MS });
    return { window: next, result: applied };
  };

const message = (key: string) => ({ topic: 't', key, value: '{}' });

function decision(id: string, workload = 'w'): ScalingDecision {
  return {
    schema: 'penstock.scaling-decision/1',
    id,
    atMs: START_MS,
    workload,
    mode: 'observe',
    pool: 'default',
    planSeq: 1,
    replicas: { current: 1, ready: 1, wanted: 2 },
    binding: 'demand',
    nodeGroups: [],
    trail: [],
    inputs: [],
    usdPerHour: { before: 1, after: 2 },
    leadTimeSec: { p50: 1, p90: 2 },
  };
}

export function describeState(name: string, subject: StateSubject): void {
  describe(`state store: ${name}`, () => {
    let stores: StateStores;
    beforeAll(async () => {
      stores = await subject.open();
    });
    afterAll(() => stores.close());

    describe('load', () => {
      test('hands undefined to the first fold and the stored window to the next', async () => {
        expect(await stores.load.readMany(['first'])).toEqual(new Map());
        expect(await stores.load.apply('first', fold(0))).toBe(1);
        expect(await stores.load.apply('first', fold(1))).toBe(1);
        const window = (await stores.load.readMany(['first', 'nobody'])).get('first');
        const expected = fold(1)(fold(0)(undefined).window).window;
        expect(plainOf(window ?? emptyWindow())).toEqual(plainOf(expected));
      });

      test('gives back the same window after its memory was cleared', async () => {
        for (let offset = 0; offset < 400; offset += 40)
          await stores.load.apply('cleared', fold(offset, `pod/${offset}`));
        const before = (await stores.load.readMany(['cleared'])).get('cleared') ?? emptyWindow();
        stores.load.forgetCache();
        const after = (await stores.load.readMany(['cleared'])).get('cleared') ?? emptyWindow();
        expect(plainOf(after)).toEqual(plainOf(before));
        expect(await stores.load.apply('cleared', fold(360))).toBe(0);
      });

      test('writes nothing when the very same window comes back', async () => {
        await stores.load.apply('same', fold(0));
        const before = (await stores.load.readMany(['same'])).get('same');
        expect(await stores.load.apply('same', fold(0))).toBe(0);
        expect((await stores.load.readMany(['same'])).get('same')).toBe(before);
      });

      test('applies concurrent folds of one workload one after the other', async () => {
        const offsets = Array.from({ length: 50 }, (_, offset) => offset);
        const results = await Promise.all(offsets.map((offset) => stores.load.apply('busy', fold(offset))));
        expect(results).toEqual(offsets.map(() => 1));
        const window = (await stores.load.readMany(['busy'])).get('busy');
        expect(window?.applied.get('t-0')?.offset).toBe(49);
      });

      test('passes on what a fold throws, and works on', async () => {
        const broken = stores.load.apply('broken', () => {
          throw new Error('fold failed');
        });
        await expect(broken).rejects.toThrow('fold failed');
        expect(await stores.load.apply('broken', fold(0))).toBe(1);
      });

      const shared = subject.another === undefined ? test.skip : test;
      shared('refolds when another process was faster, so that nothing is lost or counted twice', async () => {
        const other = (await subject.another?.()) ?? stores;
        try {
          const pods = Array.from({ length: 40 }, (_, index) => `pod/${index}`);
          const seen = await Promise.all(
            pods.map((source, index) => {
              const by = index % 2 === 0 ? stores : other;
              const partition = `t-${index}`;
              const endMs = START_MS + 2_000;
              const records = [{ offset: 7, timestampMs: endMs, event: inferenceLoad({ source }) }];
              return by.load.apply('raced', (window) => {
                const folded = foldRecords(window, { topicPartition: partition, records, nowMs: START_MS });
                return { window: folded.window, result: folded.applied };
              });
            }),
          );
          expect(seen).toEqual(pods.map(() => 1));
          for (const by of [stores, other]) {
            const window = (await by.load.readMany(['raced'])).get('raced') ?? emptyWindow();
            expect(window.sources.size).toBe(40);
            const sums = window.buckets.find((bucket) => bucket !== undefined)?.byClass.pod;
            expect(sums?.coveredMs).toBe(80_000);
          }
        } finally {
          await other.close();
        }
      });
    });

    describe('documents', () => {
      test('are written only by who saw the newest version', async () => {
        const { control } = stores;
        expect(await control.read('doc')).toBeUndefined();
        expect(await control.compareAndSet('doc', { a: 1 }, 'never')).toBe(false);
        expect(await control.compareAndSet('doc', { a: 'ä\n"€' }, undefined)).toBe(true);
        expect(await control.compareAndSet('doc', { a: 2 }, undefined)).toBe(false);
        const first = await control.read('doc');
        expect(first?.value).toEqual({ a: 'ä\n"€' });
        expect(await control.compareAndSet('doc', { a: 3 }, first?.version)).toBe(true);
        expect(await control.compareAndSet('doc', { a: 4 }, first?.version)).toBe(false);
        expect((await control.read('doc'))?.value).toEqual({ a: 3 });
      });

      test('never get the same version twice, also when they were removed in between', async () => {
        const versions = new Set<string | undefined>();
        for (let round = 0; round < 5; round++) {
          await stores.control.remove('again');
          expect(await stores.control.compareAndSet('again', { round: 0 }, undefined)).toBe(true);
          versions.add((await stores.control.read('again'))?.version);
        }
        expect(versions.size).toBe(5);
      });

      test('let exactly one of many writers win', async () => {
        const wins = await Promise.all(
          Array.from({ length: 20 }, (_, writer) => stores.control.compareAndSet('race', { writer }, undefined)),
        );
        expect(wins.filter(Boolean)).toHaveLength(1);
      });

      test('are apart by kind, and read many at once', async () => {
        await stores.progress.compareAndSet('x', { offset: 7, timestampMs: START_MS }, undefined);
        await stores.alerts.compareAndSet('x', {}, undefined);
        expect((await stores.progress.readMany(['x', 'y'])).get('x')?.value).toEqual({
          offset: 7,
          timestampMs: START_MS,
        });
        expect((await stores.progress.readMany(['x', 'y'])).size).toBe(1);
        expect((await stores.alerts.read('x'))?.value).toEqual({});
      });

      test('keep an alert book as it is', async () => {
        const alert: OpsAlert = {
          schema: 'penstock.ops-alert/1',
          key: 'unmet/w',
          state: 'firing',
          severity: 'critical',
          sinceMs: 1,
          atMs: 2,
          title: 't',
          workloads: ['w'],
          detail: 'd',
          doc: 'x',
        };
        const book = { 'unmet/w': { alert, hooks: ['log'], phase: 'firing' as const, phaseSinceMs: 3 } };
        await stores.alerts.compareAndSet('book', book, undefined);
        expect((await stores.alerts.read('book'))?.value).toEqual(book);
      });
    });

    describe('ledger', () => {
      test('keeps the newest decisions of a workload, newest first', async () => {
        for (let at = 0; at < LEDGER_LENGTH_MAX + 5; at++) await stores.ledger.record(decision(`d_${at}`));
        await stores.ledger.record(decision('other', 'v'));
        const latest = await stores.ledger.latest('w', 2);
        expect(latest.map((one) => one.id)).toEqual([`d_${LEDGER_LENGTH_MAX + 4}`, `d_${LEDGER_LENGTH_MAX + 3}`]);
        expect(await stores.ledger.latest('w', 1_000)).toHaveLength(LEDGER_LENGTH_MAX);
        expect(await stores.ledger.latest('w', 0)).toEqual([]);
        expect(await stores.ledger.latest('nobody', 5)).toEqual([]);
      });

      test('finds a decision by its id while it is kept', async () => {
        await stores.ledger.record(decision('findme', 'f'));
        expect(await stores.ledger.find('findme')).toEqual(decision('findme', 'f'));
        expect(await stores.ledger.find('unknown')).toBeUndefined();
        expect(await stores.ledger.find('d_0')).toBeUndefined();
      });
    });

    describe('outbox', () => {
      test('keeps messages in order until they are acknowledged', async () => {
        await stores.outbox.put([]);
        await stores.outbox.put([message('a'), { ...message('b'), encoding: 'base64', headers: { h: 'ä' } }]);
        await stores.outbox.put([message('c')]);
        expect(await stores.outbox.size()).toBe(3);
        const two = await stores.outbox.peek(2);
        expect(two.map((one) => one.message)).toEqual([
          message('a'),
          { ...message('b'), encoding: 'base64', headers: { h: 'ä' } },
        ]);
        expect(await stores.outbox.peek(2)).toEqual(two);
        await stores.outbox.acknowledge(two.map((one) => one.id));
        await stores.outbox.acknowledge([]);
        expect((await stores.outbox.peek(10)).map((one) => one.message.key)).toEqual(['c']);
      });

      test('refuses what would not fit, and keeps nothing of it', async () => {
        const before = await stores.outbox.size();
        const tooMany = Array.from({ length: OUTBOX_LENGTH_MAX + 1 - before }, () => message('x'));
        await expect(stores.outbox.put(tooMany)).rejects.toThrow(TransientError);
        expect(await stores.outbox.size()).toBe(before);
      });
    });

    test('answers a ping', async () => {
      expect(await stores.ping()).toBeGreaterThanOrEqual(0);
    });
  });
}

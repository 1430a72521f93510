import { describe, expect, test } from '@jest/globals';
import { NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import { PAGE_ROWS } from '../../../lib/loop/live/choose.ts';
import type { Choice } from '../../../lib/loop/live/choose.ts';
import { makeLive } from '../../../lib/loop/live/live.ts';
import { pause } from '../../../lib/loop/pauses.ts';
import type { StatusDeps } from '../../../lib/loop/status.ts';
import { memoryStateStores } from '../../../lib/state/memory.ts';
import type { StateStores } from '../../../lib/state/contract.ts';
import { observed } from '../../core/builders.ts';
import { changeLoad, memoryStatusDeps } from '../../support/builders-loop.ts';
import { liveFleet } from '../../support/live-fleet.ts';

const all: Choice = { search: '', show: 'all', sort: 'name', page: 0 };
const liveOf = (deps: StatusDeps): ReturnType<typeof makeLive> =>
  makeLive({ deps: async () => deps, staleAfterMs: 10_000 });

/** Stores in memory that count what is read, by the store and one for each key. */
function countingStores(): { state: StateStores; take: () => Record<string, number> } {
  const stores = memoryStateStores();
  let reads: Record<string, number> = {};
  const note = (name: string, keys: number): void => void (reads[name] = (reads[name] ?? 0) + keys);
  const watched = <T extends object>(name: string, store: T): T =>
    new Proxy(store, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key);
        if (typeof member !== 'function') return member;
        return (...args: readonly unknown[]): unknown => {
          note(name, Array.isArray(args[0]) ? args[0].length : 1);
          return Reflect.apply(member, target, args);
        };
      },
    });
  const state = Object.fromEntries(
    Object.entries(stores).map(([name, store]) => [name, typeof store === 'function' ? store : watched(name, store)]),
  ) as StateStores;
  const take = (): Record<string, number> => {
    const before = reads;
    reads = {};
    return before;
  };
  return { state, take };
}

/** Longer than any alert of ours, about more workloads than are told. */
const longAlert = (index: number): object => ({
  phase: 'firing',
  phaseSinceMs: 1,
  hooks: [],
  alert: {
    schema: 'penstock.ops-alert/1',
    key: `unmet-demand/${index}`,
    state: 'firing',
    severity: 'warning',
    sinceMs: 1,
    atMs: 1,
    title: 'x'.repeat(5_000),
    workloads: Array.from({ length: 900 }, () => 'w-000'),
    detail: 'y'.repeat(5_000),
    doc: '',
  },
});

describe('the view', () => {
  test('before the first evaluation has the workloads, and null for everything nobody knows', async () => {
    const view = await liveOf(memoryStatusDeps()).view(all);
    expect(view).toMatchObject({ decidedAtMs: null, observedAtMs: null, totals: { workloads: 1, unseen: 1 } });
    expect(view.workloads).toMatchObject([
      { workload: 'llama-8b-chat', wanted: null, ready: null, because: null, point: null, unseen: 'not looked at yet' },
    ]);
    expect(view.decisions).toEqual([]);
  });

  test('tells totals, the price, and each workload with its load and its reason', async () => {
    const { deps, clock } = await liveFleet({ workloads: 3 });
    const view = await liveOf(deps).view(all);
    expect(view.decidedAtMs).toBe(clock.nowMs());
    expect([view.observedAtMs, view.provenAtMs]).toEqual([clock.nowMs(), clock.nowMs()]);
    expect(view.totals).toMatchObject({
      workloads: 3,
      unseen: 0,
      replicas: { ready: 6 },
      nodes: { ready: 4 },
      usdPerHour: { now: 4.02 },
      modes: { act: 3 },
    });
    expect(view.workloads[0]).toMatchObject({
      workload: 'w-000',
      target: 'Deployment inference/w-000',
      ready: 2,
      current: 2,
      inputs: [
        { signal: 'inFlight', value: 40 },
        { signal: 'queued', value: 0 },
      ],
      point: { load: 5, ready: 2 },
    });
    expect(view.nodeGroups).toMatchObject([{ nodeGroup: 'g5-od', ready: 4, current: 5, max: 20, shortage: null }]);
  });

  test('what is stopped, and who stopped it, is told where it is', async () => {
    const { deps } = await liveFleet({ workloads: 2 });
    await pause(deps, { kind: 'workload', name: 'w-001' }, { by: 'ada', reason: 'incident' });
    const view = await liveOf(deps).view(all);
    expect(view.pauses).toMatchObject([{ kind: 'workload', name: 'w-001', by: 'ada', reason: 'incident' }]);
    expect(view.workloads.map(({ paused }) => paused)).toEqual([false, true]);
    expect(view.counts.paused).toBe(1);
  });

  test('a group without capacity says why, and until when nobody asks', async () => {
    const { deps, clock } = await liveFleet({ workloads: 1 });
    const untilMs = clock.nowMs() + 60_000;
    const cause = 'InsufficientInstanceCapacity - We currently do not have sufficient capacity (eu-west-1a)';
    const drain = { nodeName: 'a', instanceId: 'i-a', stage: 'evicting', startedMs: 1, detail: '' } as const;
    await deps.state.actuation.compareAndSet(
      'nodeGroup/g5-od',
      {
        planSeq: 1,
        outcome: 'applied',
        detail: '',
        atMs: 1,
        failures: 0,
        notBeforeMs: 0,
        drains: [drain],
        capacityBackoff: { untilMs, attempts: 1, cause },
      },
      undefined,
    );
    const [group] = (await liveOf(deps).view(all)).nodeGroups;
    expect(group).toMatchObject({
      trouble: 'noCapacity',
      shortage: 'InsufficientInstanceCapacity in eu-west-1a',
      backoffUntilMs: untilMs,
      draining: ['a'],
      drainingCount: 1,
    });
  });

  test('a thousand workloads cost a page of reads, and an answer of a page', async () => {
    const { state, take } = countingStores();
    const { deps, clock } = await liveFleet({ workloads: 1_000, heardSec: 20, state });
    const live = liveOf(deps);
    take();
    await live.view(all);
    // The first look asks every workload for its last decision, once.
    expect(take()).toMatchObject({ ledger: 1_020, control: PAGE_ROWS, plans: 1, snapshots: 1 });
    await clock.advance(2_000);
    const view = await live.view({ ...all, page: 3, sort: 'attention' });
    expect(take()).toEqual({
      plans: 1,
      snapshots: 1,
      alerts: 1,
      pauses: 1,
      actuation: 1,
      outbox: 1,
      control: PAGE_ROWS,
    });
    expect(view).toMatchObject({ page: 3, pages: 20, counts: { all: 1_000 } });
    expect(JSON.stringify(view).length).toBeLessThan(60_000);
    // Whoever looks within the same second costs nothing more.
    await Promise.all([
      live.view({ ...all, page: 3, sort: 'attention' }),
      live.view({ ...all, page: 3, sort: 'attention' }),
    ]);
    expect(take()).toEqual({});
  });

  test('lists and texts are cut, and what is left out is counted', async () => {
    const { deps } = await liveFleet({ workloads: 1 });
    const book = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`unmet-demand/${index}`, longAlert(index)]),
    );
    const before = (await deps.state.alerts.read('default'))?.version;
    await deps.state.alerts.compareAndSet('default', book as never, before);
    const view = await liveOf(deps).view(all);
    expect(view.alertCount).toBe(300);
    expect(view.alerts).toHaveLength(50);
    expect(JSON.stringify(view).length).toBeLessThan(80_000);
  });

  test('a store out of reach is told at every look, and the look after it is a new one', async () => {
    const { deps } = await liveFleet({ workloads: 1 });
    let isAway = true;
    const plans = {
      ...deps.state.plans,
      readMany: (ids: readonly string[]) =>
        isAway ? Promise.reject(new TransientError('Cannot reach Redis')) : deps.state.plans.readMany(ids),
    };
    const live = liveOf({ ...deps, state: { ...deps.state, plans } });
    await expect(live.view(all)).rejects.toThrow('Cannot reach Redis');
    isAway = false;
    expect((await live.view(all)).totals.workloads).toBe(1);
  });
});

describe('the last decisions', () => {
  test('are those of all workloads, newest first, and go on as counts change', async () => {
    const { deps, clock, evaluate, world } = await liveFleet({ workloads: 8 });
    const live = liveOf(deps);
    const first = (await live.view(all)).decisions;
    expect(
      first
        .slice(0, 2)
        .map(({ workload }) => workload)
        .toSorted(),
    ).toEqual(['w-000', 'w-007']);
    expect(first.map(({ atMs }) => atMs)).toEqual(first.map(({ atMs }) => atMs).toSorted((a, b) => b - a));
    await changeLoad({ clock, state: deps.state }, { workload: 'w-003', before: 8, inFlight: 90 });
    await clock.advance(2_000);
    world.view.targets.set('w-003', observed(2, { gpusPerReplica: {} }));
    await evaluate();
    const [newest] = (await live.view(all)).decisions;
    expect(newest).toMatchObject({ workload: 'w-003', atMs: clock.nowMs(), from: 2 });
    expect(newest?.to).toBeGreaterThan(2);
  });

  test('are looked for anew after a pause in which nobody looked', async () => {
    const { deps, clock, evaluate } = await liveFleet({ workloads: 2 });
    const live = liveOf(deps);
    await live.view(all);
    await changeLoad({ clock, state: deps.state }, { workload: 'w-001', before: 8, inFlight: 90 });
    await evaluate();
    await clock.advance(3_600_000);
    expect((await live.view(all)).decisions[0]).toMatchObject({ workload: 'w-001' });
  });
});

describe('courses and explanations', () => {
  test('a course is the recorded decisions, oldest first, and is read again only after a new one', async () => {
    const { state, take } = countingStores();
    const { deps, clock, evaluate } = await liveFleet({ workloads: 2, state });
    const live = liveOf(deps);
    const { 'w-000': course } = await live.history(all);
    expect(course?.map(({ load }) => load)).toEqual([1, 5]);
    expect(course?.[0]?.atMs).toBeLessThan(course?.[1]?.atMs ?? 0);
    await clock.advance(1_500);
    take();
    await live.history(all);
    expect(take()['ledger']).toBeUndefined();
    await changeLoad({ clock, state }, { workload: 'w-001', before: 8, inFlight: 90 });
    await evaluate();
    await clock.advance(1_500);
    expect((await live.history(all))['w-001']?.at(-1)?.load).toBeGreaterThan(10);
  });

  test('an explanation has what penstock explain says, with why not more and why not less', async () => {
    const { deps } = await liveFleet({ workloads: 2 });
    const live = liveOf(deps);
    const found = await live.explain('w-001');
    expect(found.headline).toMatch(/replicas; the last word had "/);
    const names = found.rows.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['demand', 'read', 'not more', 'not less', 'costs']));
    expect(found.rows.length).toBeLessThanOrEqual(8);
    expect(found.decisions[0]).toMatchObject({ workload: 'w-001' });
    const byId = await live.explain(found.decisions[0]?.id ?? '');
    expect(byId).toMatchObject({ workload: 'w-001', decision: found.decisions[0]?.id });
  });

  test('what is not there is said', async () => {
    const { deps } = await liveFleet({ workloads: 1 });
    await expect(liveOf(deps).explain('nobody')).rejects.toThrow(NotFoundError);
    await expect(liveOf(deps).explain('d_0000000000000000')).rejects.toThrow(NotFoundError);
  });
});

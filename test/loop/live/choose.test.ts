import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { PAGE_ROWS, SHOWN, SORTS, choose } from '../../../lib/loop/live/choose.ts';
import type { Choice } from '../../../lib/loop/live/choose.ts';
import type { FleetRow } from '../../../lib/loop/live/facts.ts';

const row = (workload: string, over: Partial<FleetRow> = {}): FleetRow => ({
  workload,
  target: `Deployment inference/${workload}`,
  pool: 'default',
  mode: 'act',
  paused: false,
  current: 2,
  ready: 2,
  wanted: 2,
  unseen: null,
  alert: null,
  ...over,
});

const all: Choice = { search: '', show: 'all', sort: 'name', page: 0 };
const names = (rows: readonly FleetRow[], choice: Partial<Choice>): string[] =>
  choose(rows, { ...all, ...choice }).rows.map(({ workload }) => workload);

describe('choose', () => {
  test('finds every word in name, target or pool, in any case', () => {
    const rows = [row('llama', { pool: 'h100' }), row('qwen', { target: 'StatefulSet Batch/qwen' }), row('mixtral')];
    expect(names(rows, { search: 'LLA' })).toEqual(['llama']);
    expect(names(rows, { search: 'batch' })).toEqual(['qwen']);
    expect(names(rows, { search: ' h100  inference ' })).toEqual(['llama']);
    expect(names(rows, { search: 'h100 batch' })).toEqual([]);
    expect(names(rows, { search: '.*' })).toEqual([]);
  });

  test('attention first: critical, warning, not observed, stopped, moving, then by name', () => {
    const rows = [
      row('a'),
      row('moving', { wanted: 3 }),
      row('stopped', { paused: true }),
      row('unseen', { current: null, ready: null, unseen: 'no such Deployment' }),
      row('warned', { alert: 'warning' }),
      row('critical', { alert: 'critical' }),
      row('b'),
    ];
    const order = ['critical', 'warned', 'unseen', 'stopped', 'moving', 'a', 'b'];
    expect(names(rows, { sort: 'attention' })).toEqual(order);
    expect(names(rows, { show: 'attention', sort: 'attention' })).toEqual(order.slice(0, 4));
    expect(names(rows, { show: 'moving' })).toEqual(['moving', 'unseen']);
  });

  test('a workload that is only observed misses nothing, however few are ready', () => {
    const rows = [row('act', { wanted: 5 }), row('observe', { mode: 'observe', wanted: 9 })];
    expect(names(rows, { sort: 'missing' })).toEqual(['act', 'observe']);
  });

  test('a page beyond the last is the last', () => {
    const rows = Array.from({ length: PAGE_ROWS + 3 }, (_, index) => row(`w-${String(index).padStart(3, '0')}`));
    const chosen = choose(rows, { ...all, page: 99 });
    expect(chosen).toMatchObject({ page: 1, pages: 2 });
    expect(chosen.rows.map(({ workload }) => workload)).toEqual(['w-050', 'w-051', 'w-052']);
    expect(choose([], { ...all, page: 7 })).toMatchObject({ page: 0, pages: 1, rows: [] });
  });

  test('law: the pages of a choice are each found workload once, in one order, and the counts say how many', () => {
    const rowArb = fc
      .record({
        workload: fc.string({ maxLength: 6 }),
        mode: fc.constantFrom('act', 'observe', 'paused'),
        paused: fc.boolean(),
        wanted: fc.option(fc.nat(5), { nil: null }),
        ready: fc.option(fc.nat(5), { nil: null }),
        alert: fc.constantFrom(null, 'info' as const, 'warning' as const, 'critical' as const),
      })
      .map(({ workload, ...over }) => row(workload, over));
    const rows = fc.uniqueArray(rowArb, { maxLength: 180, selector: ({ workload }) => workload });
    fc.assert(
      fc.property(rows, fc.constantFrom(...SHOWN), fc.constantFrom(...SORTS), (given, show, sort) => {
        const first = choose(given, { ...all, show, sort });
        const pages = Array.from(
          { length: first.pages },
          (_, page) => choose(given, { ...all, show, sort, page }).rows,
        );
        const listed = pages.flat().map(({ workload }) => workload);
        expect(new Set(listed).size).toBe(listed.length);
        expect(listed.length).toBe(first.counts[show]);
        expect(first.counts.all).toBe(given.length);
        expect(pages.slice(0, -1).every((page) => page.length === PAGE_ROWS)).toBe(true);
      }),
    );
  });
});

/** Which workloads of a fleet one page shows: searched, filtered, sorted, cut. Pure. */
import type { FleetRow } from './facts.ts';

/** Of one page of workloads: what a screen holds, and all that is read per workload. */
export const PAGE_ROWS = 50;

/** What is shown: everything, what may need a person, what has not got its count yet, or one mode. */
export const SHOWN = ['all', 'attention', 'moving', 'act', 'observe', 'paused'] as const;
export const SORTS = ['attention', 'name', 'wanted', 'missing'] as const;

export type Shown = (typeof SHOWN)[number];

export type Choice = {
  /** Part of a workload's name, of its target or of its pool, in any case; empty: all. */
  readonly search: string;
  readonly show: Shown;
  readonly sort: (typeof SORTS)[number];
  /** From 0. */
  readonly page: number;
};

export type Chosen = {
  readonly rows: readonly FleetRow[];
  /** As asked for, or the last one there is. */
  readonly page: number;
  readonly pages: number;
  /** Of all that the search finds, how many each filter shows. */
  readonly counts: Readonly<Record<Shown, number>>;
};

const IS_SHOWN = {
  all: () => true,
  attention: (row) => rankOf(row) >= RANK_ATTENTION,
  moving: (row) => missingOf(row) !== 0 || row.current !== row.wanted,
  act: ({ mode }) => mode === 'act',
  observe: ({ mode }) => mode === 'observe',
  paused: ({ mode, paused }) => paused || mode === 'paused',
} satisfies Record<Shown, (row: FleetRow) => boolean>;

/** From here on somebody should look. */
const RANK_ATTENTION = 2;

/** One page of `rows`. Ties are in the order of names, so that a row stays where it is between two looks. */
export function choose(rows: readonly FleetRow[], { search, show, sort, page }: Choice): Chosen {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const found = rows.filter((row) => {
    const text = `${row.workload} ${row.target} ${row.pool}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const counts = Object.fromEntries(SHOWN.map((name) => [name, found.filter(IS_SHOWN[name]).length])) as Record<
    Shown,
    number
  >;
  const sorted = found.filter(IS_SHOWN[show]).toSorted((a, b) => ORDERS[sort](a, b) || byName(a, b));
  const pages = Math.max(1, Math.ceil(sorted.length / PAGE_ROWS));
  const at = Math.min(page, pages - 1);
  return { rows: sorted.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS), page: at, pages, counts };
}

const byName = (a: FleetRow, b: FleetRow): number => (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0);

const ORDERS = {
  attention: (a, b) => rankOf(b) - rankOf(a),
  name: byName,
  wanted: (a, b) => (b.wanted ?? -1) - (a.wanted ?? -1),
  missing: (a, b) => missingOf(b) - missingOf(a),
} satisfies Record<Choice['sort'], (a: FleetRow, b: FleetRow) => number>;

/** Wanted and not ready [replicas]; 0 where either is not known. */
export function missingOf({ wanted, ready, mode }: FleetRow): number {
  // What is only observed is nobody's to bring.
  return mode !== 'act' || wanted === null || ready === null ? 0 : Math.max(0, wanted - ready);
}

const ALERT_RANKS = { critical: 5, warning: 4, info: 2 };

/** How much a person is needed: 0 not at all, 5 at once. */
function rankOf(row: FleetRow): number {
  if (row.alert !== null && row.alert !== 'info') return ALERT_RANKS[row.alert];
  if (row.unseen !== null) return 3;
  if (row.alert !== null || row.paused) return 2;
  return IS_SHOWN.moving(row) ? 1 : 0;
}

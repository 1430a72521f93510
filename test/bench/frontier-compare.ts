/** Penstock's frontier beside one peer on one trace at one lead time. */
import { frontierOf, hoursAtMisses, missShareOf, missesAtHours, missesNone, over } from './frontier-curve.ts';
import type { Read } from './frontier-curve.ts';
import { PEERS } from './frontier-settings.ts';
import type { Point } from './frontier-results.ts';

/** A trace at a lead time. */
export type Field = {
  readonly trace: string;
  readonly leadTimeSec: number;
  readonly optimumHours: number;
  readonly penstock: readonly Point[];
  readonly peers: ReadonlyMap<string, readonly Point[]>;
};

/** Fewer GPU-hours at equal misses than a peer at its recommended setting, as a ratio, by lead time [s]. */
export const HOURS_GOAL: ReadonlyMap<number, number> = new Map([
  [60, 0.75],
  [180, 0.83],
  [420, 0.92],
]);
/** Misses at equal GPU-hours, as a ratio: on the worst trace, and at the median of the traces. */
export const MISSES_GOAL = { worst: 0.5, median: 0.2 } as const;

/** Misses up to which the optimum, which misses none, is taken for a bound: at more, requests given up would save something. */
export const BOUND_SHARE_MAX = 0.001;

/** Nobody runs a service that leaves more waiting: such points of a peer's sweep are drawn, but not compared. */
export const SERVED_MISS_SHARE_MAX = 0.1;

/** Every trace and lead time that has an optimum and Penstock. */
export function fieldsOf(points: readonly Point[]): Field[] {
  const cells = new Map<string, Point[]>();
  for (const point of points) {
    const key = `${point.trace} ${String(point.leadTimeSec).padStart(5, '0')}`;
    cells.set(key, [...(cells.get(key) ?? []), point]);
  }
  return [...cells].toSorted(([one], [other]) => (one < other ? -1 : 1)).flatMap(([, of]) => fieldOf(of));
}

function fieldOf(points: readonly Point[]): Field[] {
  const by = (policy: string): Point[] => points.filter((point) => point.policy === policy);
  const optimum = by('optimum')[0];
  const penstock = by('penstock');
  if (optimum === undefined || penstock.length === 0) return [];
  const { trace, leadTimeSec, gpuHours: optimumHours } = optimum;
  const peers = new Map(PEERS.map((name) => [name, by(name)] as const).filter(([, found]) => found.length > 0));
  return [{ trace, leadTimeSec, optimumHours, penstock, peers }];
}

export function recommendedOf(points: readonly Point[]): Point | undefined {
  return points.find(({ setting }) => setting === null);
}

export type Comparison = {
  /** GPU-hours of Penstock at the peer's misses over the peer's. */
  readonly hours: Read;
  /** Misses of Penstock at the peer's GPU-hours over the peer's. `none`: neither misses a request; `more`: the peer does not, Penstock does; `ends`: the peer takes more than Penstock's safest setting does, and misses less; `above`: it takes less than the cheapest, and misses no more. */
  readonly misses: Read | { readonly kind: 'none' | 'more' | 'ends' | 'above' };
  /** Penstock's safest setting, and its GPU-hours over the peer's: where no setting misses as little, what is nearest to it. */
  readonly safest: { readonly ratio: number; readonly at: Point } | null;
  /** The optimum over the peer's GPU-hours, where it bounds what anybody could reach at its misses; else null. */
  readonly boundRatio: number | null;
};

/** Penstock's whole sweep beside one point of a peer. */
export function compared(field: Field, peer: Point): Comparison {
  const frontier = frontierOf(field.penstock);
  const share = missShareOf(peer);
  const hours = over(hoursAtMisses(frontier, share), peer.gpuHours);
  const at = frontier.at(-1);
  return {
    hours,
    safest: hours.kind === 'beyond' && at !== undefined ? { ratio: at.gpuHours / peer.gpuHours, at } : null,
    misses: missesBeside(peer, { misses: over(missesAtHours(frontier, peer.gpuHours), share), cheapest: frontier[0] }),
    boundRatio: share <= BOUND_SHARE_MAX ? field.optimumHours / peer.gpuHours : null,
  };
}

function missesBeside(
  peer: Point,
  { misses, cheapest }: { readonly misses: Read; readonly cheapest: Point | undefined },
): Comparison['misses'] {
  if (misses.kind === 'beyond') {
    return cheapest !== undefined && missShareOf(peer) <= missShareOf(cheapest) ? { kind: 'above' } : misses;
  }
  if (misses.kind === 'atMost' && misses.value > 1) return { kind: 'ends' };
  if (!missesNone(peer)) return misses;
  return { kind: misses.value > 1 ? 'more' : 'none' };
}

/** Where Penstock stands beside a peer's whole frontier. */
export type Standing = {
  /** The point of the peer where Penstock stands worst, and its GPU-hours over the peer's at equal misses: up to 1 on or below the frontier. Null where no point can be compared. */
  readonly worst: {
    readonly ratio: number;
    /** No setting of Penstock misses as little, and the safest one takes so many times the GPU-hours. */
    readonly isLeast: boolean;
    readonly at: Point;
  } | null;
  /** Whether the peer goes on to fewer misses than Penstock's safest setting, for more GPU-hours than that takes: there is nothing to compare with. */
  readonly goesOn: boolean;
};

/** A point that misses more than Penstock's cheapest setting is compared with that one where it costs no more, else it is left out. */
export function standingOf(field: Field, peer: readonly Point[]): Standing {
  const served = frontierOf(peer).filter((point) => missShareOf(point) <= SERVED_MISS_SHARE_MAX);
  const compareds = served.flatMap((at) => {
    const { hours, safest } = compared(field, at);
    if (hours.kind === 'beyond') return safest === null ? [] : [{ ratio: safest.ratio, isLeast: true, at }];
    return hours.kind === 'atMost' && hours.value > 1 ? [] : [{ ratio: hours.value, isLeast: false, at }];
  });
  const isBeside = ({ ratio, isLeast }: (typeof compareds)[number]): boolean => !isLeast || ratio >= 1;
  const [worst = null] = compareds.filter(isBeside).toSorted((one, other) => other.ratio - one.ratio);
  return { worst, goesOn: !compareds.every(isBeside) };
}

/** The middle one; of an even number the mean of the two. Undefined for none. */
export function medianOf(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined || sorted.length % 2 === 1 || low === undefined) return high;
  return (low + high) / 2;
}

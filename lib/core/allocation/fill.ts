/** Raises the smallest weighted share, one unit at a time: the one engine behind every strategy. */
import type { AllocationClaim, TurnEntry } from './contract.ts';
import { nextUnit, wholeGangs } from './gangs.ts';

export type FillOptions = {
  /** Replicas by workload so far; raised in place. */
  readonly granted: Map<string, number>;
  /** Dominant share of one replica, above 0. */
  readonly sizeOf: (claim: AllocationClaim) => number;
  /** Takes GPUs for so many more replicas of a claim, all or none; false when they cannot be had, and never will be. */
  readonly take: (claim: AllocationClaim, replicas: number) => boolean;
};

/** An entry that may get more: what it has, what the next unit is, and where that stands in line. */
type Candidate = {
  readonly entry: TurnEntry;
  readonly size: number;
  readonly wanted: number;
  replicas: number;
  unit: number;
  key: number;
  worth: number;
};

/**
 * Progressive filling: the next unit goes to the claim with the smallest (n + unit / 2) · size / weight, n counted from 0 with everything it has.
 * A claim leaves when it has what it wants or its GPUs are used up. In the limit of many small replicas this is weighted max-min, for several
 * resource names dominant resource fairness (Ghodsi et al. 2011); while nobody is bounded it is R_c = R_total · w_c / Σw. The half unit rounds to the
 * nearest share (Webster): within a replica of the exact share like the largest remainder, and unlike it never lower because there is more to share.
 */
export function fill(entries: readonly TurnEntry[], options: FillOptions): void {
  const candidates: Candidate[] = [];
  for (const entry of entries) {
    const candidate = candidateOf(entry, options);
    if (candidate !== null) candidates.push(candidate);
  }
  const heap = heapOf(candidates);
  for (let next = heap.first(); next !== undefined; next = heap.first()) {
    if (!options.take(next.entry.claim, next.unit)) {
      heap.removeFirst();
      continue;
    }
    next.replicas += next.unit;
    options.granted.set(next.entry.claim.workload, next.replicas);
    if (lineUp(next)) heap.sinkFirst();
    else heap.removeFirst();
  }
}

function candidateOf(entry: TurnEntry, { granted, sizeOf }: FillOptions): Candidate | null {
  const { claim } = entry;
  const replicas = granted.get(claim.workload) ?? claim.held;
  if (replicas >= claim.wanted) return null;
  const candidate: Candidate = {
    entry,
    size: sizeOf(claim),
    wanted: wholeGangs(claim, claim.wanted),
    replicas,
    unit: 0,
    key: 0,
    worth: 0,
  };
  return lineUp(candidate) ? candidate : null;
}

/** Sets the next unit and its place in line; false when it has what it wants. */
function lineUp(candidate: Candidate): boolean {
  const { entry, size, replicas, wanted } = candidate;
  const unit = nextUnit(entry.claim, replicas);
  if (replicas + unit > wanted) return false;
  candidate.unit = unit;
  // Shares that are equal but for rounding must be equal, else the last bit decides instead of the gain: single precision absorbs it.
  candidate.key = entry.weight > 0 ? Math.fround(((replicas + unit / 2) * size) / entry.weight) : Infinity;
  candidate.worth = entry.gain?.(replicas, unit) ?? 0;
  return true;
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.key !== b.key) return a.key < b.key;
  if (a.worth !== b.worth) return a.worth > b.worth;
  if (a.entry.weight !== b.entry.weight) return a.entry.weight > b.entry.weight;
  return a.entry.claim.workload < b.entry.claim.workload;
}

type Heap = {
  readonly first: () => Candidate | undefined;
  readonly removeFirst: () => void;
  /** Puts the first one where it belongs after it has changed. */
  readonly sinkFirst: () => void;
};

/** Binary heap in the list given: a thousand claims and ten thousand units, each O(log claims). */
function heapOf(items: Candidate[]): Heap {
  for (let at = (items.length - 2) >> 1; at >= 0; at--) sink(items, at);
  return {
    first: () => items[0],
    sinkFirst: () => sink(items, 0),
    removeFirst: () => {
      const last = items.pop();
      if (last === undefined || items.length === 0) return;
      items[0] = last;
      sink(items, 0);
    },
  };
}

function sink(items: Candidate[], from: number): void {
  const moved = items[from];
  if (moved === undefined) return;
  let at = from;
  for (;;) {
    const leftAt = 2 * at + 1;
    const left = items[leftAt];
    if (left === undefined) break;
    const right = items[leftAt + 1];
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, moved)) break;
    items[at] = child;
    at = isRight ? leftAt + 1 : leftAt;
  }
  items[at] = moved;
}

/** Puts replicas on GPUs: free ones first, then nodes that are on their way, then new nodes. Source: first-fit decreasing. */
import type { GpuCounts } from '../types.ts';
import { cheapestFirst, coverOf } from './choose.ts';
import type { Cover } from './choose.ts';
import { fits, minus, total } from './gpus.ts';
import { isPaid, orderNode, takeBackNode } from './supply.ts';
import type { Bin, BinKind, Content, Supply } from './supply.ts';
import type { Placement } from './placement.ts';

export type Placed = {
  readonly replicas: number;
  /** What stood against the rest, one clause per group; empty when all were placed. */
  readonly blockedBy: readonly string[];
};

const EXISTING: readonly BinKind[] = ['free', 'pending'];
const NO_BINS: readonly Bin[] = [];
const ALL: readonly BinKind[] = ['free', 'pending', 'new'];

/** Places the largest replicas first, on what exists before anything is ordered; fills `supply`. */
export function placeAll(supply: Supply, placements: readonly Placement[]): ReadonlyMap<string, Placed> {
  const jobs = placements
    .toSorted(
      (a, b) => total(b.gpus) - total(a.gpus) || (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0),
    )
    .map((placement) => jobOf(placement));
  for (const job of jobs) fill(supply, job, { kinds: EXISTING, later: [] });
  for (const [index, job] of jobs.entries()) {
    if (job.placed < job.placement.replicas) fill(supply, job, { kinds: ALL, later: jobs.slice(index + 1) });
  }
  return new Map(jobs.map((job) => [job.placement.workload, placedOf(job)]));
}

/** Places as many replicas of one workload as there is room for. */
export function place(supply: Supply, placement: Placement): Placed {
  const job = jobOf(placement);
  fill(supply, job, { kinds: ALL, later: [] });
  return placedOf(job);
}

/** Replicas that complete the next whole step after `have` of them. `whole`: where broken ones are whole again, the nearest first. */
export function nextStep(
  have: number,
  { step, whole }: { readonly step: number; readonly whole?: readonly number[] | undefined },
): number {
  const healed = whole?.find((at) => at > have);
  return healed === undefined ? step - (have % step) : healed - have;
}

type Job = {
  readonly placement: Placement;
  placed: number;
  blockedBy: readonly string[];
  /** By group. Free GPUs only shrink here, so a bin that was too full once is never looked at again. */
  readonly cursors: Readonly<Record<BinKind, Map<string, number>>>;
  /** What a bin holds of it. */
  readonly content: Content;
  cover: Cover | null;
};

type Where = { readonly kinds: readonly BinKind[]; readonly later: readonly Job[] };

function jobOf(placement: Placement): Job {
  const { gpus, groups, choice = 'order' } = placement;
  const cursors = {
    free: new Map<string, number>(),
    pending: new Map<string, number>(),
    new: new Map<string, number>(),
  };
  return { placement, placed: 0, blockedBy: [], cursors, content: { gpus, groups, choice }, cover: null };
}

function placedOf(job: Job): Placed {
  return { replicas: job.placed, blockedBy: job.placed === job.placement.replicas ? [] : job.blockedBy };
}

function fill(supply: Supply, job: Job, where: Where): void {
  const { replicas, step = 1, held = 0, whole } = job.placement;
  while (job.placed < replicas) {
    const size = nextStep(held + job.placed, { step, whole });
    // Fewer than a whole step are wanted: none of it would work alone.
    if (job.placed + size > replicas) return;
    if (size === 1 ? !placeOne(supply, job, where) : !placeStep(supply, job, { ...where, size })) return;
    job.placed += size;
  }
}

type Undo = { readonly bin: Bin; readonly free: GpuCounts; readonly used: boolean };

/** All of `size` replicas or none. */
function placeStep(supply: Supply, job: Job, where: Where & { readonly size: number }): boolean {
  const undo: Undo[] = [];
  const ordered: string[] = [];
  for (let done = 0; done < where.size; done++) {
    const bin = findBin(supply, job, where) ?? orderBin(supply, job, { ...where, done, ordered });
    if (bin === null) {
      takeBack(supply, { undo, ordered });
      if (undo.length > 0) for (const kind of ALL) job.cursors[kind].clear();
      return false;
    }
    undo.push({ bin, free: bin.free, used: bin.used });
    putInto(bin, job);
  }
  return true;
}

/** Nothing to take back. */
function placeOne(supply: Supply, job: Job, where: Where): boolean {
  const bin = findBin(supply, job, where) ?? orderBin(supply, job, { ...where, size: 1, done: 0, ordered: [] });
  if (bin !== null) putInto(bin, job);
  return bin !== null;
}

function putInto(bin: Bin, { placement, content }: Job): void {
  bin.free = minus(bin.free, placement.gpus);
  bin.used = true;
  bin.content = [...bin.content, content];
}

function takeBack(supply: Supply, of: { readonly undo: readonly Undo[]; readonly ordered: readonly string[] }): void {
  for (const { bin, free, used } of of.undo.toReversed()) {
    bin.free = free;
    bin.used = used;
    bin.content = bin.content.slice(0, -1);
  }
  for (const group of of.ordered.toReversed()) takeBackNode(supply, group);
}

function findBin(supply: Supply, job: Job, { kinds }: Where): Bin | null {
  for (const kind of kinds) {
    for (const group of job.placement.groups) {
      const bin = nextFit(supply.bins[kind].get(group) ?? NO_BINS, { job, kind, group });
      if (bin !== null) return bin;
    }
  }
  return null;
}

function nextFit(
  bins: readonly Bin[],
  { job, kind, group }: { readonly job: Job; readonly kind: BinKind; readonly group: string },
): Bin | null {
  const cursors = job.cursors[kind];
  const from = cursors.get(group) ?? 0;
  let index = from;
  for (let bin = bins[index]; bin !== undefined && !fits(bin.free, job.placement.gpus); bin = bins[index]) index++;
  if (index !== from) cursors.set(group, index);
  return bins[index] ?? null;
}

/** A new node for the replica; null when no group can give one, with the clauses in `job.blockedBy`. */
function orderBin(
  supply: Supply,
  job: Job,
  where: Where & { readonly size: number; readonly done: number; readonly ordered: string[] },
): Bin | null {
  if (!where.kinds.includes('new')) return null;
  const blockedBy: string[] = [];
  for (const group of orderOf(supply, job, where)) {
    const reason = tooSmall(supply, { group, need: job.placement.gpus }) ?? orderNode(supply, group);
    if (reason === null) {
      where.ordered.push(group);
      return supply.bins.new.get(group)?.at(-1) ?? null;
    }
    blockedBy.push(reason);
    // The mix was made with this group in it.
    job.cover = null;
  }
  job.blockedBy = blockedBy;
  return null;
}

/** Nodes already paid for come first, then the policy's own order or the cheapest. */
function orderOf(supply: Supply, job: Job, where: Where & { readonly done: number }): readonly string[] {
  const { groups, choice = 'order', replicas } = job.placement;
  const paid = groups.filter((name) => isPaid(supply, name));
  const others = groups.filter((name) => !paid.includes(name));
  if (choice === 'order' || others.length < 2) return [...paid, ...others];
  const left = replicas - job.placed - where.done;
  job.cover ??= coverOf(supply, job.placement);
  const later = where.later.map(({ placement, placed }) => ({ ...placement, replicas: placement.replicas - placed }));
  return [
    ...paid,
    ...cheapestFirst(supply, { placement: job.placement, groups: others, cover: job.cover, left, later }),
  ];
}

function tooSmall(supply: Supply, of: { readonly group: string; readonly need: GpuCounts }): string | null {
  const shape = supply.groups.get(of.group)?.policy.spec.shape;
  return shape === undefined || fits(shape.gpus, of.need) ? null : `a node of ${of.group} is too small`;
}

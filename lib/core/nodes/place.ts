/** Puts replicas on GPUs: free ones first, then nodes that are on their way, then new nodes. Source: first-fit decreasing. */
import type { GpuCounts } from '../types.ts';
import { fits, minus, total } from './gpus.ts';
import { orderNode } from './supply.ts';
import type { Bin, BinKind, Supply } from './supply.ts';

export type Placement = {
  readonly workload: string;
  /** In order of preference. */
  readonly groups: readonly string[];
  readonly gpus: GpuCounts;
  /** Replicas that need a place. */
  readonly replicas: number;
};

export type Placed = {
  readonly replicas: number;
  /** What stood against the rest, one clause per group; empty when all were placed. */
  readonly blockedBy: readonly string[];
};

const KINDS: readonly BinKind[] = ['free', 'pending', 'new'];

/** Places the largest replicas first; fills `supply`. */
export function placeAll(supply: Supply, placements: readonly Placement[]): ReadonlyMap<string, Placed> {
  const largestFirst = placements.toSorted(
    (a, b) => total(b.gpus) - total(a.gpus) || (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0),
  );
  return new Map(largestFirst.map((placement) => [placement.workload, place(supply, placement)]));
}

/** Places as many replicas of one workload as there is room for. */
export function place(supply: Supply, placement: Placement): Placed {
  // Free GPUs only shrink here, so a bin that was too full once is never looked at again.
  const cursors = new Map<string, number>();
  for (let replicas = 0; replicas < placement.replicas; replicas++) {
    const blockedBy = placeOne(supply, placement, cursors);
    if (blockedBy !== null) return { replicas, blockedBy };
  }
  return { replicas: placement.replicas, blockedBy: [] };
}

/** null when placed, else the clauses. */
function placeOne(supply: Supply, placement: Placement, cursors: Map<string, number>): readonly string[] | null {
  for (const kind of KINDS) {
    for (const group of placement.groups) {
      const bin = nextFit(supply.bins[kind].get(group) ?? [], {
        cursors,
        key: `${kind}/${group}`,
        need: placement.gpus,
      });
      if (bin === null) continue;
      bin.free = minus(bin.free, placement.gpus);
      bin.used = true;
      return null;
    }
  }
  const blockedBy: string[] = [];
  for (const group of orderOf(supply, placement.groups)) {
    const reason = tooSmall(supply, { group, need: placement.gpus }) ?? orderNode(supply, group);
    if (reason === null) return placeOne(supply, placement, cursors);
    blockedBy.push(reason);
  }
  return blockedBy;
}

function nextFit(
  bins: readonly Bin[],
  search: { readonly cursors: Map<string, number>; readonly key: string; readonly need: GpuCounts },
): Bin | null {
  let index = search.cursors.get(search.key) ?? 0;
  while (index < bins.length && !fits(bins[index]?.free ?? {}, search.need)) index++;
  search.cursors.set(search.key, index);
  return bins[index] ?? null;
}

/** Nodes already paid for come first, then the policy's own order. */
function orderOf(supply: Supply, groups: readonly string[]): readonly string[] {
  const isPaid = (name: string): boolean => {
    const group = supply.groups.get(name);
    if (group === undefined) return false;
    return group.observed.desired + (supply.bins.new.get(name)?.length ?? 0) < group.policy.spec.committedNodes;
  };
  return [...groups.filter(isPaid), ...groups.filter((name) => !isPaid(name))];
}

function tooSmall(supply: Supply, of: { readonly group: string; readonly need: GpuCounts }): string | null {
  const shape = supply.groups.get(of.group)?.policy.spec.shape;
  return shape === undefined || fits(shape.gpus, of.need) ? null : `a node of ${of.group} is too small`;
}

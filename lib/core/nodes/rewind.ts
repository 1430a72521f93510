/** A supply as it was, for placements that are tried. */
import type { Bin, BinKind, Supply } from './supply.ts';

/** Lists of the same length: a pool has thousands of nodes, and a mark is made for every stage of an allocation. */
export type Mark = {
  readonly bins: readonly Bin[];
  readonly free: readonly Bin['free'][];
  readonly used: readonly boolean[];
  readonly content: readonly Bin['content'][];
  readonly ordered: ReadonlyMap<string, readonly Bin[]>;
  readonly quotaLeft: Supply['quotaLeft'];
  readonly budgetLeft: number;
};

const KINDS: readonly BinKind[] = ['free', 'pending', 'new'];

/** What {@link rewind} goes back to. */
export function markOf(supply: Supply): Mark {
  const { quotaLeft, budgetLeft } = supply;
  const bins: Bin[] = [];
  for (const kind of KINDS) for (const group of supply.bins[kind].values()) for (const bin of group) bins.push(bin);
  return {
    bins,
    free: bins.map((bin) => bin.free),
    used: bins.map((bin) => bin.used),
    content: bins.map((bin) => bin.content),
    ordered: new Map([...supply.bins.new].map(([group, ordered]) => [group, [...ordered]])),
    quotaLeft,
    budgetLeft,
  };
}

/** Undoes what was placed and ordered since the mark; the mark can be used again. */
export function rewind(supply: Supply, mark: Mark): void {
  for (let index = 0; index < mark.bins.length; index++) {
    const bin = mark.bins[index];
    if (bin === undefined) continue;
    bin.free = mark.free[index] ?? bin.free;
    bin.used = mark.used[index] ?? bin.used;
    bin.content = mark.content[index] ?? bin.content;
  }
  for (const [group, bins] of mark.ordered) supply.bins.new.get(group)?.splice(0, Infinity, ...bins);
  supply.quotaLeft = mark.quotaLeft;
  supply.budgetLeft = mark.budgetLeft;
}

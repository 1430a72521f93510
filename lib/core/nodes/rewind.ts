/** A supply as it was, for placements that are tried. */
import type { Bin, BinKind, Supply } from './supply.ts';

type BinState = {
  readonly bin: Bin;
  readonly free: Bin['free'];
  readonly used: boolean;
  readonly content: Bin['content'];
};

export type Mark = {
  readonly bins: readonly BinState[];
  readonly ordered: ReadonlyMap<string, readonly Bin[]>;
  readonly quotaLeft: Supply['quotaLeft'];
  readonly budgetLeft: number;
};

const KINDS: readonly BinKind[] = ['free', 'pending', 'new'];

/** What {@link rewind} goes back to. */
export function markOf(supply: Supply): Mark {
  const { quotaLeft, budgetLeft } = supply;
  const all: BinState[] = [];
  for (const kind of KINDS) {
    for (const bins of supply.bins[kind].values()) {
      for (const bin of bins) all.push({ bin, free: bin.free, used: bin.used, content: bin.content });
    }
  }
  const ordered = new Map([...supply.bins.new].map(([group, bins]) => [group, [...bins]]));
  return { bins: all, ordered, quotaLeft, budgetLeft };
}

/** Undoes what was placed and ordered since the mark; the mark can be used again. */
export function rewind(supply: Supply, mark: Mark): void {
  for (const { bin, free, used, content } of mark.bins) {
    bin.free = free;
    bin.used = used;
    bin.content = content;
  }
  for (const [group, bins] of mark.ordered) supply.bins.new.get(group)?.splice(0, Infinity, ...bins);
  supply.quotaLeft = mark.quotaLeft;
  supply.budgetLeft = mark.budgetLeft;
}

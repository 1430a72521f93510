/** Nodes beyond what replicas need: on-demand ones while spot nodes are not there yet, and spare ones. */
import type { GroupFacts } from './groups.ts';
import { place } from './place.ts';
import { canOrder, orderNode } from './supply.ts';
import type { Bin, Content, Supply } from './supply.ts';

/** Spot: one more than is needed, so that an interruption does not show. Source: SpotHedge overprovisions by one or two. */
const SPOT_SPARE_NODES = 1;

/**
 * Fills `supply` further, last, with what is left of limits and budget. What waits for a spot node gets a place on the on-demand groups of its policy
 * too: free GPUs there are kept, missing ones ordered, and both are let go once the spot node is there. Spare nodes are kept free or ordered.
 */
export function reserveNodes(supply: Supply): void {
  for (const content of waitingForSpot(supply)) {
    const groups = content.groups.filter((name) => marketOf(supply, name) === 'onDemand');
    if (groups.length > 0) place(supply, { ...content, workload: 'spot-cover', groups, replicas: 1 });
  }
  for (const group of supply.groups.values()) keepSpare(supply, group);
}

function waitingForSpot(supply: Supply): readonly Content[] {
  const bins = [...supply.groups.keys()]
    .filter((name) => marketOf(supply, name) === 'spot')
    .flatMap((name) => [...(supply.bins.pending.get(name) ?? []), ...(supply.bins.new.get(name) ?? [])]);
  return bins.flatMap((bin) => bin.content);
}

function marketOf(supply: Supply, name: string): 'onDemand' | 'spot' | undefined {
  return supply.groups.get(name)?.policy.spec.shape.market;
}

function keepSpare(supply: Supply, group: GroupFacts): void {
  let missing = spareOf(supply, group);
  if (missing === 0) return;
  const empty = new Set(group.observed.nodes.filter((node) => node.podCount === 0).map((node) => node.name));
  const coming = (supply.bins.pending.get(group.name) ?? []).filter((bin) => !bin.used);
  const idle = (supply.bins.free.get(group.name) ?? []).filter((bin) => !bin.used && empty.has(bin.nodeName ?? ''));
  for (const bin of [...idle, ...coming].slice(0, missing)) {
    bin.used = true;
    bin.isSpare = true;
    missing--;
  }
  while (missing > 0 && canOrder(supply, group.name) === null) {
    orderNode(supply, group.name);
    const bin = supply.bins.new.get(group.name)?.at(-1);
    if (bin !== undefined) bin.isSpare = true;
    missing--;
  }
}

function spareOf(supply: Supply, group: GroupFacts): number {
  const { nodes, shape } = group.policy.spec;
  if (nodes.spare !== undefined) return nodes.spare;
  return shape.market === 'spot' && isInUse(supply, group) ? SPOT_SPARE_NODES : 0;
}

function isInUse(supply: Supply, { name, observed }: GroupFacts): boolean {
  const bins: readonly Bin[] = [supply.bins.free, supply.bins.pending, supply.bins.new].flatMap(
    (by) => by.get(name) ?? [],
  );
  return bins.some((bin) => bin.used) || observed.nodes.some((node) => node.podCount > 0);
}

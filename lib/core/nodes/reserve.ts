/** Nodes beyond what replicas need: on-demand ones while spot nodes are not there yet, and spare ones. */
import type { PoolInput } from '../decide-types.ts';
import { total } from './gpus.ts';
import type { GroupFacts } from './groups.ts';
import { place } from './place.ts';
import { sparePolicyOf, spareWanted } from './spare-policy.ts';
import { spareAfter } from './spare.ts';
import { canOrder, orderNode } from './supply.ts';
import type { Content, Supply } from './supply.ts';

/**
 * Fills `supply` further, last, with what is left of limits and budget. What waits for a spot node gets a place on the on-demand groups of its policy
 * too: free GPUs there are kept, missing ones ordered, and both are let go once the spot node is there. Spare nodes are kept free or ordered.
 */
export function reserveNodes(input: PoolInput, supply: Supply): void {
  for (const content of waitingForSpot(supply)) {
    const groups = content.groups.filter((name) => marketOf(supply, name) === 'onDemand');
    if (groups.length > 0) place(supply, { ...content, workload: 'spot-cover', groups, replicas: 1 });
  }
  for (const group of supply.groups.values()) keepSpare(supply, { group, nodes: spareOf(input, supply, group) });
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

function keepSpare(supply: Supply, of: { readonly group: GroupFacts; readonly nodes: number }): void {
  const { group } = of;
  let missing = of.nodes;
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

/** What is learned is carried on with the plan. */
function spareOf(input: PoolInput, supply: Supply, group: GroupFacts): number {
  const policy = sparePolicyOf(group.policy);
  if (policy?.isAuto === false) return policy.start;
  const need = policy === null && spareWanted(group.policy, undefined) === 0 ? 0 : neededNodes(supply, group);
  if (policy === null) return need > 0 ? spareWanted(group.policy, undefined) : 0;
  const spare = spareAfter(input, { supply, group, policy, need });
  supply.watch.set(group.name, { ...supply.watch.get(group.name), spare });
  return need > 0 ? spareWanted(group.policy, spare) : spare.nodes;
}

/** Nodes of the group that carry something, or will by this plan. */
function neededNodes(supply: Supply, { name, observed }: GroupFacts): number {
  const names = new Set(
    observed.nodes.filter((node) => node.podCount > 0 || total(node.gpusUsed) > 0).map((node) => node.name),
  );
  let coming = 0;
  for (const by of [supply.bins.free, supply.bins.pending, supply.bins.new]) {
    for (const bin of by.get(name) ?? []) {
      if (!bin.used) continue;
      if (bin.nodeName === null) coming++;
      else names.add(bin.nodeName);
    }
  }
  return names.size + coming;
}

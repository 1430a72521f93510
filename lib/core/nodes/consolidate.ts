/** Freeing a node that is in use: when its pods fit on what is free elsewhere, and what it costs is more than what that costs. */
import type { PoolInput } from '../decide-types.ts';
import type { NodeObservation } from '../types.ts';
import { fits, minus, total } from './gpus.ts';
import { priceOf } from './groups.ts';
import type { GroupFacts } from './groups.ts';
import { place } from './place.ts';
import { areAll, podsByNode, workOf } from './pods-on.ts';
import { replicaShapeOf } from './replica-pods.ts';
import type { PodOn } from './pods-on.ts';
import type { Bin, Supply } from './supply.ts';
import { whyNoNewVictims } from './victims.ts';
import type { Moves } from './victims.ts';

/** A node younger than this was asked for with a reason that may come back [ms]; an on-demand node in place of a spot one goes as soon as it can. */
const AGE_MS_MIN = 600_000;

/** Least part of the node's price that must be saved: an evicted pod has to load its model again, and prices move. */
const SAVING_RATIO_MIN = 0.1;

/** Moves that are thought ahead: so many places are kept until it is their turn. */
const AHEAD_MAX = 10;

/**
 * Names at most one node: that which saves most, of equals that with the least work in flight. Never one with a pod that must not be evicted, that is not
 * of this pool, or whose workload is rolling out, not at full strength, or only works in steps. One that is being freed stays named while its pods fit
 * elsewhere. Marks the places its pods need in `supply`, and those of the moves after it, so that their nodes are still there then; asks for spot
 * nodes for what runs on on-demand ones of a policy that names both.
 */
export function movesOf(input: PoolInput, supply: Supply): Moves {
  const search: Search = { supply, on: podsByNode(input), taken: new Set() };
  if (![...supply.groups.values()].some(({ policy }) => policy.spec.scaleDown.consolidate)) return new Map();
  const grows = isGrowing(supply);
  const begun = best(candidatesOf(input, { ...search, isBegun: true }));
  const first = begun ?? (grows ? undefined : best(candidatesOf(input, { ...search, isBegun: false })));
  hold(search, first);
  for (let ahead = grows ? AHEAD_MAX : 0; ahead < AHEAD_MAX; ahead++) {
    const next = best(candidatesOf(input, { ...search, isBegun: false }));
    if (next === undefined) break;
    hold(search, next);
  }
  askForSpot(input, search);
  return first === undefined ? new Map() : new Map([[first.group.name, [first.node]]]);
}

function best(candidates: readonly Candidate[]): Candidate | undefined {
  return candidates.toSorted(
    (a, b) => b.savedUsdPerHour - a.savedUsdPerHour || a.work - b.work || (a.node.name < b.node.name ? -1 : 1),
  )[0];
}

/** Takes the places; neither the node nor those its pods go to are moved again. */
function hold({ taken }: Search, candidate: Candidate | undefined): void {
  if (candidate === undefined) return;
  taken.add(candidate.node.name);
  for (const { bin, gpus } of candidate.places) {
    bin.free = minus(bin.free, gpus);
    bin.used = true;
    taken.add(bin.nodeName ?? '');
  }
}

/** A pool that asks for nodes does not give others up. */
function isGrowing(supply: Supply): boolean {
  return [...supply.bins.new.values()].some((bins) => bins.length > 0);
}

/** What runs on on-demand nodes of a group that may be consolidated, and could run on spot ones: places there, ordered where there are none. */
function askForSpot(input: PoolInput, { supply, on, taken }: Search): void {
  for (const group of supply.groups.values()) {
    const { shape, ownership, scaleDown } = group.policy.spec;
    if (shape.market === 'spot' || ownership !== 'own' || !scaleDown.consolidate) continue;
    if (whyNoNewVictims(input, { group, supply }) !== null) continue;
    for (const node of group.observed.nodes) {
      const pods = on.get(node.name) ?? [];
      if (taken.has(node.name) || !areAll(node, pods) || !pods.every((one) => mayMove(one, true))) continue;
      for (const { workload } of pods) {
        const groups = workload.policy.spec.nodeGroups.filter((name) => isSpot(supply, name));
        if (groups.length === 0) continue;
        place(supply, { workload: 'spot-move', groups, gpus: replicaShapeOf(workload).gpusPerPod, replicas: 1 });
      }
    }
  }
}

function isSpot(supply: Supply, name: string): boolean {
  return supply.groups.get(name)?.policy.spec.shape.market === 'spot';
}

type Place = { readonly bin: Bin; readonly gpus: Bin['free'] };
type Candidate = {
  readonly group: GroupFacts;
  readonly node: NodeObservation;
  readonly places: readonly Place[];
  readonly savedUsdPerHour: number;
  readonly work: number;
};

type Search = {
  readonly supply: Supply;
  readonly on: ReturnType<typeof podsByNode>;
  /** Nodes that go, and those that take their pods. */
  readonly taken: Set<string>;
};

function candidatesOf(input: PoolInput, search: Search & { readonly isBegun: boolean }): readonly Candidate[] {
  return [...search.supply.groups.values()]
    .filter(({ policy }) => policy.spec.ownership === 'own' && policy.spec.scaleDown.consolidate)
    .flatMap((group) => {
      const keep = Math.max(group.policy.spec.nodes.min, group.policy.spec.committedNodes);
      if (Math.min(group.observed.desired, group.observed.nodes.length) <= keep) return [];
      if (whyNoNewVictims(input, { group, supply: search.supply }) !== null) return [];
      return group.observed.nodes.flatMap((node) => candidateOf(input, { ...search, group, node }) ?? []);
    });
}

function candidateOf(
  input: PoolInput,
  of: Search & { readonly isBegun: boolean; readonly group: GroupFacts; readonly node: NodeObservation },
): Candidate | null {
  const { group, node, isBegun, supply } = of;
  const pods = of.on.get(node.name) ?? [];
  const named =
    input.previous?.nodeGroups[group.name]?.victims.some((victim) => victim.nodeName === node.name) === true;
  if (named !== isBegun || of.taken.has(node.name) || node.instanceId === null || !node.ready || !areAll(node, pods))
    return null;
  if (!isBegun && !node.schedulable) return null;
  if (!pods.every((one) => mayMove(one, isBegun))) return null;
  const places = placesFor(supply, { pods, without: node.name });
  if (places === null) return null;
  const toSpot = group.policy.spec.shape.market === 'onDemand' && places.every(({ bin }) => isSpot(supply, bin.group));
  if (!isBegun && !toSpot && input.nowMs - node.createdMs < AGE_MS_MIN) return null;
  const price = node.leaving === undefined ? priceOf(group.policy) : Infinity;
  const saved = price - newlyUsedUsdPerHour(supply, places);
  if (!isBegun && saved < SAVING_RATIO_MIN * priceOf(group.policy)) return null;
  return { group, node, places, savedUsdPerHour: saved, work: workOf(pods) };
}

/** Once begun, a workload is one replica short because of us. */
function mayMove({ workload: { policy, target, outcome }, pod }: PodOn, isBegun: boolean): boolean {
  if (target.kind === 'missing' || pod.evictable === false || outcome.hold !== null) return false;
  if (policy.spec.replicas.step > 1 || replicaShapeOf({ policy, target }).pods > 1) return false;
  return isBegun || (!target.rolloutInProgress && target.ready >= target.replicas && outcome.wanted >= target.replicas);
}

/** A place on nodes that are there for every pod, or null. Nodes in use come first, so that idle ones stay idle. */
function placesFor(
  supply: Supply,
  of: { readonly pods: readonly PodOn[]; readonly without: string },
): readonly Place[] | null {
  const left = new Map<Bin, Bin['free']>();
  const places: Place[] = [];
  const largestFirst = of.pods
    .map((one) => ({ ...one, gpus: replicaShapeOf(one.workload).gpusPerPod }))
    .toSorted((a, b) => total(b.gpus) - total(a.gpus));
  for (const { workload, gpus } of largestFirst) {
    const bins = workload.policy.spec.nodeGroups.flatMap((name) => supply.bins.free.get(name) ?? []);
    const open = bins.filter(
      (bin) => bin.isSpare !== true && bin.nodeName !== of.without && fits(left.get(bin) ?? bin.free, gpus),
    );
    const bin = open.find((one) => one.used || isHeld(supply, one)) ?? open[0];
    if (bin === undefined) return null;
    left.set(bin, minus(left.get(bin) ?? bin.free, gpus));
    places.push({ bin, gpus });
  }
  return places;
}

/** Something runs on it already. */
function isHeld(supply: Supply, bin: Bin): boolean {
  const node = supply.groups.get(bin.group)?.observed.nodes.find(({ name }) => name === bin.nodeName);
  return node !== undefined && node.podCount > 0;
}

/** Idle nodes that would stay because of this [USD/h]. */
function newlyUsedUsdPerHour(supply: Supply, places: readonly Place[]): number {
  const idle = new Set(places.map(({ bin }) => bin).filter((bin) => !bin.used && !isHeld(supply, bin)));
  return [...idle].reduce((sum, { group }) => {
    const policy = supply.groups.get(group)?.policy;
    return sum + (policy === undefined ? 0 : priceOf(policy));
  }, 0);
}

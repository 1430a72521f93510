/** Preemption: running replicas of lower tiers give way when a higher tier has been short of GPUs for a while. Off unless the fleet asks for it. */
import { CARRIED } from '../carried-outcome.ts';
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { count, duration, listed } from '../format.ts';
import { total } from '../nodes/gpus.ts';
import { replicaShapeOf } from '../nodes/replica-pods.ts';
import { SNAPSHOT_AGE_MS_MAX } from '../scaling/hold.ts';
import { snapshotAgeMs } from '../snapshot-age.ts';
import { decreaseAllowance, recentDecreases } from '../scaling/step-limit.ts';
import type { Preemption } from '../types.ts';
import type { Allotment } from './allot.ts';
import { givenWay } from './given-way.ts';
import type { Given } from './given-way.ts';
import { groundOf, podsToFree } from './give-way-pods.ts';
import type { Giver, Pick as PodPick } from './give-way-pods.ts';

const MINUTE_MS = 60_000;

export type GiveWay = {
  /** To be carried to the next plan; null: the fleet has not opted in. */
  readonly memory: Preemption | null;
  /** By workload that gives: the count it goes down to, and which pods. */
  readonly gives: ReadonlyMap<
    string,
    { readonly to: number; readonly pods: readonly string[]; readonly because: string }
  >;
  /** By workload that is short: a clause on what is done about it. */
  readonly says: ReadonlyMap<string, string>;
};

type Short = {
  readonly workload: PoolWorkload;
  readonly name: string;
  readonly missing: number;
  readonly sinceMs: number;
  /** Its want rests on a full evaluation of its own load. */
  readonly isSure: boolean;
};

type Parts = {
  readonly allotment: Allotment;
  /** Replicas planned before anybody gives way. */
  readonly replicasOf: (workload: PoolWorkload) => number;
  /** False: nothing is written for it. */
  readonly isActed: (workload: PoolWorkload) => boolean;
};

/**
 * Who lowers what for whom in this plan. The higher tier is raised by a later plan, when the GPUs are seen free: no GPU has two owners. Never on an event, an old snapshot or
 * sick nodes; never below the giver's `replicas.min`, above its or the fleet's `maxPerMinute`, from a giver on hold, of replicas younger than ten minutes, or of gangs.
 */
export function giveWay(input: PoolInput, parts: Parts): GiveWay {
  const rules = input.fleet.spec.preemption;
  if (rules === undefined) return { memory: null, gives: new Map(), says: new Map() };
  const before = givenWay(input);
  const isBlind = snapshotAgeMs(input.snapshot, input.nowMs) > SNAPSHOT_AGE_MS_MAX || parts.allotment.supply.isDegraded;
  if (input.kind === 'leading' || isBlind) return { memory: before, gives: new Map(), says: new Map() };
  const shorts = shortsOf(input, { ...parts, before });
  const due = shorts.filter(({ isSure, sinceMs }) => isSure && input.nowMs - sinceMs >= rules.afterSec * 1000);
  const fresh = due.length === 0 ? [] : taken(input, { ...parts, before, due });
  const shortSince = Object.fromEntries(shorts.map(({ name, sinceMs }) => [name, sinceMs]));
  const given = [...before.given, ...fresh];
  return {
    memory: { shortSince, given },
    gives: givesOf(input, { fresh, shorts }),
    says: new Map(shorts.map((short) => [short.name, saysOf(input, { short, given, isDue: due.includes(short) })])),
  };
}

/** Highest tier first. */
function shortsOf(input: PoolInput, parts: Parts & { readonly before: Preemption }): readonly Short[] {
  const mayAsk = input.fleet.spec.preemption?.for;
  return input.workloads
    .flatMap((workload): Short[] => {
      const { policy, outcome, target } = workload;
      const { name } = policy.metadata;
      const granted = parts.allotment.granted.get(name);
      if (granted === undefined || target.kind === 'missing' || !parts.isActed(workload)) return [];
      const sinceMs = parts.before.shortSince[name];
      // Its count was only carried over, so that what it is short of is not known now.
      if (outcome.binding === CARRIED)
        return sinceMs === undefined ? [] : [{ workload, name, missing: 0, sinceMs, isSure: false }];
      const asked = mayAsk === 'floors' ? Math.min(outcome.wanted, policy.spec.replicas.min) : outcome.wanted;
      if (asked <= granted || outcome.hold !== null || parts.allotment.limits.get(name)?.isCut === true) return [];
      return [{ workload, name, missing: asked - granted, sinceMs: sinceMs ?? input.nowMs, isSure: true }];
    })
    .toSorted((a, b) => tierOf(a.workload) - tierOf(b.workload) || (a.name < b.name ? -1 : 1));
}

const tierOf = ({ policy }: PoolWorkload): number => policy.spec.priority.tier;

function taken(
  input: PoolInput,
  parts: Parts & { readonly before: Preemption; readonly due: readonly Short[] },
): readonly Given[] {
  const { nowMs } = input;
  const { given } = parts.before;
  const lastMinute = given.filter(({ atMs }) => nowMs - atMs < MINUTE_MS);
  let left = (input.fleet.spec.preemption?.maxPerMinute ?? 0) - sumOf(lastMinute);
  const givers = new Map(
    input.workloads.flatMap((workload) => {
      const giver = giverOf(input, { ...parts, workload, lastMinute });
      return giver === null ? [] : [[workload.policy.metadata.name, giver] as const];
    }),
  );
  if (left <= 0 || givers.size === 0) return [];
  const ground = groundOf(input, { supply: parts.allotment.supply, givers, given });
  const picks = new Map<string, PodPick[]>();
  for (const { workload, name, missing } of parts.due) {
    const units = Math.max(0, missing - comingTo(input, { ...parts, workload }));
    for (const pick of podsToFree(ground, { workload, replicas: units, mostPods: left })) {
      const giver = givers.get(pick.giver);
      if (giver === undefined || left <= 0 || giver.allowed <= 0) continue;
      giver.allowed--;
      left--;
      const key = `${pick.giver} ${name}`;
      picks.set(key, [...(picks.get(key) ?? []), { ...pick, for: name }]);
    }
  }
  const to = new Map([...givers].map(([name, { replicas }]) => [name, replicas]));
  return [...picks.values()].flatMap((pods): Given[] => {
    const [first] = pods;
    if (first === undefined) return [];
    const least = (to.get(first.giver) ?? 0) - pods.length;
    to.set(first.giver, least);
    return [{ atMs: nowMs, from: first.giver, for: first.for, to: least, pods: pods.map(({ pod }) => pod) }];
  });
}

function sumOf(given: readonly Given[]): number {
  return given.reduce((sum, { pods }) => sum + pods.length, 0);
}

/** Null: keeps what it has. */
function giverOf(
  input: PoolInput,
  of: Parts & { readonly workload: PoolWorkload; readonly lastMinute: readonly Given[] },
): Giver | null {
  const { policy, target, outcome } = of.workload;
  const { spec, metadata } = policy;
  if (target.kind === 'missing' || target.rolloutInProgress || outcome.hold !== null) return null;
  // Which pods go can only be asked of Deployments, and part of a gang is worth nothing.
  if (!of.isActed(of.workload) || spec.priority.preemptible === false) return null;
  if (spec.target.kind !== 'Deployment' || spec.replicas.step > 1 || replicaShapeOf(of.workload).pods > 1) return null;
  const bound = target.pods.filter((pod) => pod.nodeName !== null && !pod.terminating).length;
  const replicas = Math.min(of.replicasOf(of.workload), bound);
  const byUs = of.lastMinute
    .filter(({ from }) => from === metadata.name)
    .map(({ atMs, pods }) => [atMs, pods.length] as const);
  const recent = [...recentDecreases(outcome.control.decreases, input.nowMs), ...byUs];
  const allowed = decreaseAllowance(spec.scaleDown.maxPerMinute, { replicas, recent });
  const spare = replicas - spec.replicas.min;
  // Who may never shrink would stand in front of those who may.
  const isNever = decreaseAllowance(spec.scaleDown.maxPerMinute, { replicas, recent: [] }) === 0;
  return spare <= 0 || isNever ? null : { workload: of.workload, replicas, spare, allowed };
}

/** Replicas that what others let go by themselves in this plan will make room for: enough to wait for. */
function comingTo(
  input: PoolInput,
  { workload, replicasOf, before }: Parts & { readonly before: Preemption; readonly workload: PoolWorkload },
): number {
  const { nodeGroups } = workload.policy.spec;
  const need = gpusOf(workload);
  let gpus = 0;
  for (const other of input.workloads) {
    const { target, policy } = other;
    if (target.kind === 'missing' || before.given.some(({ from }) => from === policy.metadata.name)) continue;
    const going = target.replicas - replicasOf(other);
    if (going > 0 && policy.spec.nodeGroups.some((group) => nodeGroups.includes(group))) gpus += going * gpusOf(other);
  }
  return Math.floor(gpus / need);
}

/** All pods of a replica together. */
function gpusOf(workload: PoolWorkload): number {
  const { gpusPerPod, gpuPods } = replicaShapeOf(workload);
  return total(gpusPerPod) * gpuPods;
}

function givesOf(
  input: PoolInput,
  { fresh, shorts }: { readonly fresh: readonly Given[]; readonly shorts: readonly Short[] },
): GiveWay['gives'] {
  const names = [...new Set(fresh.map(({ from }) => from))];
  return new Map(
    names.map((name) => {
      const own = fresh.filter(({ from }) => from === name);
      const takers = own.map((each) => {
        const short = shorts.find((one) => one.name === each.for);
        const forMs = input.nowMs - (short?.sinceMs ?? input.nowMs);
        return `${each.for} (tier ${short === undefined ? '?' : tierOf(short.workload)}), short for ${duration(forMs)}`;
      });
      const because = `${count(sumOf(own), 'replica')} ${sumOf(own) === 1 ? 'gives' : 'give'} way to ${listed(takers)}`;
      return [
        name,
        { to: Math.min(...own.map(({ to }) => to)), pods: own.flatMap(({ pods }) => pods), because },
      ] as const;
    }),
  );
}

function saysOf(
  input: PoolInput,
  of: { readonly short: Short; readonly given: readonly Given[]; readonly isDue: boolean },
): string {
  const { name, sinceMs } = of.short;
  const mine = of.given.filter((each) => each.for === name);
  if (mine.length > 0) {
    const givers = [...new Set(mine.map(({ from }) => from))].map(
      (from) => `${count(sumOf(mine.filter((each) => each.from === from)), 'replica')} of ${from}`,
    );
    return `${listed(givers)} gave way in the last ${duration(input.nowMs - Math.min(...mine.map(({ atMs }) => atMs)))}`;
  }
  if (of.isDue) return 'no lower tier has replicas that may give way';
  const afterMs = (input.fleet.spec.preemption?.afterSec ?? 0) * 1000;
  return `lower tiers give way in ${duration(Math.max(0, sinceMs + afterMs - input.nowMs))} if they can`;
}

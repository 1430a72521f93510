/** What is remembered from plan to plan of replicas that lower tiers gave up for higher ones, and how it limits them. */
import { CARRIED } from '../carried-outcome.ts';
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { count, duration, listed } from '../format.ts';
import type { Preemption } from '../types.ts';

/**
 * Whoever gave replicas does not grow again for so long [ms]: longer than the stabilization window of what was short, in most cases, so that a want that comes
 * and goes does not throw replicas to and fro; as long as a started replica may run before it is asked for.
 */
const GIVEN_MS = 600_000;

/** No plan for so long: what happened meanwhile is not known, and nobody has been short since [ms]. */
const PLAN_GAP_MS_MAX = 120_000;

const NOTHING: Preemption = { shortSince: {}, given: [] };

export type Given = Preemption['given'][number];

/** What counts still; nothing where the fleet has not opted in. */
export function givenWay({ fleet, previous, nowMs }: PoolInput): Preemption {
  const before = previous?.preemption;
  if (fleet.spec.preemption === undefined || previous === undefined || before === undefined) return NOTHING;
  return {
    shortSince: Math.abs(nowMs - previous.atMs) > PLAN_GAP_MS_MAX ? {} : before.shortSince,
    // A clock that was far ahead must not hold anybody down until time has caught up.
    given: before.given.filter(({ atMs }) => Math.abs(nowMs - atMs) < GIVEN_MS),
  };
}

/** What a workload may have at most for now. */
export type Limit = {
  /** Null: what it has on nodes and its floor. */
  readonly replicas: number | null;
  /** Not even what runs stays above it. */
  readonly isCut: boolean;
  readonly because: string;
};

/** By workload that gave replicas of late, or whose growth would take what was given to a higher tier. */
export function limitsOf(input: PoolInput): ReadonlyMap<string, Limit> {
  const { shortSince, given } = givenWay(input);
  if (given.length === 0) return new Map();
  const tierOf = new Map(input.workloads.map(({ policy }) => [policy.metadata.name, policy.spec.priority.tier]));
  const takers = input.workloads.filter(
    ({ policy: { metadata } }) =>
      shortSince[metadata.name] !== undefined && given.some((each) => each.for === metadata.name),
  );
  return new Map(
    input.workloads.flatMap((workload): (readonly [string, Limit])[] => {
      const { name } = workload.policy.metadata;
      const own = given.filter((each) => each.from === name);
      const limit = own.length > 0 ? cutOf(input, { workload, own, tierOf }) : keptFrom(workload, takers);
      return limit === null ? [] : [[name, limit]];
    }),
  );
}

function cutOf(
  input: PoolInput,
  of: {
    readonly workload: PoolWorkload;
    readonly own: readonly Given[];
    readonly tierOf: ReadonlyMap<string, number>;
  },
): Limit | null {
  const { policy, target, outcome } = of.workload;
  const last = of.own.at(-1);
  if (last === undefined || policy.spec.mode !== 'act') return null;
  // Nothing is lowered on data that is missing by now; what was lowered stays so.
  const isBlind = input.kind === 'full' && outcome.hold !== null && outcome.binding !== CARRIED;
  const running = isBlind && target.kind === 'observed' ? target.replicas : 0;
  const gave = of.own.reduce((sum, { pods }) => sum + pods.length, 0);
  const takers = [...new Set(of.own.map((each) => each.for))].map(
    (name) => `${name} (tier ${of.tierOf.get(name) ?? '?'})`,
  );
  return {
    replicas: Math.max(last.to, policy.spec.replicas.min, running),
    isCut: true,
    because: `${count(gave, 'replica')} gave way to ${listed(takers)} ${duration(input.nowMs - last.atMs)} ago, for ${duration(GIVEN_MS)} at least`,
  };
}

/** Freed GPUs are for whom they were freed, also while they are too few for a replica of it. */
function keptFrom({ policy }: PoolWorkload, takers: readonly PoolWorkload[]): Limit | null {
  const { priority, nodeGroups } = policy.spec;
  const taker = takers.find(
    (each) =>
      each.policy.spec.priority.tier < priority.tier &&
      each.policy.spec.nodeGroups.some((group) => nodeGroups.includes(group)),
  );
  if (taker === undefined) return null;
  const { metadata, spec } = taker.policy;
  return {
    replicas: null,
    isCut: false,
    because: `GPUs are being freed for ${metadata.name} (tier ${spec.priority.tier})`,
  };
}

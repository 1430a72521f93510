/** A plan as it comes out of the store, before the next one is built on it: what it remembers is believed only as far as it has today's shape. */
import { SPARE_BINS } from './nodes/spare.ts';
import {
  isCount,
  isNumber,
  isObject,
  isText,
  listOf,
  orAbsent,
  orNull,
  recordOf,
  shaped,
  tupleOf,
} from './stored-shape.ts';
import type { Check } from './stored-shape.ts';
import type { GroupWatch, NodeLead, NodeSpare, Plan, PlannedNodeGroup, PlannedTarget, Preemption } from './types.ts';

const isOneOf =
  (...texts: readonly string[]): Check =>
  (value) =>
    texts.some((text) => text === value);

/** Of any length: a large service has thousands of pods. */
const allOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((one) => check(one));

const isObserved = orNull(recordOf(orAbsent(isNumber)));
const isBounds = shaped<PlannedTarget['bounds']>({ min: isCount, max: isCount });
const isMode = isOneOf('observe', 'act', 'paused');

const isTarget = shaped<PlannedTarget>({
  workload: isText,
  ref: isObject,
  mode: isMode,
  replicas: isCount,
  observed: isObserved,
  bounds: isBounds,
  decision: isText,
  goFirst: orAbsent(allOf(isText)),
  triggerMs: orAbsent(orNull(isNumber)),
  decided: orAbsent(
    shaped<NonNullable<PlannedTarget['decided']>>({ kind: isOneOf('leading', 'full'), atMs: isNumber }),
  ),
});

const isNodeGroup = shaped<PlannedNodeGroup>({
  name: isText,
  mode: isMode,
  ownership: isOneOf('own', 'floor', 'buffer', 'observe'),
  nodes: isCount,
  observed: isObserved,
  bounds: isBounds,
  placeholders: orAbsent(isCount),
  victims: allOf(shaped<PlannedNodeGroup['victims'][number]>({ nodeName: isText, instanceId: isText })),
  ghosts: orAbsent(allOf(isText)),
  undelivered: orAbsent(isCount),
  decision: isText,
});

type Memory = 'idleNodes' | 'groupWatch' | 'preemption';

/** Without these nothing of a plan is believed. */
const isPlan = shaped<Omit<Plan, Memory>>({
  pool: isText,
  seq: isCount,
  atMs: isNumber,
  kind: isOneOf('leading', 'full'),
  targets: recordOf(isTarget),
  nodeGroups: recordOf(isNodeGroup),
});

const isWhere = isOneOf('cold', 'warm');
const isSeconds = orAbsent(shaped<NonNullable<NodeLead['cold']>>({ p50: isNumber, p90: isNumber }));

/** What is remembered of a node group: each part alone is dropped, and learned anew. */
const WATCH: Readonly<Record<keyof GroupWatch, Check>> = {
  spare: shaped<NodeSpare>({
    seenMs: isNumber,
    sampledMs: isNumber,
    slots: listOf(tupleOf(isNumber, isCount, isCount)),
    bins: listOf(isNumber, SPARE_BINS),
    nodes: isCount,
    lowSinceMs: orNull(isNumber),
    share: isNumber,
    leadMs: isNumber,
  }),
  undeliveredSinceMs: isNumber,
  lead: shaped<NodeLead>({
    seenMs: isNumber,
    awaited: listOf(tupleOf(isNumber, isCount, isWhere)),
    starts: listOf(tupleOf(isNumber, isNumber, isWhere)),
    policySec: isNumber,
    cold: isSeconds,
    warm: isSeconds,
  }),
  warm: isCount,
  missing: listOf(shaped<NonNullable<GroupWatch['missing']>[number]>({ sinceMs: isNumber, nodes: isCount })),
  trouble: shaped<NonNullable<GroupWatch['trouble']>>({
    kind: isOneOf('neverJoins', 'withoutGpus'),
    bad: isCount,
    cause: isText,
    attempts: isCount,
    sinceMs: isNumber,
    untilMs: isNumber,
  }),
};

const isPreemption = shaped<Preemption>({
  shortSince: recordOf(isNumber),
  given: listOf(
    shaped<Preemption['given'][number]>({
      atMs: isNumber,
      from: isText,
      for: isText,
      to: isCount,
      pods: listOf(isText),
    }),
  ),
});

export type ReadPlan = {
  /** Undefined: there is none that can be believed. */
  readonly plan: Plan | undefined;
  /** What was there and is not believed, for log and metric. */
  readonly dropped: readonly string[];
};

/** Believes a stored plan as far as it has today's shape. Never throws. */
export function readPlan(value: unknown): ReadPlan {
  if (value === undefined) return { plan: undefined, dropped: [] };
  if (!isPlan(value)) return { plan: undefined, dropped: ['plan'] };
  const { idleNodes, groupWatch, preemption, ...counts } = value as Plan;
  const dropped = new Set<string>();
  const kept = <Part>(
    name: Memory,
    { part, check }: { readonly part: Part; readonly check: Check },
  ): Part | undefined => {
    if (part === undefined || check(part)) return part;
    dropped.add(name);
    return undefined;
  };
  const idle = kept('idleNodes', { part: idleNodes, check: recordOf(isNumber) });
  const watch = kept('groupWatch', { part: groupWatch, check: recordOf(isObject) });
  const given = kept('preemption', { part: preemption, check: isPreemption });
  const plan = {
    ...counts,
    ...(idle === undefined ? {} : { idleNodes: idle }),
    ...(watch === undefined ? {} : { groupWatch: watchesOf(watch, dropped) }),
    ...(given === undefined ? {} : { preemption: given }),
  };
  return { plan, dropped: [...dropped] };
}

function watchesOf(watches: Readonly<Record<string, GroupWatch>>, dropped: Set<string>): Record<string, GroupWatch> {
  const parts = Object.entries(WATCH);
  return Object.fromEntries(
    Object.entries(watches).map(([group, watch]) => {
      const broken = parts.filter(([part, check]) => part in watch && !check(watch[part as keyof GroupWatch]));
      for (const [part] of broken) dropped.add(`groupWatch.${part}`);
      if (broken.length === 0) return [group, watch];
      return [
        group,
        Object.fromEntries(Object.entries(watch).filter(([part]) => !broken.some(([name]) => name === part))),
      ];
    }),
  );
}

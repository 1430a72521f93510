/** Second pure step: the wanted replicas of all workloads that share node groups → replicas after allocation, and nodes per group, at the same instant. */
import { allot } from './allocation/allot.ts';
import type { Allotment } from './allocation/allot.ts';
import { giveWay } from './allocation/give-way.ts';
import type { GiveWay } from './allocation/give-way.ts';
import { stillToGo } from './allocation/give-way-pods.ts';
import type { PoolInput, PoolOutcome, PoolWorkload } from './decide-types.ts';
import { decisionId, decisionOf, groupsView } from './decision.ts';
import type { GroupsView, PlannedWorkload } from './decision.ts';
import { movesOf } from './nodes/consolidate.ts';
import { goFirstOf } from './nodes/go-first.ts';
import { idleNodesOf } from './nodes/idle.ts';
import { reserveNodes } from './nodes/reserve.ts';
import { inSteps } from './nodes/steps.ts';
import { placeholdersOf } from './nodes/placeholders.ts';
import { planNodes } from './nodes/plan-nodes.ts';
import type { NodePlan } from './nodes/plan-nodes.ts';
import type { Mode, PlannedNodeGroup, PlannedTarget, TargetRef } from './types.ts';

/**
 * Replicas → GPUs → free GPUs on nodes there are, nodes on their way, new nodes. Growth is limited to GPUs that exist or are on their way, so
 * that no pod waits for nothing; running replicas are not cut for it unless the fleet lets lower tiers give way (`preemption`), and `replicas.min` never is. What cannot be had
 * is in `unmet`.
 * Deterministic; integers; a leading evaluation lowers nothing.
 */
export function planPool(asked: PoolInput): PoolOutcome {
  const input = inSteps(asked);
  const allotment = allot(input);
  const { supply } = allotment;
  reserveNodes(input, supply);
  const moves = movesOf(input, supply);
  const idle = idleNodesOf(input, supply);
  const way = giveWay(input, {
    allotment,
    replicasOf: (workload) => standingOf(input, { workload, allotment }),
    isActed: (workload) => modeOf(workload) === 'act',
  });
  const existingOf = (workload: PoolWorkload): number => existing(input, { workload, allotment, way });
  const nodes = planNodes(input, { supply, idle, moves, placeholders: placeholdersOf(input, { supply, existingOf }) });
  const goingOfEach = (workload: PoolWorkload): number => goingOf(input, { workload, allotment, way });
  const goFirst = goFirstOf(input, { supply, moves, goingOf: goingOfEach });
  const seq = Math.max((input.previous?.seq ?? 0) + 1, (input.seqAfter ?? 0) + 1, input.nowMs);
  const groupsOf = groupsOfEach(nodes);
  const planned = input.workloads.map((workload) =>
    planWorkload(input, { workload, allotment, way, groups: groupsOf(workload), seq }),
  );
  const decisions = planned.map((each) => decisionOf(input, each));
  const targets: Record<string, PlannedTarget> = {};
  for (const [index, each] of planned.entries()) {
    const decision = decisions[index]?.id ?? '';
    const target = targetOf(input, { each, decision, goFirst: goFirstFor(each, { way, goFirst }) });
    if (target !== null) targets[target.workload] = target;
  }
  return {
    plan: {
      pool: input.pool,
      seq,
      atMs: input.nowMs,
      kind: input.kind,
      targets,
      nodeGroups: Object.fromEntries(nodes.map((group) => [group.name, plannedGroup(input, { group, seq })])),
      idleNodes: idle,
      ...(allotment.supply.watch.size === 0 ? {} : { groupWatch: Object.fromEntries(allotment.supply.watch) }),
      ...(way.memory === null ? {} : { preemption: way.memory }),
    },
    decisions,
    unmet: Object.fromEntries(
      planned.filter((each) => each.unmet > 0).map((each) => [each.workload.policy.metadata.name, each.unmet]),
    ),
  };
}

/** Most workloads share their groups with many others. */
function groupsOfEach(nodes: readonly NodePlan[]): (workload: PoolWorkload) => GroupsView {
  const byName = new Map(nodes.map((plan) => [plan.name, plan]));
  const views = new Map<string, GroupsView>();
  return ({ policy }) => {
    const key = policy.spec.nodeGroups.join();
    const known = views.get(key);
    if (known !== undefined) return known;
    const view = groupsView(policy.spec.nodeGroups.flatMap((group) => byName.get(group) ?? []));
    views.set(key, view);
    return view;
  };
}

const NONE: readonly string[] = [];

function planWorkload(
  input: PoolInput,
  parts: {
    readonly workload: PoolWorkload;
    readonly allotment: Allotment;
    readonly way: GiveWay;
    readonly groups: GroupsView;
    readonly seq: number;
  },
): PlannedWorkload {
  const { workload, allotment, way } = parts;
  const { policy, outcome } = workload;
  const { name } = policy.metadata;
  const granted = Math.min(allotment.granted.get(name) ?? outcome.wanted, way.gives.get(name)?.to ?? Infinity);
  const isShort = granted < outcome.wanted;
  return {
    workload,
    mode: modeOf(workload),
    replicas: replicasOf(input, parts),
    unmet: outcome.wanted - granted,
    blockedBy: isShort ? clausesOf(name, parts) : NONE,
    allocatedBecause: isShort ? allotment.because.get(name) : undefined,
    groups: parts.groups,
    seq: parts.seq,
  };
}

/** What stands against more. */
function clausesOf(name: string, { allotment, way }: Omit<Allotted, 'workload'>): readonly string[] {
  const blockedBy = allotment.blockedBy.get(name) ?? NONE;
  if (way.memory === null) return blockedBy;
  const says = [way.gives.get(name)?.because, way.says.get(name)].filter((each) => each !== undefined);
  return [...blockedBy, ...says];
}

type Allotted = { readonly workload: PoolWorkload; readonly allotment: Allotment; readonly way: GiveWay };

function replicasOf(input: PoolInput, of: Allotted): number {
  const gives = of.way.gives.get(of.workload.policy.metadata.name);
  return Math.min(standingOf(input, of), gives?.to ?? Infinity);
}

/** What has GPUs, and what runs or must run all the same, but for what has given way already. */
function standingOf(input: PoolInput, { workload, allotment }: Omit<Allotted, 'way'>): number {
  const { policy, outcome } = workload;
  const { name } = policy.metadata;
  const granted = allotment.granted.get(name) ?? outcome.wanted;
  const kept = Math.max(
    granted,
    Math.min(outcome.wanted, Math.max(currentOf(input, workload), policy.spec.replicas.min)),
  );
  const limit = allotment.limits.get(name);
  return limit?.isCut === true ? Math.min(kept, limit.replicas ?? kept) : kept;
}

function currentOf(input: PoolInput, { policy, target }: PoolWorkload): number {
  return target.kind === 'observed' ? target.replicas : (input.previous?.targets[policy.metadata.name]?.replicas ?? 0);
}

/** Replicas that exist, or will when this plan is carried out. */
function existing(input: PoolInput, of: Allotted): number {
  const current = currentOf(input, of.workload);
  return modeOf(of.workload) === 'act' ? Math.max(current, replicasOf(input, of)) : current;
}

/** Replicas given up in this plan. */
function goingOf(input: PoolInput, of: Allotted): number {
  return of.workload.target.kind === 'missing' ? 0 : currentOf(input, of.workload) - replicasOf(input, of);
}

/** `act` is refused while another autoscaler owns the count. */
function modeOf({ policy, target }: PoolWorkload): Mode {
  const isOwned = target.kind === 'observed' && target.scaledBy !== null;
  return policy.spec.mode === 'act' && isOwned ? 'observe' : policy.spec.mode;
}

/** Pods that give way to a higher tier before all others: their GPUs are where it needs them. */
function goFirstFor(
  { workload, replicas }: PlannedWorkload,
  { way, goFirst }: { readonly way: GiveWay; readonly goFirst: ReadonlyMap<string, readonly string[]> },
): readonly string[] {
  const { policy, target } = workload;
  const others = goFirst.get(policy.metadata.name) ?? NONE;
  if (way.memory === null || target.kind === 'missing' || replicas >= target.replicas) return others;
  return [...new Set([...stillToGo(workload, way.memory.given), ...others])].slice(0, target.replicas - replicas);
}

/** Null for a target that was never observed: there is no count to stand on, and the sink must not be told to shrink it. */
function targetOf(
  input: PoolInput,
  of: {
    readonly each: PlannedWorkload;
    readonly decision: string;
    readonly goFirst: readonly string[];
  },
): PlannedTarget | null {
  const { workload, mode, replicas } = of.each;
  const { policy, target, outcome } = workload;
  const { name } = policy.metadata;
  if (target.kind === 'missing' && outcome.control.lastWanted === null && input.previous?.targets[name] === undefined)
    return null;
  const { min, max } = policy.spec.replicas;
  const running = target.kind === 'observed' ? target.replicas : 0;
  return {
    workload: name,
    ref: refOf(policy.spec.target),
    mode,
    replicas,
    observed: target.kind === 'observed' ? { replicas: target.replicas, generation: target.generation } : null,
    // Above the maximum only what runs already, while it may not be lowered.
    bounds: { min, max: Math.max(max, Math.min(replicas, running)) },
    decision: of.decision,
    ...(of.goFirst.length === 0 ? {} : { goFirst: of.goFirst }),
  };
}

/** Without what only the bridge needs. */
function refOf({ kind, namespace, name, apiVersion, resource, fence }: TargetRef): TargetRef {
  if (apiVersion === undefined && resource === undefined && fence === undefined) return { kind, namespace, name };
  return {
    kind,
    namespace,
    name,
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(resource === undefined ? {} : { resource }),
    ...(fence === undefined ? {} : { fence }),
  };
}

function plannedGroup(input: PoolInput, of: { readonly group: NodePlan; readonly seq: number }): PlannedNodeGroup {
  const { name, policy, nodes, observed, victims, ghosts, undelivered, placeholders, desired } = of.group;
  return {
    name,
    mode: policy.spec.mode,
    ownership: policy.spec.ownership,
    nodes,
    observed,
    bounds: { min: policy.spec.nodes.min, max: Math.max(policy.spec.nodes.max, Math.min(nodes, desired ?? 0)) },
    victims,
    ...(ghosts.length === 0 ? {} : { ghosts }),
    ...(undelivered === 0 ? {} : { undelivered }),
    ...(placeholders === undefined ? {} : { placeholders }),
    decision: decisionId({
      pool: input.pool,
      policyVersion: input.policyVersion,
      nowMs: input.nowMs,
      seq: of.seq,
      name,
      nodes,
      observed,
      victims,
    }),
  };
}

/** A decision as data: counts, the trail, inputs, price and an id. */
import { SCALING_DECISION } from '../../events/schema/scaling-decision.ts';
import { CARRIED } from './carried-outcome.ts';
import type { PoolInput, PoolWorkload } from './decide-types.ts';
import { count, listed } from './format.ts';
import { jsonHashHex } from './hash.ts';
import { priceOf } from './nodes/groups.ts';
import type { NodePlan } from './nodes/plan-nodes.ts';
import { leadTimeSecOf } from './scaling/lead-time.ts';
import type { Mode, ScalingDecision, TrailStep } from './types.ts';

/** `d_` and 16 hex digits of everything given: same inputs, same id. */
export function decisionId(of: unknown): string {
  return `d_${jsonHashHex(of)}`;
}

/** What decisions say of the node groups of a workload; the same for all workloads with the same groups. */
export type GroupsView = {
  readonly nodeGroups: ScalingDecision['nodeGroups'];
  readonly steps: readonly TrailStep[];
  /** List price before and after; null when no price or no group is known. */
  readonly usdPerHour: { readonly before: number; readonly after: number } | null;
};

/** One workload after allocation. */
export type PlannedWorkload = {
  readonly workload: PoolWorkload;
  readonly mode: Mode;
  readonly replicas: number;
  /** Wanted replicas without GPUs. */
  readonly unmet: number;
  readonly blockedBy: readonly string[];
  /** How the allocation came to the count; absent when nothing is unmet, or the shortage is somebody else's business. */
  readonly allocatedBecause: string | undefined;
  /** Node groups it may use, in its order of preference. */
  readonly groups: GroupsView;
  readonly seq: number;
};

/** Of these groups, in the order of a policy. */
export function groupsView(groups: readonly NodePlan[]): GroupsView {
  return {
    nodeGroups: groups.map((group) => ({ name: group.name, current: group.desired, wanted: group.nodes })),
    steps: groups.flatMap(nodeStep),
    usdPerHour: priceBetween(groups),
  };
}

/** The decision for one workload. */
export function decisionOf(input: PoolInput, planned: PlannedWorkload): ScalingDecision {
  const { policy, target, outcome } = planned.workload;
  const isObserved = target.kind === 'observed';
  const { nodeGroups, steps, usdPerHour } = planned.groups;
  const body: Omit<ScalingDecision, 'id'> = {
    schema: SCALING_DECISION,
    atMs: input.nowMs,
    workload: policy.metadata.name,
    mode: planned.mode,
    pool: input.pool,
    planSeq: planned.seq,
    replicas: {
      current: isObserved ? target.replicas : null,
      ready: isObserved ? target.ready : null,
      wanted: planned.replicas,
    },
    binding: planned.replicas === outcome.wanted ? outcome.binding : 'allocation',
    nodeGroups: [...nodeGroups],
    trail: outcome.trail.concat(allocationStep(planned), ownerStep(planned), steps),
    inputs: [...outcome.inputs],
  };
  // Field by field: a thousand copies of a decision were a good part of a plan's garbage.
  if (usdPerHour !== null) body.usdPerHour = usdPerHour;
  body.leadTimeSec = leadTimeOf(planned.workload);
  return Object.assign(body, { id: decisionId(restsOn(input, { planned, body })) });
}

function leadTimeOf({ policy, outcome }: PlannedWorkload['workload']): NonNullable<ScalingDecision['leadTimeSec']> {
  const { p50, p90 } = leadTimeSecOf(outcome.control, { policySec: policy.spec.leadTimeSec });
  const starts = outcome.control.leadTimes?.starts.length ?? 0;
  return starts === 0 ? { p50, p90 } : { p50, p90, starts };
}

/**
 * What tells this decision from every other. A count that was only carried over rests on the plan before it, and a pool of a thousand workloads
 * has 999 of those at each event.
 */
function restsOn(
  input: PoolInput,
  of: { readonly planned: PlannedWorkload; readonly body: Omit<ScalingDecision, 'id'> },
): unknown {
  const { policyVersion, kind } = input;
  const { body } = of;
  const { outcome, target } = of.planned.workload;
  if (outcome.binding === CARRIED) {
    return [policyVersion, kind, body.workload, body.planSeq, body.replicas.wanted].join(' ');
  }
  // The version of the object stands for its pods.
  const seen = target.kind === 'observed' ? { ...target, pods: target.pods.length } : target;
  return { policyVersion, kind, target: seen, control: outcome.control, hold: outcome.hold, body };
}

function allocationStep(planned: PlannedWorkload): TrailStep[] {
  if (planned.unmet === 0) return [];
  const { wanted } = planned.workload.outcome;
  const blocked = planned.blockedBy.length === 0 ? '' : `: ${listed(planned.blockedBy)}`;
  return [
    {
      rule: 'allocation',
      from: wanted,
      to: planned.replicas,
      unit: 'replicas',
      because: [`${planned.unmet} of ${count(wanted, 'replica')} cannot have GPUs${blocked}`]
        .concat(planned.allocatedBecause ?? [])
        .join('; '),
    },
  ];
}

function ownerStep({ workload, mode, replicas }: PlannedWorkload): TrailStep[] {
  const { policy, target } = workload;
  if (policy.spec.mode === mode || target.kind === 'missing') return [];
  const because = `${target.scaledBy ?? 'another autoscaler'} sets the count; nothing is written while it does`;
  return [{ rule: 'owned-elsewhere', from: replicas, to: replicas, unit: 'replicas', because }];
}

function nodeStep(group: NodePlan): TrailStep[] {
  const { because, desired, nodes, spare } = group;
  return [
    ...(spare === undefined ? [] : [{ rule: 'spare', ...spare, unit: 'nodes' }]),
    ...(because === null ? [] : [{ rule: 'nodes', from: desired, to: nodes, unit: 'nodes', because }]),
  ];
}

/** List price of the groups before and after [USD/h], to the cent; null when no price or no group is known. */
function priceBetween(groups: readonly NodePlan[]): { before: number; after: number } | null {
  const priced = groups.filter((group) => group.desired !== null && priceOf(group.policy) > 0);
  if (priced.length === 0) return null;
  const sum = (nodesOf: (group: NodePlan) => number): number =>
    Math.round(priced.reduce((usd, group) => usd + nodesOf(group) * priceOf(group.policy), 0) * 100) / 100;
  return { before: sum((group) => group.desired ?? 0), after: sum((group) => group.nodes) };
}

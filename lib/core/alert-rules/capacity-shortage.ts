/** The cloud launches no machines for a node group: capacity, quota, addresses, or the way the group is set up. */
import type { PoolNodeGroup } from '../decide-types.ts';
import { count, duration } from '../format.ts';
import { priceOf } from '../nodes/groups.ts';
import { TROUBLE_MEANS, briefCause, troubleOf } from '../nodes/trouble.ts';
import { decisionFor, docOf, hooksFor } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'capacity-shortage';

/** Told at once: the node group has already waited for the cloud's answer. */
const PENDING_MS = 0;
/** 5 min: between two attempts the shortage is not over. */
const CLEAR_MS = 300_000;

/** Critical when a workload that uses the group has unmet demand, else another group took over. */
export const capacityShortage: AlertRule = (input) =>
  input.pool.nodeGroups.flatMap((group) => {
    const shortage = shortageOf(input, group);
    if (shortage === null) return [];
    const { name } = group.policy.metadata;
    const workloads = input.pool.workloads
      .filter(({ policy }) => policy.spec.nodeGroups.includes(name))
      .map(({ policy }) => policy.metadata.name);
    const [first] = workloads;
    return {
      key: `${RULE}/${name}`,
      severity: workloads.some((workload) => (input.outcome.unmet[workload] ?? 0) > 0) ? 'critical' : 'warning',
      title: `${name} cannot get ${shortage.missing > 0 ? count(shortage.missing, 'node') : 'nodes'}: ${briefCause(shortage.cause)}`,
      detail: `${TROUBLE_MEANS[troubleOf(shortage.cause)]} ${missingText(shortage)}${insteadText(input, { name, workloads })}Next attempt at ${name} in ${duration(shortage.untilMs - input.nowMs)}.`,
      workloads,
      decision: first === undefined ? null : decisionFor(input, first),
      doc: docOf(RULE),
      hooks: hooksFor(input, group.policy.spec.alerts),
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    };
  });

type Shortage = {
  readonly untilMs: number;
  readonly cause: string;
  readonly missing: number;
  readonly desired: number;
};

function shortageOf(input: AlertRuleInput, group: PoolNodeGroup): Shortage | null {
  const recorded = input.actuation[`nodeGroup/${group.policy.metadata.name}`]?.capacityShortage;
  const untilMs = Math.max(group.backoffUntilMs, recorded?.untilMs ?? 0);
  if (untilMs <= input.nowMs) return null;
  const desired = group.observed.kind === 'observed' ? group.observed.desired : 0;
  const present = group.observed.kind === 'observed' ? group.observed.nodes.length : 0;
  const cause = group.backoffCause ?? recorded?.cause ?? 'no capacity';
  return { untilMs, cause, desired, missing: Math.max(0, desired - present) };
}

function missingText({ missing, desired }: Shortage): string {
  return missing > 0 ? `${missing} of ${count(desired, 'node')} missing. ` : '';
}

/** Other groups of the same workloads that grow in this plan. */
export function insteadText(
  input: AlertRuleInput,
  of: { readonly name: string; readonly workloads: readonly string[] },
): string {
  const others = input.pool.nodeGroups.flatMap(({ policy }) => {
    const planned = input.outcome.plan.nodeGroups[policy.metadata.name];
    const more = (planned?.nodes ?? 0) - (planned?.observed?.desired ?? planned?.nodes ?? 0);
    const isShared = input.pool.workloads.some(
      ({ policy: workload }) =>
        of.workloads.includes(workload.metadata.name) && workload.spec.nodeGroups.includes(policy.metadata.name),
    );
    if (policy.metadata.name === of.name || more <= 0 || !isShared) return [];
    return [`${policy.metadata.name} (+${count(more, 'node')}, +${(more * priceOf(policy)).toFixed(2)} USD/h)`];
  });
  return others.length === 0 ? '' : `Asked ${others.join(', ')} instead. `;
}

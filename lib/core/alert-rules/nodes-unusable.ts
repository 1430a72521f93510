/** Instances that were started and are of no use: they never joined, or joined without GPUs. */
import type { PoolNodeGroup } from '../decide-types.ts';
import { count, duration } from '../format.ts';
import { TROUBLE_MEANS } from '../nodes/trouble.ts';
import { insteadText } from './capacity-shortage.ts';
import { decisionFor, docOf, hooksFor } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'nodes-unusable';

/** The quarter of an hour they were given is long enough. */
const PENDING_MS = 0;
/** 5 min: between two attempts the trouble is not over. */
const CLEAR_MS = 300_000;

const WHAT = { neverJoins: 'never joined the cluster', withoutGpus: 'joined without GPUs' } as const;

/** Critical when a workload that uses the group has unmet demand, else another group took over. Over when a good node has come. */
export const nodesUnusable: AlertRule = (input) => input.pool.nodeGroups.flatMap((group) => conditionOf(input, group));

function conditionOf(input: AlertRuleInput, { policy }: PoolNodeGroup): ReturnType<AlertRule> {
  const { name } = policy.metadata;
  const trouble = input.outcome.plan.groupWatch?.[name]?.trouble;
  if (trouble === undefined) return [];
  const workloads = input.pool.workloads
    .filter((one) => one.policy.spec.nodeGroups.includes(name))
    .map((one) => one.policy.metadata.name);
  const [first] = workloads;
  const waitMs = trouble.untilMs - input.nowMs;
  const next = waitMs > 0 ? `Next attempt at ${name} in ${duration(waitMs)}.` : `${name} may be asked again.`;
  return [
    {
      key: `${RULE}/${name}`,
      severity: workloads.some((workload) => (input.outcome.unmet[workload] ?? 0) > 0) ? 'critical' : 'warning',
      title: `Nodes of ${name} ${WHAT[trouble.kind]}`,
      detail: `${TROUBLE_MEANS[trouble.kind]} ${count(trouble.bad, 'node')} now, attempt ${trouble.attempts}. ${insteadText(input, { name, workloads })}${next}`,
      workloads,
      decision: first === undefined ? null : decisionFor(input, first),
      doc: docOf(RULE),
      hooks: hooksFor(input, policy.spec.alerts),
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    },
  ];
}

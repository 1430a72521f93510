/** What was decided cannot be done. */
import type { AlertCondition } from '../types.ts';
import { decisionFor, docOf, hooksFor } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'actuation-failing';

/** Failed steps in a row before people are told: one is a hiccup, two a coincidence. */
const FAILURES_MIN = 3;
const CLEAR_MS = 60_000;

export const actuationFailing: AlertRule = (input) => [
  ...input.pool.workloads.flatMap(({ policy }) => {
    const { name } = policy.metadata;
    const { kind, namespace, name: object } = policy.spec.target;
    const subject = {
      id: `target/${name}`,
      title: `${kind} ${namespace}/${object}`,
      workloads: [name],
      hooks: policy.spec.alerts,
    };
    return conditionOf(input, subject);
  }),
  ...input.pool.nodeGroups.flatMap(({ policy }) => {
    const { name } = policy.metadata;
    const workloads = input.pool.workloads
      .filter((workload) => workload.policy.spec.nodeGroups.includes(name))
      .map((workload) => workload.policy.metadata.name);
    return conditionOf(input, {
      id: `nodeGroup/${name}`,
      title: `Node group ${name}`,
      workloads,
      hooks: policy.spec.alerts,
    });
  }),
];

function conditionOf(
  input: AlertRuleInput,
  of: {
    readonly id: string;
    readonly title: string;
    readonly workloads: readonly string[];
    readonly hooks: readonly string[];
  },
): readonly AlertCondition[] {
  const record = input.actuation[of.id];
  if (record === undefined || record.failures < FAILURES_MIN) return [];
  const [first] = of.workloads;
  return [
    {
      key: `${RULE}/${of.id}`,
      severity: 'critical',
      title: `${of.title} cannot be resized`,
      detail: `${record.failures} attempts failed in a row. Last answer (${record.outcome}): ${record.detail}`,
      workloads: of.workloads,
      decision: first === undefined ? null : decisionFor(input, first),
      doc: docOf(RULE),
      hooks: hooksFor(input, of.hooks),
      pendingMs: 0,
      clearMs: CLEAR_MS,
    },
  ];
}

/** Somebody else writes a count that Penstock is asked to write. */
import type { AlertCondition } from '../types.ts';
import { duration } from '../format.ts';
import { decisionFor, docOf, hooksFor, watched } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'foreign-writer';

/** A foreign write is talked about for so long [ms]: a fight shows again within that, a single hand-made change does not. */
const RECENT_MS = 600_000;
const CLEAR_MS = 60_000;

export const foreignWriter: AlertRule = (input) => [
  ...watched(input).flatMap(({ policy, target }) => {
    const { name } = policy.metadata;
    const subject = { name, workloads: [name], hooks: policy.spec.alerts };
    const owner = target.kind === 'observed' && policy.spec.mode === 'act' ? target.scaledBy : null;
    if (owner === null) return writes(input, { ...subject, id: `target/${name}` });
    const detail = `${owner} owns the count, so nothing is written although mode is act. Pause it (penstock handover ${name}), or set mode: observe.`;
    return condition(input, { ...subject, title: `${name} is scaled by ${owner}`, detail });
  }),
  ...input.pool.nodeGroups.flatMap(({ policy }) => {
    const { name } = policy.metadata;
    const workloads = input.pool.workloads
      .filter((workload) => workload.policy.spec.nodeGroups.includes(name))
      .map((workload) => workload.policy.metadata.name);
    return writes(input, { name, workloads, hooks: policy.spec.alerts, id: `nodeGroup/${name}` });
  }),
];

type Subject = { readonly name: string; readonly workloads: readonly string[]; readonly hooks: readonly string[] };

function writes(input: AlertRuleInput, of: Subject & { readonly id: string }): readonly AlertCondition[] {
  const write = input.actuation[of.id]?.foreignWrite;
  if (write === undefined || write === null || input.nowMs - write.atMs > RECENT_MS) return [];
  const detail = `Set to ${write.count} ${duration(Math.max(0, input.nowMs - write.atMs))} ago by somebody else. Penstock backs off meanwhile.`;
  return condition(input, { ...of, title: `${of.name} is resized by somebody else`, detail });
}

function condition(
  input: AlertRuleInput,
  of: Subject & { readonly title: string; readonly detail: string },
): readonly AlertCondition[] {
  const [first] = of.workloads;
  return [
    {
      key: `${RULE}/${of.name}`,
      severity: 'warning',
      title: of.title,
      detail: of.detail,
      workloads: of.workloads,
      decision: first === undefined ? null : decisionFor(input, first),
      doc: docOf(RULE),
      hooks: hooksFor(input, of.hooks),
      pendingMs: 0,
      clearMs: CLEAR_MS,
    },
  ];
}

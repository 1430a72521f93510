/** Idle pods cannot be asked to go first: the permission to mark pods is missing. */
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'marks-denied';

/** The denial was answered to a write, and is not asked for again before the next shrink: there is nothing to wait for. */
const PENDING_MS = 0;
const CLEAR_MS = 60_000;

/** Over with the next shrink whose marks are taken. */
export const marksDenied: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const { metadata, spec } = workload.policy;
    const { name } = metadata;
    if (spec.mode !== 'act' || input.actuation[`target/${name}`]?.marksDenied !== true) return [];
    const { namespace } = spec.target;
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: 'warning',
      title: `${name}: idle pods cannot be asked to go first`,
      detail: `Penstock may not patch pods in namespace ${namespace}, so the cluster chooses which pods go when ${name} shrinks, and busy ones may be among them. Grant patch on pods there (infra/kubernetes/rbac.yaml); the next shrink uses it.`,
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    });
  });

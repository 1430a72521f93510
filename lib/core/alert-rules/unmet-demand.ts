/** Replicas are wanted and there are no GPUs for them. */
import { count, figure } from '../format.ts';
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'unmet-demand';

/** 2 min: nodes ordered one surge after another catch up within that. */
const PENDING_MS = 120_000;
const CLEAR_MS = 60_000;

/** Critical for interactive workloads: people wait. */
export const unmetDemand: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const { name } = workload.policy.metadata;
    const unmet = input.outcome.unmet[name] ?? 0;
    if (unmet === 0) return [];
    const decision = input.outcome.decisions.find((each) => each.workload === name);
    const because = decision?.trail.find((step) => step.rule === 'allocation')?.because;
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: workload.policy.spec.priority.kind === 'interactive' ? 'critical' : 'warning',
      title: `${name} is short of GPUs for ${count(unmet, 'replica')}`,
      detail: `${figure(workload.outcome.wanted)} replicas wanted, GPUs for ${figure(workload.outcome.wanted - unmet)}. ${because ?? ''}.`,
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    });
  });

/** More is wanted than the policy's maximum allows. */
import { count, figure } from '../format.ts';
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'pinned-at-max';

/** 2 min: a short burst above the maximum is what a maximum is for. */
const PENDING_MS = 120_000;
const CLEAR_MS = 300_000;

export const pinnedAtMax: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const step = workload.outcome.trail.find((each) => each.rule === 'max');
    if (step === undefined) return [];
    const { name } = workload.policy.metadata;
    const { demand } = workload.outcome;
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: 'warning',
      title: `${name} is pinned at replicas.max ${workload.policy.spec.replicas.max}`,
      detail: `${count(step.from ?? step.to, 'replica')} wanted for a demand of ${demand === null ? 'unknown size' : figure(demand)}. Raise replicas.max, or accept that requests wait.`,
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    });
  });

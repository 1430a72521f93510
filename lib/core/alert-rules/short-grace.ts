/** Replicas are kept that the load does not need, because their pods would be ended before their requests. */
import { count } from '../format.ts';
import { GRACE_RULE } from '../scaling/grace.ts';
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule } from './contract.ts';

const RULE = 'short-grace';

/** 5 min: a single long request that ends is no news; a shrink refused for longer is GPUs paid for nothing. */
const PENDING_MS = 300_000;
const CLEAR_MS = 300_000;

/** Only while a shrink is refused for it: a grace that is too short hurts nobody before. */
export const shortGrace: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const step = workload.outcome.trail.find((each) => each.rule === GRACE_RULE);
    if (step === undefined) return [];
    const { name } = workload.policy.metadata;
    const kept = step.to - (step.from ?? step.to);
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: 'warning',
      title: `${name} cannot shrink: the grace of its pods is shorter than its requests`,
      detail: `${count(kept, 'replica')} kept that the load does not need: ${step.because}.`,
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    });
  });

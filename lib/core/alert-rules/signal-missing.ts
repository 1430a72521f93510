/** A signal of the policy is not heard, or is old: nothing is lowered meanwhile. */
import type { DecisionInput } from '../../../events/schema/index.ts';
import { count, duration, listed } from '../format.ts';
import { NO_POD_EXISTS, READING_AGE_MS_MAX } from '../signals/parts.ts';
import { watched, workloadCondition } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'signal-missing';

/** 1 min: a restarting bridge or gateway is back by then. */
const PENDING_MS = 60_000;
const CLEAR_MS = 60_000;

/** Critical when no signal of the workload is heard at all. */
export const signalMissing: AlertRule = (input) =>
  watched(input).flatMap((workload) => {
    const gaps = workload.outcome.inputs.filter(isGap);
    if (gaps.length === 0) return [];
    const { name } = workload.policy.metadata;
    const reasons = gaps.map((gap) => `${gap.signal}: ${gap.reason ?? `last heard ${duration(gap.ageMs ?? 0)} ago`}`);
    return workloadCondition(input, {
      rule: RULE,
      workload,
      severity: workload.outcome.demand === null ? 'critical' : 'warning',
      title: `${name}: ${listed(gaps.map((gap) => gap.signal))} not heard`,
      detail: `${reasons.join('; ')}. Nothing is lowered meanwhile. ${fallbackText(input, name)}`,
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    });
  });

function isGap(input: DecisionInput): boolean {
  if (input.reason === NO_POD_EXISTS) return false;
  return input.value === null || (input.ageMs ?? 0) > READING_AGE_MS_MAX;
}

function fallbackText(input: AlertRuleInput, name: string): string {
  const spec = input.pool.workloads.find(({ policy }) => policy.metadata.name === name)?.policy.spec;
  if (spec?.fallback === undefined) return 'The policy has no fallback.';
  const { replicas, afterSec } = spec.fallback;
  return `Fallback: at least ${count(replicas, 'replica')} once the load was unknown for ${duration(afterSec * 1000)}.`;
}

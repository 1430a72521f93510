/**
 * To add an alert rule (say, idle GPU cost):
 * 1. write an `AlertRule` (lib/core/decide-types.ts) in a file of its own: the conditions that hold now, nothing about the past,
 * 2. name it in `index.ts` and describe it in `docs/failures.md` under its name,
 * 3. run `test/core/alert-rules.test.ts` against it.
 *
 * Titles have no durations (a title that changes every second would be a new message every time); figures with a course belong in the detail.
 */
import type { AlertRuleInput, PoolWorkload } from '../decide-types.ts';
import type { AlertCondition } from '../types.ts';

export type { AlertRule, AlertRuleInput } from '../decide-types.ts';

/** Where the runbook of a rule is. */
export function docOf(rule: string): string {
  return `docs/failures.md#${rule}`;
}

/** The hooks a policy names, or the fleet's. */
export function hooksFor(input: AlertRuleInput, named: readonly string[]): readonly string[] {
  return named.length > 0 ? named : input.pool.fleet.spec.alerts;
}

/** The decision made for a workload in this evaluation. */
export function decisionFor(input: AlertRuleInput, workload: string): string | null {
  return input.outcome.decisions.find((decision) => decision.workload === workload)?.id ?? null;
}

/** Workloads that are looked after; a paused one is somebody's deliberate choice. */
export function watched(input: AlertRuleInput): readonly PoolWorkload[] {
  return input.pool.workloads.filter(({ policy }) => policy.spec.mode !== 'paused');
}

/** A condition of one workload. */
export function workloadCondition(
  input: AlertRuleInput,
  of: { readonly rule: string; readonly workload: PoolWorkload } & Pick<
    AlertCondition,
    'severity' | 'title' | 'detail' | 'pendingMs' | 'clearMs'
  >,
): AlertCondition {
  const { rule, workload, ...texts } = of;
  const { name } = workload.policy.metadata;
  return {
    ...texts,
    key: `${rule}/${name}`,
    workloads: [name],
    decision: decisionFor(input, name),
    doc: docOf(rule),
    hooks: hooksFor(input, workload.policy.spec.alerts),
  };
}

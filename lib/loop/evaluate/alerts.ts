/** Runs the alert rules over what one full evaluation knew, and tells people what began or ended. */
import { messageOf } from '../../base/errors.ts';
import { alertRules } from '../../core/alert-rules/index.ts';
import { advanceAlerts } from '../../core/alert-rules/lifecycle.ts';
import type { AlertTransition } from '../../core/alert-rules/lifecycle.ts';
import type { ActuationSummary, AlertRuleInput } from '../../core/decide-types.ts';
import type { AlertCondition } from '../../core/types.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { alertJobs } from '../alert-jobs.ts';
import type { EvaluateDeps } from '../deps.ts';
import { tellKafka } from './publish.ts';
import type { StoredPlan } from './publish.ts';
import type { PoolContext } from './context.ts';

/**
 * Messages are queued before the book is written: after a crash in between they are sent again, never lost.
 * A failure here is logged and counted and never fails the evaluation: the plan is in force already.
 */
export async function raiseAlerts(context: PoolContext, stored: StoredPlan): Promise<void> {
  const { deps, pool } = context;
  try {
    await advanceBook(context, stored);
  } catch (error) {
    deps.metrics.count('alert_failures_total', 1, { pool });
    deps.log.error('alerts could not be raised, will be tried again', { pool, error: messageOf(error) });
  }
}

async function advanceBook(context: PoolContext, stored: StoredPlan): Promise<void> {
  const { deps, pool } = context;
  const book = await deps.state.alerts.read(pool);
  const advanced = advanceAlerts(book?.value ?? {}, conditionsOf(stored), stored.input.nowMs);
  if (advanced.transitions.length > 0) await send(deps, advanced.transitions);
  if (JSON.stringify(advanced.book) !== JSON.stringify(book?.value ?? {})) {
    await deps.state.alerts.compareAndSet(pool, advanced.book, book?.version);
  }
  if (advanced.transitions.length === 0) return;
  await deps.wake.actuate();
  await deps.wake.notify();
}

/** To the hooks first: they are how people hear of it. */
async function send(deps: EvaluateDeps, transitions: readonly AlertTransition[]): Promise<void> {
  const jobs = transitions.flatMap(({ alert, hooks }) => alertJobs(alert, hooks));
  if (jobs.length > 0) await deps.queue.wake(jobs);
  await tellKafka(
    deps,
    transitions.map(({ alert }) => ({ topic: deps.topics.opsAlert, key: alert.key, value: JSON.stringify(alert) })),
  );
  for (const { alert } of transitions) {
    const { key, state, severity, title } = alert;
    deps.metrics.count('alerts_total', 1, { state, severity });
    deps.log.warn(state === 'firing' ? 'alert fired' : 'alert resolved', { alert: key, title });
  }
}

function conditionsOf(stored: StoredPlan): AlertCondition[] {
  const input: AlertRuleInput = {
    nowMs: stored.input.nowMs,
    pool: stored.input,
    outcome: stored.outcome,
    actuation: Object.fromEntries([...stored.actuation].map(([id, record]) => [id, summaryOf(record)])),
  };
  return Object.values(alertRules).flatMap((rule) => rule(input));
}

function summaryOf(record: ActuationRecord): ActuationSummary {
  return {
    failures: record.failures,
    detail: record.detail,
    outcome: record.outcome,
    foreignWrite: record.foreignWrite ?? null,
    capacityShortage: record.capacityBackoff ?? null,
    ...(record.marksDenied === true ? { marksDenied: true as const } : {}),
  };
}

/** Runs the alert rules over what one full evaluation knew, and tells people what began or ended. */
import { alertRules } from '../core/alert-rules/index.ts';
import { advanceAlerts } from '../core/alert-rules/lifecycle.ts';
import type { ActuationSummary, AlertRuleInput } from '../core/decide-types.ts';
import type { AlertCondition } from '../core/types.ts';
import type { ActuationRecord } from '../state/contract.ts';
import { alertJobs } from './alert-jobs.ts';
import type { PoolContext, StoredPlan } from './evaluate.ts';

/**
 * Messages are queued before the book is written: after a crash in between they are sent again under the same delivery id, never lost.
 * A failure here is logged and never delays scaling.
 */
export async function raiseAlerts(context: PoolContext, stored: StoredPlan): Promise<void> {
  const { deps, pool } = context;
  const book = await deps.state.alerts.read(pool);
  const advanced = advanceAlerts(book?.value ?? {}, conditionsOf(stored), stored.input.nowMs);
  if (advanced.transitions.length > 0) {
    const jobs = advanced.transitions.flatMap(({ alert, hooks }) => alertJobs(alert, hooks));
    if (jobs.length > 0) await deps.queue.wake(jobs);
    await deps.state.outbox.put(
      advanced.transitions.map(({ alert }) => ({
        topic: deps.topics.opsAlert,
        key: alert.key,
        value: JSON.stringify(alert),
      })),
    );
    for (const { alert } of advanced.transitions) {
      deps.metrics.count('alerts_total', 1, { state: alert.state, severity: alert.severity });
      deps.log.warn(alert.state === 'firing' ? 'alert fired' : 'alert resolved', {
        alert: alert.key,
        title: alert.title,
      });
    }
    if (jobs.length > 0) await deps.wake.actuate();
    await deps.wake.notify();
  }
  if (JSON.stringify(advanced.book) !== JSON.stringify(book?.value ?? {})) {
    await deps.state.alerts.compareAndSet(pool, advanced.book, book?.version);
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
  };
}

/** From conditions that hold now to messages for people: pending → firing → clearing → resolved. */
import { OPS_ALERT } from '../../../events/schema/ops-alert.ts';
import type { AlertBook, AlertCondition, AlertEntry, OpsAlert } from '../types.ts';

/** Alerts a pool keeps at once: more would tell nobody anything, and the book must fit one value of the store. */
export const ALERTS_MAX = 200;

/** A changed title is told again no sooner than this [ms]. */
const RETELL_MS = 300_000;

export type AlertTransition = { readonly alert: OpsAlert; readonly hooks: readonly string[] };

export type Advanced = { readonly book: AlertBook; readonly transitions: readonly AlertTransition[] };

/**
 * Advances every alert to `nowMs`. A condition fires after it held for `pendingMs`, and resolves after it was gone for `clearMs`: one
 * resolved for each firing. It is told again when its severity rises, and, at most every 5 minutes, when its title changes in more than figures.
 * A full book takes no new alerts; the most severe come first. Pure.
 */
export function advanceAlerts(book: AlertBook, conditions: readonly AlertCondition[], nowMs: number): Advanced {
  const byKey = new Map(conditions.map((condition) => [condition.key, condition]));
  const known = Object.entries(book).map(([key, entry]) => {
    const condition = byKey.get(key);
    return { key, ...(condition === undefined ? gone(entry, nowMs) : holds(entry, { condition, nowMs })) };
  });
  const kept = known.filter(({ entry }) => entry !== null).length;
  const added = conditions
    .filter((condition) => !Object.hasOwn(book, condition.key))
    .toSorted((a, b) => rank(b.severity) - rank(a.severity) || (a.key < b.key ? -1 : 1))
    .slice(0, Math.max(0, ALERTS_MAX - kept))
    .map((condition) => ({ key: condition.key, ...begins(condition, nowMs) }));
  const steps = [...known, ...added];
  return {
    book: Object.fromEntries(steps.flatMap(({ key, entry }) => (entry === null ? [] : [[key, entry]]))),
    transitions: steps.flatMap(({ transition }) => transition ?? []),
  };
}

type Step = {
  /** null: it is over. */
  readonly entry: AlertEntry | null;
  readonly transition: AlertTransition | null;
};

function begins(condition: AlertCondition, nowMs: number): Step {
  const entry: AlertEntry = {
    alert: alertOf(condition, { sinceMs: nowMs, nowMs }),
    hooks: condition.hooks,
    phase: 'pending',
    phaseSinceMs: nowMs,
    clearMs: condition.clearMs,
  };
  return condition.pendingMs === 0 ? tell(entry, nowMs) : { entry, transition: null };
}

function holds(entry: AlertEntry, now: { readonly condition: AlertCondition; readonly nowMs: number }): Step {
  const { condition, nowMs } = now;
  const { hooks, clearMs } = condition;
  const current = { ...entry, alert: alertOf(condition, { sinceMs: entry.alert.sinceMs, nowMs }), hooks, clearMs };
  if (entry.phase === 'pending') {
    return nowMs - entry.phaseSinceMs >= condition.pendingMs
      ? tell(current, nowMs)
      : { entry: current, transition: null };
  }
  if (isWorthRetelling(current, nowMs)) return tell(current, nowMs);
  const phaseSinceMs = entry.phase === 'clearing' ? nowMs : entry.phaseSinceMs;
  return { entry: { ...current, phase: 'firing', phaseSinceMs }, transition: null };
}

function gone(entry: AlertEntry, nowMs: number): Step {
  if (entry.phase === 'pending') return { entry: null, transition: null };
  const sinceMs = entry.phase === 'clearing' ? entry.phaseSinceMs : nowMs;
  if (nowMs - sinceMs < (entry.clearMs ?? 0)) {
    return { entry: { ...entry, phase: 'clearing', phaseSinceMs: sinceMs }, transition: null };
  }
  return { entry: null, transition: { alert: { ...entry.alert, state: 'resolved', atMs: nowMs }, hooks: entry.hooks } };
}

function tell(entry: AlertEntry, nowMs: number): Step {
  const { severity, title } = entry.alert;
  const phaseSinceMs = entry.phase === 'firing' ? entry.phaseSinceMs : nowMs;
  return {
    entry: { ...entry, phase: 'firing', phaseSinceMs, told: { severity, title, atMs: nowMs } },
    transition: { alert: entry.alert, hooks: entry.hooks },
  };
}

function isWorthRetelling(entry: AlertEntry, nowMs: number): boolean {
  const { told, alert } = entry;
  if (told === undefined || rank(alert.severity) > rank(told.severity)) return true;
  return withoutFigures(alert.title) !== withoutFigures(told.title) && nowMs - told.atMs >= RETELL_MS;
}

function withoutFigures(title: string): string {
  return title.replace(/\d+(\.\d+)?/g, '#');
}

function rank(severity: OpsAlert['severity']): number {
  return { info: 0, warning: 1, critical: 2 }[severity];
}

function alertOf(condition: AlertCondition, at: { readonly sinceMs: number; readonly nowMs: number }): OpsAlert {
  return {
    schema: OPS_ALERT,
    key: condition.key,
    state: 'firing',
    severity: condition.severity,
    sinceMs: at.sinceMs,
    atMs: at.nowMs,
    title: condition.title,
    workloads: [...condition.workloads],
    ...(condition.decision === null ? {} : { decision: condition.decision }),
    detail: condition.detail,
    doc: condition.doc,
  };
}

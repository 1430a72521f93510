/** The head of a view: totals, node groups, alerts and pauses, cut to what an answer may hold. Pure. */
import { briefCause, troubleOf } from '../../core/nodes/trouble.ts';
import type { ScalingDecision } from '../../core/types.ts';
import { reasonOf } from '../status.ts';
import { missingOf } from './choose.ts';
import type { Fleet, GroupRow } from './facts.ts';
import type { LiveDecision, LiveGroup, LiveView } from './types.ts';

/** Longest lists of an answer; what is left out is counted. */
const GROUPS_MAX = 100;
const ALERTS_MAX = 50;
const PAUSES_MAX = 50;
const NAMES_MAX = 10;
/** Longest text of an answer [characters]. */
const TEXT_MAX = 400;
/** All of a view but its page of workloads and the last decisions. `staleAfterMs`: when the host's evaluations are overdue. */
export function headOf(
  fleet: Fleet,
  staleAfterMs: number,
): Omit<LiveView, 'decisions' | 'counts' | 'page' | 'pages' | 'workloads'> {
  const { rows, nodeGroups, alerts, pauses } = fleet;
  return {
    decidedAtMs: fleet.decidedAtMs,
    observedAtMs: fleet.observedAtMs,
    provenAtMs: fleet.provenAtMs,
    staleAfterMs,
    policyVersion: fleet.policyVersion.slice(0, 12),
    totals: {
      workloads: rows.length,
      replicas: {
        ready: sum(rows, ({ ready }) => ready),
        wanted: sum(rows, ({ wanted }) => wanted),
        missing: sum(rows, missingOf),
      },
      unseen: rows.filter(({ unseen }) => unseen !== null).length,
      nodes: { ready: sum(nodeGroups, ({ ready }) => ready), wanted: sum(nodeGroups, ({ wanted }) => wanted) },
      usdPerHour: priceOf(nodeGroups),
      modes: countsOf(rows.map(({ mode }) => mode)),
    },
    outbox: fleet.outbox,
    jobs: fleet.jobs,
    pauses: pauses
      .slice(0, PAUSES_MAX)
      .map(({ kind, name, by, reason, atMs }) => ({ kind, name, by: brief(by), reason: brief(reason), atMs })),
    pauseCount: pauses.length,
    alerts: alerts.slice(0, ALERTS_MAX).map(({ key, severity, title, detail, sinceMs, doc, workloads }) => ({
      key,
      severity,
      title: brief(title),
      detail: brief(detail),
      sinceMs,
      doc,
      workloads: workloads.slice(0, NAMES_MAX),
    })),
    alertCount: alerts.length,
    nodeGroups: nodeGroups.slice(0, GROUPS_MAX).map(groupTold),
    nodeGroupCount: nodeGroups.length,
  };
}

function groupTold({
  leadTime: _lead,
  warmLeadTime: _warm,
  spare: _spare,
  there: _there,
  lastAction,
  draining,
  shortage,
  ...rest
}: GroupRow): LiveGroup {
  return {
    ...rest,
    trouble: shortage === null ? null : troubleOf(shortage),
    shortage: shortage === null ? null : briefCause(shortage),
    draining: draining.slice(0, NAMES_MAX),
    drainingCount: draining.length,
    doing: lastAction === null ? null : brief(lastAction.detail),
  };
}

/** Nodes there are (desired, where they are not seen) and wanted, at their list price; to the cent. */
function priceOf(groups: readonly GroupRow[]): LiveView['totals']['usdPerHour'] {
  const priced = groups.filter(({ usdPerHourEach }) => usdPerHourEach !== null);
  if (priced.length === 0) return null;
  const total = (nodesOf: (group: GroupRow) => number | null): number =>
    Math.round(sum(priced, (group) => (nodesOf(group) ?? 0) * (group.usdPerHourEach ?? 0)) * 100) / 100;
  return { now: total(({ there, current }) => there ?? current), wanted: total(({ wanted }) => wanted) };
}

/** A decision in one line. */
export function told({ id, workload, atMs, replicas, mode, binding, trail }: ScalingDecision): LiveDecision {
  return {
    id,
    workload,
    atMs,
    from: replicas.current,
    to: replicas.wanted,
    mode,
    because: brief(reasonOf({ binding, trail }) ?? binding),
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number | null): number {
  return items.reduce((total, item) => total + (of(item) ?? 0), 0);
}

function countsOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** `text`, cut where it is longer than anybody reads. */
export function brief(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

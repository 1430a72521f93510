/** `penstock status` as a table for people. */
import { briefCause, troubleOf } from '../../core/nodes/trouble.ts';
import type { StatusView, WorkloadStatus } from '../../loop/status.ts';
import type { Colors } from '../demo/view/view.ts';
import { printable, tableWithin } from '../table.ts';

const SIGNALS_SHOWN = 3;

export type RenderOptions = {
  readonly colors: Colors;
  /** Ages are counted from it. */
  readonly nowMs: number;
  /** Columns of the terminal; default null: none, nothing is cut. */
  readonly width?: number | null;
};

/** Lines for a terminal; a narrow one sees fewer columns. */
export function renderStatus(view: StatusView, options: RenderOptions): string[] {
  const { colors, nowMs, width = null } = options;
  const workloads = tableWithin<WorkloadStatus>(
    view.workloads,
    [
      { title: 'WORKLOAD', cell: (row) => row.workload },
      {
        title: 'MODE',
        cell: (row) => row.mode,
        paint: (text, row) => (row.mode === 'act' ? colors.green(text) : colors.dim(text)),
      },
      { title: 'REPLICAS', align: 'right', cell: (row) => `${count(row.ready)}/${count(row.current)}` },
      {
        title: 'WANTED',
        align: 'right',
        cell: (row) => count(row.wanted),
        paint: (text, row) => (row.wanted === row.current ? text : colors.yellow(text)),
      },
      { title: 'LIMITS', align: 'right', optional: 3, cell: (row) => `${row.min}–${row.max}` },
      { title: 'LOAD', optional: 1, cell: loadOf },
      { title: 'LEAD TIME', optional: 4, cell: (row) => leadOf(row.leadTime) },
      { title: 'DECIDED', align: 'right', optional: 2, cell: (row) => ageOf(row.decidedAtMs, nowMs) },
      { title: 'BECAUSE', cell: (row) => row.because ?? 'not decided yet' },
    ],
    width,
  );
  const groups = tableWithin<StatusView['nodeGroups'][number]>(
    view.nodeGroups,
    [
      { title: 'NODE GROUP', cell: (row) => row.nodeGroup },
      { title: 'OWNERSHIP', cell: (row) => `${row.ownership}, ${row.mode}` },
      { title: 'NODES', align: 'right', cell: (row) => count(row.current) },
      { title: 'WANTED', align: 'right', cell: (row) => count(row.wanted) },
      { title: 'MAX', align: 'right', optional: 1, cell: (row) => String(row.max) },
      {
        title: 'LEAD TIME',
        optional: 2,
        cell: (row) =>
          `${leadOf(row.leadTime)}${row.warmLeadTime === null ? '' : `, warm ${leadOf(row.warmLeadTime)}`}`,
      },
      {
        title: 'STATE',
        cell: (row) => groupState(row),
        paint: (text, row) => (row.shortage === null ? text : colors.red(text)),
      },
    ],
    width,
  );
  const alerts = view.alerts.map((alert) => {
    const mark = alert.severity === 'critical' ? colors.red('● critical') : colors.yellow(`● ${alert.severity}`);
    return `${mark}  ${printable(alert.title)}  ${colors.dim(`since ${ageOf(alert.sinceMs, nowMs)}`)}`;
  });
  const pauses = view.pauses.map(
    (one) =>
      `${colors.red('■ paused')}  ${one.kind === 'all' ? 'everything' : printable(one.name)} by ${printable(one.by)}${one.reason === '' ? '' : `: ${printable(one.reason)}`}  ${colors.dim(`since ${ageOf(one.atMs, nowMs)}`)}`,
  );
  return [
    ...pauses,
    ...headed(workloads, colors),
    ...(view.nodeGroups.length === 0 ? [] : ['', ...headed(groups, colors)]),
    '',
    ...(alerts.length === 0 ? [colors.dim('No alerts.')] : alerts),
    colors.dim(
      `${view.jobs} jobs in the action queue, ${view.outbox} messages waiting for Kafka, policies ${view.policyVersion.slice(0, 12)}`,
    ),
  ];
}

function headed(lines: readonly string[], colors: Colors): string[] {
  return lines.map((line, index) => (index === 0 ? colors.dim(line) : line));
}

function count(value: number | null): string {
  return value === null ? '?' : String(value);
}

function loadOf(row: WorkloadStatus): string {
  const shown = row.inputs.slice(0, SIGNALS_SHOWN).map((input) => {
    if (input.value === null) return `${input.signal} ?`;
    return `${input.signal} ${Number(input.value.toPrecision(3))}`;
  });
  return shown.length === 0 ? '–' : shown.join(', ');
}

/** `72 s, p90 95 s (9)`: learned from nine starts; `180 s (policy)` until there were any. */
function leadOf({ p50Sec, p90Sec, starts }: WorkloadStatus['leadTime']): string {
  const late = p90Sec === p50Sec ? '' : `, p90 ${Math.round(p90Sec)} s`;
  return `${Math.round(p50Sec)} s${late} (${starts === 0 ? 'policy' : starts})`;
}

function groupState(row: StatusView['nodeGroups'][number]): string {
  if (row.shortage !== null) return `${troubleOf(row.shortage)}: ${briefCause(row.shortage)}`;
  if (row.draining.length > 0) return `draining ${row.draining.join(', ')}`;
  const doing = row.lastAction === null ? 'idle' : row.lastAction.detail;
  return row.spare === null ? doing : `${doing}; ${row.spare.because}`;
}

/** Age in the largest unit that fits: `4s`, `12m`, `3h`, `2d`; `never` for null. */
export function ageOf(atMs: number | null, nowMs: number): string {
  if (atMs === null) return 'never';
  const sec = Math.max(0, Math.round((nowMs - atMs) / 1000));
  if (sec < 60) return `${sec}s`;
  if (sec < 3_600) return `${Math.floor(sec / 60)}m`;
  return sec < 86_400 ? `${Math.floor(sec / 3_600)}h` : `${Math.floor(sec / 86_400)}d`;
}

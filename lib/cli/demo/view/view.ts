/** The live view of the demo: a plain picture of plain data, so that it can be tested without a terminal. */
import type pico from 'picocolors';
import { printable } from '../../table.ts';

export type Colors = ReturnType<typeof pico.createColors>;

export type ModelView = {
  readonly name: string;
  /** Arrivals [1/s], oldest first, one value per step of the day. */
  readonly history: readonly number[];
  readonly requestsPerSec: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly ready: number;
  readonly starting: number;
  readonly wanted: number;
  readonly max: number;
};

export type NodeGroupView = {
  readonly name: string;
  readonly shape: string;
  readonly ready: number;
  readonly launching: number;
  readonly draining: number;
  readonly wanted: number;
  readonly max: number;
  readonly shortage: string | null;
};

export type DecisionView = {
  readonly hour: number;
  readonly workload: string;
  readonly from: number | null;
  readonly to: number;
  readonly because: string;
};

export type DemoView = {
  /** Hour of the simulated day, 0..24, and the share of the demo that is over, 0..1. */
  readonly hour: number;
  readonly doneRatio: number;
  readonly servers: string;
  /** A command with which anybody can look into the cluster; null where there is none. */
  readonly hints: readonly string[];
  readonly eventsProduced: number;
  readonly eventsPerSec: number;
  readonly eventsDeadLettered: number;
  readonly patches: number;
  readonly eventToPatchP50Ms: number | undefined;
  readonly usdPerHour: number;
  readonly models: readonly ModelView[];
  readonly nodeGroups: readonly NodeGroupView[];
  readonly decisions: readonly DecisionView[];
  readonly alerts: readonly { readonly severity: string; readonly state: string; readonly title: string }[];
};

/** Of the bar of replicas. */
const LEGEND = [
  ['■', 'green', 'serving'],
  ['◧', 'yellow', 'starting'],
  ['□', 'red', 'wanted'],
] as const;
const SPARKS = '▁▂▃▄▅▆▇█';
const SPARK_WIDTH = 26;
const BAR_WIDTH = 18;
const DECISIONS_SHOWN = 6;
const ALERTS_SHOWN = 4;
export const VIEW_WIDTH = 104;

/** Renders the view as lines of at most `width` visible characters. */
export function renderView(view: DemoView, options: { readonly colors: Colors; readonly width: number }): string[] {
  const { colors } = options;
  const lines = [
    ...header(view, colors),
    '',
    colors.dim(
      ` ${'MODEL'.padEnd(15)}${'REQUESTS/S'.padEnd(SPARK_WIDTH + 9)}${'IN FLIGHT'.padStart(9)}${'WAITING'.padStart(9)}   ${'REPLICAS'.padEnd(BAR_WIDTH)} READY/WANTED`,
    ),
    ...view.models.map((model) => modelLine(model, colors)),
    '',
    colors.dim(` ${'GPU NODES'.padEnd(15)}`),
    ...view.nodeGroups.map((group) => nodeGroupLine(group, colors)),
    '',
    colors.dim(' LAST DECISIONS'),
    ...padded(
      view.decisions.slice(-DECISIONS_SHOWN).map((decision) => decisionLine(decision, options)),
      DECISIONS_SHOWN,
    ),
    '',
    colors.dim(' ALERTS'),
    ...padded(
      view.alerts.slice(-ALERTS_SHOWN).map((alert) => alertLine(alert, options)),
      ALERTS_SHOWN,
    ),
    '',
    `${colors.dim(' Ctrl-C stops everything.')}   ${legend(colors)}`,
    ...view.hints.map((hint) => colors.dim(` ${hint}`)),
  ];
  return lines.map((line) => fit(line, options.width));
}

/** Cuts a line to `width` visible characters: one that wraps would push the picture off the screen. Colours do not count, and stay closed. */
function fit(line: string, width: number): string {
  let room = width;
  // oxlint-disable-next-line no-control-regex -- colours are control sequences
  return line.replaceAll(/\u001b\[[\d;]*m|./gsu, (part) => (part.startsWith('\u001b') || room-- > 0 ? part : ''));
}

function header(view: DemoView, colors: Colors): string[] {
  const filled = Math.round(Math.min(1, Math.max(0, view.doneRatio)) * 24);
  const bar = colors.cyan('━'.repeat(filled)) + colors.dim('─'.repeat(24 - filled));
  const latency =
    view.eventToPatchP50Ms === undefined ? '' : ` · event to patch ${view.eventToPatchP50Ms.toFixed(0)} ms`;
  return [
    ` ${colors.bold('Penstock')}  ${colors.bold(clock(view.hour))}  ${bar}  ${colors.dim(view.servers)}`,
    colors.dim(
      ` ${view.eventsProduced.toLocaleString('en')} events (${view.eventsPerSec.toFixed(0)}/s) · ${view.eventsDeadLettered} dead-lettered · ` +
        `${view.patches} resizes${latency} · ${view.usdPerHour.toFixed(2)} USD/h`,
    ),
  ];
}

function legend(colors: Colors): string {
  return LEGEND.map(([sign, color, meaning]) => ` ${colors[color](sign)}${colors.dim(` ${meaning}`)}`).join(' ');
}

/** 14.5 → `14:30`. */
export function clock(hour: number): string {
  const minutes = Math.floor((((hour % 24) + 24) % 24) * 60);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** The last `SPARK_WIDTH` values as bars, the largest of all history full height. */
export function sparkline(history: readonly number[]): string {
  const top = Math.max(1e-9, ...history);
  const shown = history.slice(-SPARK_WIDTH);
  const bars = shown.map((value) =>
    value <= 0 ? ' ' : (SPARKS[Math.min(7, Math.floor((value / top) * 7.999))] ?? ' '),
  );
  return bars.join('').padStart(SPARK_WIDTH);
}

/** Ready, starting and still wanted replicas as one bar, scaled down when the maximum is longer than the bar. More than the maximum is cut. */
export function replicaBar(model: Pick<ModelView, 'ready' | 'starting' | 'wanted' | 'max'>, colors: Colors): string {
  const scale = Math.min(1, BAR_WIDTH / Math.max(1, model.max));
  const cells = (count: number): number => Math.min(BAR_WIDTH, Math.ceil(count * scale));
  const ready = cells(model.ready);
  const starting = Math.max(0, cells(model.ready + model.starting) - ready);
  const missing = Math.max(0, cells(model.wanted) - ready - starting);
  const rest = Math.max(0, BAR_WIDTH - ready - starting - missing);
  return (
    colors.green('■'.repeat(ready)) +
    colors.yellow('◧'.repeat(starting)) +
    colors.red('□'.repeat(missing)) +
    ' '.repeat(rest)
  );
}

function modelLine(model: ModelView, colors: Colors): string {
  const counts = `${model.ready}/${model.wanted}`.padStart(7);
  const waiting = model.queued.toFixed(0).padStart(9);
  return (
    ` ${model.name.padEnd(15)}${colors.cyan(sparkline(model.history))}${model.requestsPerSec.toFixed(1).padStart(7)}  ` +
    `${model.inFlight.toFixed(0).padStart(9)}${model.queued >= 1 ? colors.yellow(waiting) : colors.dim(waiting)}   ` +
    `${replicaBar(model, colors)}${counts}`
  );
}

function nodeGroupLine(group: NodeGroupView, colors: Colors): string {
  const parts = [`${group.ready} ready`];
  if (group.launching > 0) parts.push(colors.yellow(`${group.launching} booting`));
  if (group.draining > 0) parts.push(colors.yellow(`${group.draining} draining`));
  if (group.shortage !== null) parts.push(colors.red('no capacity'));
  return ` ${group.name.padEnd(15)}${colors.dim(group.shape.padEnd(SPARK_WIDTH + 2))}${`${group.wanted} of ${group.max} wanted`.padEnd(18)}${parts.join(', ')}`;
}

function decisionLine(decision: DecisionView, { colors, width }: { colors: Colors; width: number }): string {
  const from = decision.from === null ? '?' : String(decision.from);
  const arrow = `${from} → ${decision.to}`.padEnd(9);
  const up = decision.from === null || decision.to > decision.from;
  const paint = decision.to === decision.from ? colors.dim : up ? colors.green : colors.magenta;
  const lead = ` ${clock(decision.hour)} ${decision.workload.padEnd(15)} `;
  return `${colors.dim(lead.slice(0, 6))}${lead.slice(6)}${paint(arrow)} ${clip(decision.because, width - lead.length - 11)}`;
}

function alertLine(alert: DemoView['alerts'][number], { colors, width }: { colors: Colors; width: number }): string {
  const mark =
    alert.state === 'resolved'
      ? colors.green('✓ resolved')
      : alert.severity === 'critical'
        ? colors.red('● critical')
        : colors.yellow('● warning ');
  return ` ${mark} ${clip(alert.title, width - 13)}`;
}

/** At most `length` characters, with an ellipsis where something was cut; control characters are taken out. */
export function clip(text: string, length: number): string {
  const characters = Array.from(printable(text));
  if (characters.length <= length) return characters.join('');
  return length <= 0 ? '' : `${characters.slice(0, length - 1).join('')}…`;
}

function padded(lines: readonly string[], count: number): string[] {
  return [...lines, ...Array.from({ length: Math.max(0, count - lines.length) }, () => '')];
}

/** The live view of the demo: a plain picture of plain data, so that it can be tested without a terminal. */
import type pico from 'picocolors';
import { clip } from '../../table.ts';
import type { DecisionView, DemoView, ModelView, NodeGroupView } from './types.ts';

export type Colors = ReturnType<typeof pico.createColors>;

/** Of the bar of replicas. */
const LEGEND = [
  ['■', 'green', 'serving'],
  ['◧', 'yellow', 'starting'],
  ['□', 'red', 'wanted'],
] as const;
const SPARKS = '▁▂▃▄▅▆▇█';
const BAR_WIDTH = 18;
const NAME_WIDTH = 15;
const PROGRESS_WIDTH = 24;
/** What is told of the day takes at most so many lines. */
const CHAPTER_LINES = 2;
const DECISIONS_MAX = 6;
const ALERTS_MAX = 4;
/** Wider than this, lines are hard to follow with the eye. */
export const VIEW_WIDTH = 104;
/** From here on there is room for what is in flight and for longer histories. */
const WIDE = 100;

export type ViewSize = { readonly width: number; readonly rows: number };

type Style = ViewSize & {
  readonly colors: Colors;
  readonly isWide: boolean;
  readonly sparkWidth: number;
  readonly doneRatio: number;
};

/** Renders the view as at most `rows` lines of at most `width` visible characters. A small terminal shows fewer decisions and alerts, never half a table. */
export function renderView(view: DemoView, options: ViewSize & { readonly colors: Colors }): string[] {
  const { colors, width, rows } = options;
  const isWide = width >= WIDE;
  const style: Style = { ...options, isWide, sparkWidth: isWide ? 26 : 18, doneRatio: view.doneRatio };
  const above = [
    header(view, style),
    ...chapter(view, style),
    '',
    modelTitles(style),
    ...view.models.map((model) => modelLine(model, style)),
    '',
    colors.dim(' GPU NODES'),
    ...view.nodeGroups.map((group) => nodeGroupLine(group, style)),
    '',
  ];
  const below = [figures(view, colors), foot(view, style)];
  const hints = view.hints.map((hint) => colors.dim(` ${hint}`));
  // Two titles, and a line between each two parts.
  const room = rows - above.length - below.length - 4;
  const shown = sharesOf(room);
  const lines = [
    ...above,
    colors.dim(' LAST DECISIONS'),
    ...padded(
      view.decisions.slice(-shown.decisions).map((decision) => decisionLine(decision, style)),
      shown.decisions,
    ),
    '',
    colors.dim(' PEOPLE CALLED'),
    ...padded(
      view.alerts.slice(-shown.alerts).map((alert) => alertLine(alert, style)),
      shown.alerts,
    ),
    '',
    ...below,
    ...hints,
  ];
  return lines.slice(0, Math.max(1, rows)).map((line) => fit(line, width));
}

/** A call is shown in any case, then three decisions, then more of both. */
function sharesOf(room: number): { readonly decisions: number; readonly alerts: number } {
  const alerts = Math.max(1, Math.min(ALERTS_MAX, Math.floor(room / 3)));
  return { alerts, decisions: Math.max(1, Math.min(DECISIONS_MAX, room - alerts)) };
}

/** Cuts a line to `width` visible characters: one that wraps would push the picture off the screen. Colours do not count, and stay closed. */
function fit(line: string, width: number): string {
  let room = width;
  // oxlint-disable-next-line no-control-regex -- colours are control sequences
  return line.replaceAll(/\u001b\[[\d;]*m|./gsu, (part) => (part.startsWith('\u001b') || room-- > 0 ? part : ''));
}

function header(view: DemoView, { colors }: Style): string {
  const filled = Math.round(Math.min(1, Math.max(0, view.doneRatio)) * PROGRESS_WIDTH);
  const bar = colors.cyan('━'.repeat(filled)) + colors.dim('─'.repeat(PROGRESS_WIDTH - filled));
  return ` ${colors.bold('Penstock')}  ${colors.bold(clock(view.hour))}  ${bar}  ${colors.dim(view.servers)}`;
}

/** Always of the same height. */
function chapter(view: DemoView, { colors, width }: Style): string[] {
  const lines = wrapped(view.chapter, width - 4).slice(0, CHAPTER_LINES);
  return padded(
    lines.map((line, index) => ` ${colors.yellow(index === 0 ? '▸' : ' ')} ${line}`),
    CHAPTER_LINES,
  );
}

/** Breaks between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function figures(view: DemoView, colors: Colors): string {
  const latency =
    view.eventToPatchP50Ms === undefined ? '' : ` · event to resize ${view.eventToPatchP50Ms.toFixed(0)} ms`;
  const late = `late ${(view.lateShare * 100).toFixed(1)} %`;
  return colors.dim(
    ` ${view.eventsProduced.toLocaleString('en')} events · ${view.patches} resizes${latency} · ${late} · ${view.usdPerHour.toFixed(0)} USD/h`,
  );
}

/** The address of the page is whole in 80 columns, too: it is there to be clicked or copied. */
function foot({ livePage }: DemoView, { colors, isWide }: Style): string {
  const wide = ` Ctrl-C stops everything.${livePage === '' ? '' : `  Live page: ${livePage}`}`;
  const narrow = ` Ctrl-C stops. See ${livePage}`;
  return `${colors.dim(isWide || livePage === '' ? wide : narrow)}   ${legend(colors)}`;
}

function legend(colors: Colors): string {
  return LEGEND.map(([sign, color, meaning]) => ` ${colors[color](sign)}${colors.dim(` ${meaning}`)}`).join(' ');
}

/** 14.5 → `14:30`. */
export function clock(hour: number): string {
  const minutes = Math.floor((((hour % 24) + 24) % 24) * 60);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

/** The day so far as bars, the largest value full height: a share of `width` as large as the share of the day that is over; the rest is dots. */
export function sparkline(
  history: readonly number[],
  { width, doneRatio }: { readonly width: number; readonly doneRatio: number },
): string {
  const cells = Math.min(history.length, width, Math.max(1, Math.round(doneRatio * width)));
  const top = Math.max(1e-9, ...history);
  const bars = Array.from({ length: cells }, (_, cell) => {
    const part = history.slice(
      Math.floor((cell * history.length) / cells),
      Math.floor(((cell + 1) * history.length) / cells),
    );
    const value = Math.max(0, ...part);
    return value <= 0 ? ' ' : (SPARKS[Math.min(7, Math.floor((value / top) * 7.999))] ?? ' ');
  });
  return bars.join('').padEnd(width, '·');
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

function modelTitles({ colors, isWide, sparkWidth }: Style): string {
  const flight = isWide ? 'IN FLIGHT'.padStart(11) : '';
  return colors.dim(
    ` ${'MODEL'.padEnd(NAME_WIDTH)}${'REQUESTS/S'.padEnd(sparkWidth + 6)}${flight}${'WAITING'.padStart(9)}${'READY'.padStart(8)}   REPLICAS`,
  );
}

function modelLine(model: ModelView, { colors, isWide, sparkWidth, doneRatio }: Style): string {
  const counts = `${model.ready}/${model.wanted}`.padStart(8);
  const waiting = model.queued.toFixed(0).padStart(9);
  const flight = isWide ? model.inFlight.toFixed(0).padStart(11) : '';
  return (
    ` ${model.name.padEnd(NAME_WIDTH)}${colors.cyan(sparkline(model.history, { width: sparkWidth, doneRatio }))}${model.requestsPerSec.toFixed(1).padStart(6)}` +
    `${flight}${model.queued >= 1 ? colors.yellow(waiting) : colors.dim(waiting)}${counts}   ${replicaBar(model, colors)}`
  );
}

function nodeGroupLine(group: NodeGroupView, { colors, isWide, sparkWidth }: Style): string {
  const parts = [`${group.ready} ready`];
  if (group.launching > 0) parts.push(colors.yellow(`${group.launching} booting`));
  if (group.draining > 0) parts.push(colors.yellow(`${group.draining} draining`));
  if (group.shortage !== null) parts.push(colors.red('no capacity'));
  const wanted = isWide ? `${group.wanted} of ${group.max} wanted` : `${group.wanted} wanted`;
  return ` ${group.name.padEnd(NAME_WIDTH)}${colors.dim(group.shape.padEnd(isWide ? sparkWidth + 6 : 21))}  ${wanted.padEnd(isWide ? 19 : 11)}${parts.join(', ')}`;
}

function decisionLine(decision: DecisionView, { colors, width }: Style): string {
  const from = decision.from === null ? '?' : String(decision.from);
  const arrow = `${from} → ${decision.to}`.padEnd(9);
  const up = decision.from === null || decision.to > decision.from;
  const paint = decision.to === decision.from ? colors.dim : up ? colors.green : colors.magenta;
  const lead = ` ${clock(decision.hour)} ${decision.workload.padEnd(NAME_WIDTH)} `;
  return `${colors.dim(lead.slice(0, 6))}${lead.slice(6)}${paint(arrow)} ${clip(decision.because, width - lead.length - 11)}`;
}

function alertLine(alert: DemoView['alerts'][number], { colors, width }: Style): string {
  const mark =
    alert.state === 'resolved'
      ? colors.green('✓ resolved')
      : alert.severity === 'critical'
        ? colors.red('● critical')
        : colors.yellow('● warning ');
  return ` ${mark} ${clip(alert.title, width - 13)}`;
}

function padded(lines: readonly string[], count: number): string[] {
  return [...lines, ...Array.from({ length: Math.max(0, count - lines.length) }, () => '')];
}

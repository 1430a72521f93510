/** One decision for a person, in ten lines: what, why step by step, on which readings, why not more and not less, at what price. */
import type { DecisionInput } from '../../events/schema/index.ts';
import { count, duration, figure, percent } from '../core/format.ts';
import type { ScalingDecision, TrailStep } from '../core/types.ts';
import type { WhyNot } from '../core/why-not/why-not.ts';

/** Steps shown one by one: with the other lines this makes ten. */
const STEPS_SHOWN_MAX = 4;

/** Renders a decision as plain text of at most ten lines, without colours and without a newline at the end. Same inputs, same bytes. */
export function renderExplanation(decision: ScalingDecision, not: WhyNot): string {
  const rows: readonly Row[] = [
    ...folded(decision.trail.map(stepRow)),
    { name: 'read', move: '', text: decision.inputs.map(inputText).join('; ') || 'nothing' },
    { name: 'not more', move: '', text: not.more },
    { name: 'not less', move: '', text: not.less },
    ...costRow(decision),
  ];
  const { id, atMs, mode, pool, planSeq } = decision;
  const lines = [
    `${decision.workload}: ${headline(decision)}; the last word had "${decision.binding}"`,
    `${id}, ${new Date(atMs).toISOString()}, mode ${mode}, pool ${pool}, plan ${planSeq}`,
    ...table(rows),
  ];
  return lines.map((line) => printable(line)).join('\n');
}

function headline({ replicas }: ScalingDecision): string {
  const { current, ready, wanted } = replicas;
  if (current === null) return `wants ${count(wanted, 'replica')}, the target is not observed`;
  const starting = ready === null || ready >= current ? '' : ` (${ready} of ${current} ready)`;
  if (wanted === current) return `stays at ${count(wanted, 'replica')}${starting}`;
  return `${wanted > current ? 'grows' : 'shrinks'} from ${current} to ${count(wanted, 'replica')}${starting}`;
}

type Row = { readonly name: string; readonly move: string; readonly text: string };

function stepRow({ rule, from, to, unit, because }: TrailStep): Row {
  const move = from === null ? figure(to) : from === to ? `stays ${figure(to)}` : `${figure(from)} → ${figure(to)}`;
  return { name: rule, move: `${move} ${unit}`, text: because };
}

/** The first step and the last ones; those between by name. */
function folded(rows: readonly Row[]): readonly Row[] {
  const [first] = rows;
  if (rows.length <= STEPS_SHOWN_MAX || first === undefined) return rows;
  const last = rows.slice(2 - STEPS_SHOWN_MAX);
  const between = rows.slice(1, -last.length).map(({ name, move }) => `${name} ${move}`);
  return [first, { name: '…', move: '', text: `${between.join(', ')} (--json shows why)` }, ...last];
}

/** Columns as wide as their widest cell; rows without a move begin in the second column. */
function table(rows: readonly Row[]): string[] {
  const first = Math.max(...rows.map(({ name }) => name.length));
  const second = Math.max(...rows.map(({ move }) => move.length));
  return rows.map(({ name, move, text }) =>
    move === '' ? `  ${name.padEnd(first)}  ${text}` : `  ${name.padEnd(first)}  ${move.padEnd(second)}  ${text}`,
  );
}

function inputText({ signal, value, coverage, ageMs, reason }: DecisionInput): string {
  const age = ageMs === null ? 'never heard' : `${duration(ageMs)} old`;
  // The share of the sources that was heard is told beside the age.
  const isTold = reason === undefined || (value !== null && reason.startsWith(`${signal} covers only `));
  const why = isTold ? '' : `: ${reason}`;
  if (value === null) return `${signal} missing (${age})${why}`;
  const covered = coverage < 1 ? `, coverage ${percent(coverage)}` : '';
  return `${signal} ${figure(value)} (${age}${covered})${why}`;
}

function costRow({ nodeGroups, usdPerHour, leadTimeSec }: ScalingDecision): Row[] {
  const nodes = nodeGroups.map(({ name, current, wanted }) =>
    current === wanted ? `${name} ${wanted}` : `${name} ${current ?? 'unknown'} → ${wanted}`,
  );
  const parts = [
    ...(nodes.length === 0 ? [] : [`nodes ${nodes.join(', ')}`]),
    ...(usdPerHour === undefined ? [] : [`${usdPerHour.before.toFixed(2)} → ${usdPerHour.after.toFixed(2)} USD/h`]),
    ...(leadTimeSec === undefined ? [] : [leadText(leadTimeSec)]),
  ];
  return parts.length === 0 ? [] : [{ name: 'costs', move: '', text: parts.join('; ') }];
}

function leadText({ p50, p90, starts }: NonNullable<ScalingDecision['leadTimeSec']>): string {
  const late = p50 === p90 ? '' : `, p90 ${figure(p90)} s`;
  return `lead time ${figure(p50)} s${late} (${starts === undefined ? "the policy's figure" : `learned from ${starts} starts`})`;
}

/** Names and reasons may come from outside: nothing of them may move the cursor of a terminal. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is there to remove
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

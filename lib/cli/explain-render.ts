/** One decision for a person, in about ten lines: what, why step by step, on which readings, at what price. */
import type { DecisionInput } from '../../events/schema/index.ts';
import { duration, figure, percent } from '../core/format.ts';
import type { ScalingDecision, TrailStep } from '../core/types.ts';

/** Renders the trail of a decision as plain text, without colours and without a newline at the end. */
export function renderExplanation(decision: ScalingDecision): string {
  const { replicas } = decision;
  const lines = [
    `${decision.workload}: ${headline(decision)}`,
    `${decision.id}, ${new Date(decision.atMs).toISOString()}, mode ${decision.mode}, pool ${decision.pool}, plan ${decision.planSeq}`,
    `now ${known(replicas.current)} replicas, ${known(replicas.ready)} ready; the last word had "${decision.binding}"`,
    ...table(decision.trail.map(stepRow)),
    ...decision.inputs.map(inputLine),
    ...nodeLine(decision),
    ...costLine(decision),
  ];
  return lines.map((line) => printable(line)).join('\n');
}

function headline({ replicas }: ScalingDecision): string {
  const { current, wanted } = replicas;
  if (current === null) return `wants ${wanted} replicas, the target is not observed`;
  if (wanted === current) return `stays at ${wanted} replicas`;
  return `${wanted > current ? 'grows' : 'shrinks'} from ${current} to ${wanted} replicas`;
}

function known(value: number | null): string {
  return value === null ? 'unknown' : String(value);
}

function stepRow({ rule, from, to, unit, because }: TrailStep): readonly [string, string, string] {
  const move = from === null ? figure(to) : from === to ? `stays ${figure(to)}` : `${figure(from)} → ${figure(to)}`;
  return [rule, `${move} ${unit}`, because];
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly [string, string, string])[]): string[] {
  const first = Math.max(0, ...rows.map(([rule]) => rule.length));
  const second = Math.max(0, ...rows.map(([, move]) => move.length));
  return rows.map(([rule, move, because]) => `  ${rule.padEnd(first)}  ${move.padEnd(second)}  ${because}`);
}

function inputLine({ signal, value, coverage, ageMs, reason }: DecisionInput): string {
  const age = ageMs === null ? 'never heard' : `${duration(ageMs)} old`;
  const why = reason === undefined ? '' : `: ${reason}`;
  if (value === null) return `  read ${signal} missing (${age})${why}`;
  return `  read ${signal} ${figure(value)} (coverage ${percent(coverage)}, ${age})${why}`;
}

function nodeLine({ nodeGroups }: ScalingDecision): string[] {
  if (nodeGroups.length === 0) return [];
  const groups = nodeGroups.map(({ name, current, wanted }) =>
    current === wanted ? `${name} ${wanted}` : `${name} ${known(current)} → ${wanted}`,
  );
  return [`nodes: ${groups.join(', ')}`];
}

function costLine({ usdPerHour, leadTimeSec }: ScalingDecision): string[] {
  const cost =
    usdPerHour === undefined ? [] : [`${usdPerHour.before.toFixed(2)} → ${usdPerHour.after.toFixed(2)} USD/h`];
  const lead =
    leadTimeSec === undefined ? [] : [`lead time ${figure(leadTimeSec.p50)} s, p90 ${figure(leadTimeSec.p90)} s`];
  const parts = [...cost, ...lead];
  return parts.length === 0 ? [] : [parts.join('; ')];
}

/** Names and reasons may come from outside: nothing of them may move the cursor of a terminal. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is there to remove
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

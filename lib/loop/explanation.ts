/** A decision in words, in at most ten lines: what, why step by step, on which readings, why not more and not less, at what price. The command line and the live page show the same. */
import type { DecisionInput } from '../../events/schema/index.ts';
import { count, duration, figure, percent } from '../core/format.ts';
import type { ScalingDecision, TrailStep } from '../core/types.ts';
import type { WhyNot } from '../core/why-not/why-not.ts';

/** Steps shown one by one: with the other lines this makes ten. */
const STEPS_SHOWN_MAX = 4;

/** `move` is empty in rows that are no step. */
export type ExplanationRow = { readonly name: string; readonly move: string; readonly text: string };

export type Explanation = {
  /** `stays at 7 replicas; the last word had "stabilise"`. */
  readonly headline: string;
  /** Id, time, mode, pool and plan. */
  readonly about: string;
  readonly rows: readonly ExplanationRow[];
};

/** Two lines and at most eight rows; `foldedHint` says where the steps are that were folded into one row. Texts are as they were recorded: whoever shows them makes them harmless there. Same inputs, same bytes. */
export function explanationOf(
  decision: ScalingDecision,
  not: WhyNot,
  options: { readonly foldedHint: string },
): Explanation {
  const { id, atMs, mode, pool, planSeq } = decision;
  return {
    headline: `${headline(decision)}; the last word had "${decision.binding}"`,
    about: `${id}, ${new Date(atMs).toISOString()}, mode ${mode}, pool ${pool}, plan ${planSeq}`,
    rows: [
      ...folded(decision.trail.map(stepRow), options.foldedHint),
      { name: 'read', move: '', text: decision.inputs.map(inputText).join('; ') || 'nothing' },
      { name: 'not more', move: '', text: not.more },
      { name: 'not less', move: '', text: not.less },
      ...costRow(decision),
    ],
  };
}

function headline({ replicas }: ScalingDecision): string {
  const { current, ready, wanted } = replicas;
  if (current === null) return `wants ${count(wanted, 'replica')}, the target is not observed`;
  const starting = ready === null || ready >= current ? '' : ` (${ready} of ${current} ready)`;
  if (wanted === current) return `stays at ${count(wanted, 'replica')}${starting}`;
  return `${wanted > current ? 'grows' : 'shrinks'} from ${current} to ${count(wanted, 'replica')}${starting}`;
}

function stepRow({ rule, from, to, unit, because }: TrailStep): ExplanationRow {
  const move = from === null ? figure(to) : from === to ? `stays ${figure(to)}` : `${figure(from)} → ${figure(to)}`;
  return { name: rule, move: `${move} ${to === 1 ? unit.replace(/s$/, '') : unit}`, text: because };
}

/** The first step and the last ones; those between by name. */
function folded(rows: readonly ExplanationRow[], hint: string): readonly ExplanationRow[] {
  const [first] = rows;
  if (rows.length <= STEPS_SHOWN_MAX || first === undefined) return rows;
  const last = rows.slice(2 - STEPS_SHOWN_MAX);
  const between = rows.slice(1, -last.length).map(({ name, move }) => `${name} ${move}`);
  return [first, { name: '…', move: '', text: `${between.join(', ')} (${hint})` }, ...last];
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

function costRow({ nodeGroups, usdPerHour, leadTimeSec }: ScalingDecision): ExplanationRow[] {
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

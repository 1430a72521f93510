/** One decision for a person at a terminal, in ten lines. */
import { explanationOf } from '../../loop/explanation.ts';
import type { ExplanationRow } from '../../loop/explanation.ts';
import type { ScalingDecision } from '../../core/types.ts';
import type { WhyNot } from '../../core/why-not/why-not.ts';

/** Renders a decision as plain text of at most ten lines, without colours and without a newline at the end. Same inputs, same bytes. */
export function renderExplanation(decision: ScalingDecision, not: WhyNot): string {
  const { headline, about, rows } = explanationOf(decision, not, { foldedHint: '--json shows why' });
  const lines = [`${decision.workload}: ${headline}`, about, ...table(rows)];
  return lines.map((line) => printable(line)).join('\n');
}

/** Columns as wide as their widest cell; rows without a move begin in the second column. */
function table(rows: readonly ExplanationRow[]): string[] {
  const first = Math.max(...rows.map(({ name }) => name.length));
  const second = Math.max(...rows.map(({ move }) => move.length));
  return rows.map(({ name, move, text }) =>
    move === '' ? `  ${name.padEnd(first)}  ${text}` : `  ${name.padEnd(first)}  ${move.padEnd(second)}  ${text}`,
  );
}

/** Names and reasons may come from outside: nothing of them may move the cursor of a terminal. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is there to remove
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

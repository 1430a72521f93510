/** Problems of policies as people read them. */
import type { PolicyProblem } from '../core/policy.ts';

/** Problems listed at once: whoever has more has one mistake a thousand times. */
export const PROBLEMS_MAX = 1_000;

/** `Cannot load policy "FILE": PATH is CURRENT, expected EXPECTED (line N).` */
export function problemText(problem: PolicyProblem): string {
  const line = problem.line === null ? '' : ` (line ${problem.line})`;
  return `Cannot load policy "${problem.file}": ${problem.path} is ${problem.current}, expected ${problem.expected}${line}.`;
}

/** One problem a line. */
export function problemsText(problems: readonly PolicyProblem[]): string {
  return problems.map(problemText).join('\n');
}

/** `spec.signals[0].perReplica` of path parts. */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'the document';
}

/** Longest value that is shown [characters]. */
const SHOWN_MAX = 60;

/** A value as the current one of a problem. What stands where a secret's reference belongs may be the secret itself, so only its kind is told. */
export function currentText(value: unknown, path: readonly PropertyKey[]): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  if (path.some((part) => typeof part === 'string' && part.endsWith('From'))) return `a ${typeof value}`;
  const text = JSON.stringify(value) ?? `a ${typeof value}`;
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** The report as a file: the same report gives the same bytes. */
import { OPTIMUM, PENSTOCK, WINDOW_RULE, byText } from './policies.ts';
import { repeatCommand } from './repeat.ts';
import type { ReplayReport } from './types.ts';

/** Significant digits of fractions: more than any figure means, and enough that one miss in 100 million shows in a ratio. Whole numbers are exact. */
export const FRACTION_DIGITS = 9;

/** Order of keys where it is not that of the alphabet, by path from the top: what is read first comes first, `…` stands for all others. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  '': ['trace', 'settings', 'seed', 'versions', 'repeat', 'policies', '…'],
  '/policies': [PENSTOCK, '…', OPTIMUM, WINDOW_RULE],
};

/**
 * JSON, indented by two, one line end at its end. Keys: `trace, settings, seed, versions, repeat` (the command), `policies`; in `policies` first `penstock`, last `optimum` and `windowRule`; everything else by
 * code unit. Fractions are rounded to {@link FRACTION_DIGITS} significant digits; NaN and infinities, which JSON does not have, are null.
 */
export function renderJson(report: ReplayReport): string {
  return `${written({ ...report, repeat: repeatCommand(report) }, { path: '', lineStart: '\n' })}\n`;
}

type Place = { readonly path: string; readonly lineStart: string };

function written(value: unknown, { path, lineStart }: Place): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const below = (key: string): Place => ({ path: `${path}/${key}`, lineStart: `${lineStart}  ` });
  if (Array.isArray(value)) {
    return enclosed('[]', { items: value.map((item) => written(item, below('*'))), lineStart });
  }
  const rank = ranking(ORDERS[path] ?? []);
  const items = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([one], [other]) => rank(one) - rank(other) || byText(one, other))
    .map(([key, item]) => `${JSON.stringify(key)}: ${written(item, below(key))}`);
  return enclosed('{}', { items, lineStart });
}

function enclosed(
  brackets: '[]' | '{}',
  { items, lineStart }: { readonly items: readonly string[]; readonly lineStart: string },
): string {
  if (items.length === 0) return brackets;
  const inner = `${lineStart}  `;
  return `${brackets.charAt(0)}${inner}${items.join(`,${inner}`)}${lineStart}${brackets.charAt(1)}`;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  // JSON writes -0 as 0, too.
  return JSON.stringify(Number.isInteger(value) ? value : Number(value.toPrecision(FRACTION_DIGITS)));
}

function ranking(order: readonly string[]): (key: string) => number {
  return (key) => order.indexOf(order.includes(key) ? key : '…');
}

/** Label selectors: as the text that a Scale object or a user has them in, and what they match. */
import type { V1LabelSelector } from './facade.ts';

type Expression = NonNullable<V1LabelSelector['matchExpressions']>[number];

/** Whether an object with these labels is selected. No selector selects nothing. */
export function selects(selector: V1LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  if (!Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const listed = value !== undefined && values.includes(value);
    return operator === 'In' ? listed : !listed;
  });
}

/** `app=llama,tier in (a, b),!old` → its object; null when it is not understood or matches everything, as an empty one does. */
export function parseSelector(text: string): V1LabelSelector | null {
  const parts = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const matchLabels: Record<string, string> = {};
  const matchExpressions: Expression[] = [];
  for (const part of parts) {
    const [, key, value] = /^([\w./-]+)\s*==?\s*([\w.-]*)$/.exec(part) ?? [];
    const expression = key === undefined ? expressionOf(part) : null;
    if (key !== undefined) matchLabels[key] = value ?? '';
    else if (expression === null) return null;
    else matchExpressions.push(expression);
  }
  return parts.length === 0 ? null : { matchLabels, matchExpressions };
}

function expressionOf(part: string): Expression | null {
  const [, not, existing] = /^(!?)\s*([\w./-]+)$/.exec(part) ?? [];
  if (existing !== undefined) return { key: existing, operator: not === '!' ? 'DoesNotExist' : 'Exists' };
  const [, other, value] = /^([\w./-]+)\s*!=\s*([\w.-]*)$/.exec(part) ?? [];
  if (other !== undefined) return { key: other, operator: 'NotIn', values: [value ?? ''] };
  const [, key, word, list] = /^([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part) ?? [];
  if (key === undefined) return null;
  const values = (list ?? '').split(',').map((one) => one.trim());
  return { key, operator: word === 'in' ? 'In' : 'NotIn', values };
}

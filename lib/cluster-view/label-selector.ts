/** Label selectors as the text that a Scale object has them in. */
import type { V1LabelSelector } from '../clients/kubernetes-facade.ts';

type Expression = NonNullable<V1LabelSelector['matchExpressions']>[number];

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

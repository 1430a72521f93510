/** Label selectors: the query form (`app=a,tier in (x,y),!old`) and plain equality maps. */
import type { Labels } from './records.ts';

export type LabelRequirement = {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent';
  readonly values: readonly string[];
};

/** True when `labels` has every pair of `wanted`. An empty `wanted` matches everything. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  for (const key in wanted) if (labels[key] !== wanted[key]) return false;
  return true;
}

/** True when `labels` meets all requirements. As in Kubernetes, `notin` is also met by an absent key. */
export function meetsRequirements(labels: Labels, requirements: readonly LabelRequirement[]): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labels[key];
    if (operator === 'exists') return value !== undefined;
    if (operator === 'absent') return value === undefined;
    if (operator === 'in') return value !== undefined && values.includes(value);
    return value === undefined || !values.includes(value);
  });
}

/** Parses a selector as the API takes it; undefined when it is malformed. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] | undefined {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const requirements = parts.filter((part) => part !== '').map(parseRequirement);
  return requirements.includes(undefined) ? undefined : requirements.filter((one) => one !== undefined);
}

const KEY = '[A-Za-z0-9][A-Za-z0-9._/-]*';
const VALUE = '[A-Za-z0-9._-]*';
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`);
const EXISTENCE = new RegExp(`^(!?)\\s*(${KEY})$`);

function parseRequirement(text: string): LabelRequirement | undefined {
  const [, setKey, setOperator, list] = SET.exec(text) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    return { key: setKey, operator: setOperator === 'in' ? 'in' : 'notin', values };
  }
  const [, key, operator, value] = EQUALITY.exec(text) ?? [];
  if (key !== undefined && value !== undefined) {
    return { key, operator: operator === '!=' ? 'notin' : 'in', values: [value] };
  }
  const [, not, name] = EXISTENCE.exec(text) ?? [];
  return name === undefined ? undefined : { key: name, operator: not === '!' ? 'absent' : 'exists', values: [] };
}

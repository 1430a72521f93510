/** Which objects a list or a watch is about: namespace, name, label and field selectors. */
import type { ApiRecord } from '../../../world/state/records.ts';
import { meetsRequirements, parseLabelSelector } from '../../../world/state/labels.ts';
import type { LabelRequirement } from '../../../world/state/labels.ts';
import type { ApiAnswer } from '../../http.ts';
import type { Target } from '../resources.ts';
import { badRequest } from '../status.ts';
import type { Entry } from './store.ts';

type FieldRequirement = { readonly field: string; readonly equal: boolean; readonly value: string };

export type Selection = {
  /** Kinds that share a store are told apart by it. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
};

/** Field labels per resource, as the real API supports them (those that the world knows). */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: ['metadata.name', 'metadata.namespace', 'spec.nodeName', 'status.phase'],
  nodes: ['metadata.name', 'spec.unschedulable'],
};
const COMMON_FIELDS = ['metadata.name', 'metadata.namespace'];

/** Reads the selectors of a query, or answers 400. */
export function parseSelection(target: Target, query: URLSearchParams): Selection | { readonly error: ApiAnswer } {
  const labelText = query.get('labelSelector') ?? '';
  const labels = parseLabelSelector(labelText);
  if (labels === undefined) return { error: badRequest(`unable to parse requirement: found '${labelText}'`) };
  const fields: FieldRequirement[] = [];
  for (const part of (query.get('fieldSelector') ?? '').split(',').filter((text) => text !== '')) {
    const [, field, operator, value] = /^([\w.]+)(==|=|!=)(.*)$/.exec(part) ?? [];
    if (field === undefined || value === undefined) {
      return { error: badRequest(`invalid selector: '${part}'; can't understand '${part}'`) };
    }
    if (!(FIELDS[target.resource] ?? COMMON_FIELDS).includes(field)) {
      return { error: badRequest(unsupported(target, { labelText, part, field })) };
    }
    fields.push({ field, equal: operator !== '!=', value });
  }
  return { resource: target.resource, namespace: target.namespace, labels, fields };
}

function unsupported(target: Target, asked: { labelText: string; part: string; field: string }): string {
  const { group, version, resource } = target;
  return `Unable to find "${group}/${version}, Resource=${resource}" that match label selector "${asked.labelText}", field selector "${asked.part}": field label not supported: ${asked.field}`;
}

/** Whether the API shows the record as `resource`. */
export function isServedAs(record: ApiRecord, resource: string): boolean {
  return record.kind !== 'deployments' || record.servedAs === resource;
}

/** True when the object belongs to the selection. */
export function selects(selection: Selection, entry: Entry): boolean {
  return (
    isServedAs(entry.record, selection.resource) &&
    (selection.namespace === undefined || selection.namespace === entry.namespace) &&
    meetsRequirements(entry.labels, selection.labels) &&
    selection.fields.every(({ field, equal, value }) => (entry.fields[field] === value) === equal)
  );
}

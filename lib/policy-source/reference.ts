/** Every field of the policies on one page, and as JSON Schema for editors: both from the schemas that check them, so that they cannot differ. */
import * as z from 'zod';
import { POLICY_KINDS, POLICY_SCHEMAS, wordsOf } from './describe.ts';
import type { Node, PolicyKind } from './describe.ts';

/** Kind → JSON Schema (draft 2020-12) of a document as people write it. */
export function policyJsonSchema(kind: PolicyKind): unknown {
  return { ...z.toJSONSchema(POLICY_SCHEMAS[kind], { io: 'input' }), title: `${kind} of penstock.dev/v1` };
}

/** Markdown: a table of fields for each kind. */
export function policyReference(): string {
  return POLICY_KINDS.map((kind) => {
    const root = z.toJSONSchema(POLICY_SCHEMAS[kind], { io: 'input' }) as Node;
    const spec = root.properties?.['spec'] ?? {};
    const rows = fieldsOf(spec, { path: 'spec' }).map(rowOf);
    return [`## ${kind}`, '', '| field | default | allowed | what it is |', '|---|---|---|---|', ...rows].join('\n');
  }).join('\n\n');
}

type Field = { readonly path: string; readonly node: Node; readonly isRequired: boolean };

/** The fields below a map, each map before its own. */
function fieldsOf(node: Node, at: { readonly path: string }): readonly Field[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    if (child.const !== undefined && key === 'kind') return [];
    const path = `${at.path}.${key}`;
    const own = { path, node: child, isRequired: (node.required ?? []).includes(key) };
    return [own, ...below(child, path)];
  });
}

function below(node: Node, path: string): readonly Field[] {
  if (node.properties !== undefined) return fieldsOf(node, { path });
  if (node.items !== undefined) return below(node.items, `${path}[]`);
  const forms = (node.oneOf ?? node.anyOf ?? []).filter(({ properties }) => properties !== undefined);
  return forms.flatMap((form) => {
    const kind = form.properties?.['kind']?.const;
    if (typeof kind !== 'string') return isReference(form) ? [] : fieldsOf(form, { path });
    const of = `${path} (${kind})`;
    return [{ path: of, node: form, isRequired: false }, ...fieldsOf(form, { path: of })];
  });
}

/** Where a secret is: said once, in docs/configuration.md. */
function isReference({ properties = {} }: Node): boolean {
  return Object.keys(properties).some((key) => ['env', 'file', 'secretsManager', 'ssm'].includes(key));
}

function rowOf({ path, node, isRequired }: Field): string {
  const shown = node.default === undefined ? (isRequired ? 'required' : '–') : `\`${shortJson(node.default)}\``;
  return `| \`${path}\` | ${shown} | ${escaped(wordsOf(node))} | ${escaped(node.description ?? '')} |`;
}

function shortJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('":', '": ').replaceAll(',"', ', "').replaceAll('"', '');
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}

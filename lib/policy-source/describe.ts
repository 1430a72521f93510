/** What a place in a policy expects, in plain words, from the schema itself (so that words and checks cannot differ). */
import * as z from 'zod';
import { fleetSchema, nodeGroupPolicySchema, scalingPolicySchema } from '../core/policy.ts';

/** The part of JSON Schema that policies use. */
export type Node = {
  readonly description?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly propertyNames?: Node;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
};

export const POLICY_SCHEMAS = {
  ScalingPolicy: scalingPolicySchema,
  NodeGroupPolicy: nodeGroupPolicySchema,
  Fleet: fleetSchema,
} as const;

export type PolicyKind = keyof typeof POLICY_SCHEMAS;

export const POLICY_KINDS = Object.keys(POLICY_SCHEMAS) as readonly PolicyKind[];

/** What each pattern of the schemas means. */
const PATTERN_WORDS: readonly (readonly [string, string])[] = [
  ['^\\/?[A-Za-z0-9]', 'a name of letters, digits, "-" and "."'],
  ['^[a-z0-9]([-a-z0-9.]*', 'a name of lower-case letters, digits, "-" and "."'],
  ['^[a-z0-9.-]+\\/', 'a resource name such as nvidia.com/gpu'],
  ['^[a-z]([-a-z0-9]*', 'a name of lower-case letters, digits and "-"'],
  ['^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\\/)?', 'a label key such as example.com/name'],
  ['^(100|', 'a share such as "20%"'],
  ['^arn:', 'an ARN that starts with "arn:"'],
  ['^\\/', 'a path that starts with "/"'],
];

const nodes = new Map<PolicyKind, Node>();

function rootOf(kind: PolicyKind): Node {
  const known = nodes.get(kind);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(POLICY_SCHEMAS[kind], { io: 'input' }) as Node;
  nodes.set(kind, made);
  return made;
}

/** Words for what belongs at `path` of a document. */
export function expectedAt(
  kind: PolicyKind,
  at: { readonly path: readonly PropertyKey[]; readonly data: unknown },
): string {
  return words(nodesAt(kind, at));
}

/** Words for what a key of the map at `path` must look like. */
export function expectedKeyAt(
  kind: PolicyKind,
  at: { readonly path: readonly PropertyKey[]; readonly data: unknown },
): string {
  return words(nodesAt(kind, at).flatMap((node) => node.propertyNames ?? []));
}

/** Keys that are known in the map at `path`. */
export function keysAt(
  kind: PolicyKind,
  at: { readonly path: readonly PropertyKey[]; readonly data: unknown },
): readonly string[] {
  return [...new Set(nodesAt(kind, at).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** All schema nodes that may stand at `path`; branches that the data's own `kind` rules out are left out. */
function nodesAt(
  kind: PolicyKind,
  at: { readonly path: readonly PropertyKey[]; readonly data: unknown },
): readonly Node[] {
  let found: readonly Node[] = [rootOf(kind)];
  let data = at.data;
  for (const part of at.path) {
    found = branchesOf(found, data).flatMap((node) => childOf(node, part) ?? []);
    data = isRecord(data) || Array.isArray(data) ? (data as Record<PropertyKey, unknown>)[part] : undefined;
  }
  return branchesOf(found, data);
}

function branchesOf(found: readonly Node[], data: unknown): readonly Node[] {
  const all = found.flatMap((node) => node.oneOf ?? node.anyOf ?? [node]);
  const matching = all.filter((node) => matches(node, data));
  return matching.length > 0 ? matching : all;
}

function matches(node: Node, data: unknown): boolean {
  const constants = Object.entries(node.properties ?? {}).filter(([, child]) => child.const !== undefined);
  return isRecord(data) && constants.length > 0 && constants.every(([key, child]) => data[key] === child.const);
}

function childOf(node: Node, part: PropertyKey): Node | undefined {
  if (typeof part === 'number') return node.items;
  const { additionalProperties: rest } = node;
  return node.properties?.[String(part)] ?? (typeof rest === 'object' ? rest : undefined);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Words for what a node of the schema takes. */
export function wordsOf(node: Node): string {
  return words(branchesOf([node], undefined));
}

function words(found: readonly Node[]): string {
  const constants = found.filter((node) => node.const !== undefined).map((node) => JSON.stringify(node.const));
  const others = found.filter((node) => node.const === undefined).map(nodeWords);
  if (constants.length > 1 && others.length === 0) return `one of ${orList(constants)}`;
  return orList([...new Set([...constants, ...others])]) || 'something else';
}

function nodeWords(node: Node): string {
  if (node.enum !== undefined) return `one of ${orList(node.enum.map((value) => JSON.stringify(value) ?? ''))}`;
  if (node.type === 'integer') return `an integer${range(node)}`;
  if (node.type === 'number') return `a number${range(node)}`;
  if (node.type === 'boolean') return 'true or false';
  if (node.type === 'string') return stringWords(node);
  if (node.type === 'array') return `a list of ${node.minItems ?? 0} to ${node.maxItems ?? 'any number of'} items`;
  if (node.properties !== undefined) return `a map with ${orList(Object.keys(node.properties), 'and')}`;
  return 'a map';
}

function range({ minimum, maximum, exclusiveMinimum }: Node): string {
  // The largest safe integer is the schema's way to say that there is no maximum.
  const most = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const least = minimum === undefined ? undefined : String(minimum);
  if (exclusiveMinimum !== undefined)
    return most === undefined ? ` above ${exclusiveMinimum}` : ` above ${exclusiveMinimum}, at most ${most}`;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  if (least !== undefined) return ` of at least ${least}`;
  return most === undefined ? '' : ` of at most ${most}`;
}

function stringWords({ pattern, format }: Node): string {
  if (format === 'uri') return 'a URL';
  if (pattern === undefined) return 'a text that is not empty';
  return PATTERN_WORDS.find(([start]) => pattern.startsWith(start))?.[1] ?? `a text that matches ${pattern}`;
}

/** `a`, `a or b`, `a, b or c`. */
export function orList(items: readonly string[], joint = 'or'): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${joint} ${items.at(-1) ?? ''}`;
}

/** One document → one policy, or every problem it has. */
import type * as z from 'zod';
import { API_VERSION } from '../core/policy.ts';
import type { FleetPolicy, NodeGroupPolicy, PolicyProblem, ScalingPolicy } from '../core/policy.ts';
import { expectedAt, expectedKeyAt, keysAt, orList, POLICY_KINDS, POLICY_SCHEMAS } from './describe.ts';
import type { PolicyKind } from './describe.ts';
import { currentText, pathText } from './problems.ts';
import { nearest } from './suggest.ts';
import type { PolicyDocument } from './yaml-documents.ts';

export type Policy = ScalingPolicy | NodeGroupPolicy | FleetPolicy;

/** A policy and where it stands. */
export type PlacedPolicy<Kind extends Policy = Policy> = { readonly policy: Kind; readonly document: PolicyDocument };

export type Checked = { readonly placed: PlacedPolicy | null; readonly problems: readonly PolicyProblem[] };

/** Checks one document against the schema of its kind. */
export function checkDocument(document: PolicyDocument): Checked {
  const kind = kindOf(document.data);
  if (kind === null) return { placed: null, problems: [kindProblem(document)] };
  const parsed = POLICY_SCHEMAS[kind].safeParse(document.data);
  if (parsed.success) return { placed: { policy: parsed.data, document }, problems: [] };
  return {
    placed: null,
    problems: withoutConsequences(parsed.error.issues).flatMap((issue) => problemsOf(issue, { kind, document })),
  };
}

/** The kind a document says it is; null when there is no such kind. */
export function kindOf(data: unknown): PolicyKind | null {
  return POLICY_KINDS.find((kind) => kind === valueAt(data, ['kind'])) ?? null;
}

/** The name a document gives itself, right or wrong. */
export function metadataName(data: unknown): string | null {
  const name = valueAt(data, ['metadata', 'name']);
  return typeof name === 'string' ? name : null;
}

function kindProblem(document: PolicyDocument): PolicyProblem {
  const value = valueAt(document.data, ['kind']);
  const meant = typeof value === 'string' ? nearest(value, POLICY_KINDS) : null;
  const expected = `one of ${orList(POLICY_KINDS.map((kind) => `"${kind}"`))} of ${API_VERSION}${hint(meant)}`;
  return problemAt(document, { path: ['kind'], expected, current: currentText(value, []) });
}

/** A rule between fields judges nothing while one of those fields is wrong in itself: that would be the same mistake told twice. */
function withoutConsequences(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const own = issues.filter((issue) => issue.code !== 'custom');
  return issues.filter(
    (issue) =>
      issue.code !== 'custom' ||
      !own.some(
        ({ path }) =>
          pathText(path.slice(0, -1)) === pathText(issue.path.slice(0, -1)) ||
          issue.message.includes(pathText(path.slice(-2))),
      ),
  );
}

type Context = { readonly kind: PolicyKind; readonly document: PolicyDocument };

function problemsOf(issue: z.core.$ZodIssue, context: Context): readonly PolicyProblem[] {
  const { kind, document } = context;
  const { path } = issue;
  const { data } = document;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(context, { path, key }));
  }
  if (issue.code === 'invalid_key') {
    const expected = expectedKeyAt(kind, { path: path.slice(0, -1), data });
    return [problemAt(document, { path, expected, current: 'a key of another form' })];
  }
  const expected = issue.code === 'custom' ? issue.message.replace(/^expected /, '') : expectedAt(kind, { path, data });
  return [problemAt(document, { path, expected, current: currentText(valueAt(data, path), path) })];
}

function unknownKey(
  context: Context,
  of: { readonly path: readonly PropertyKey[]; readonly key: string },
): PolicyProblem {
  const { kind, document } = context;
  const known = keysAt(kind, { path: of.path, data: document.data });
  const expected = `one of ${orList(known)}${hint(nearest(of.key, known))}`;
  return problemAt(document, { path: [...of.path, of.key], expected, current: 'not a known key' });
}

/** `; did you mean "x"?`, or nothing. */
export function hint(word: string | null): string {
  return word === null ? '' : `; did you mean "${word}"?`;
}

/** A problem at a place of a document. */
export function problemAt(
  document: PolicyDocument,
  of: { readonly path: readonly PropertyKey[]; readonly expected: string; readonly current: string },
): PolicyProblem {
  return {
    file: document.file,
    line: document.lineOf(of.path),
    path: pathText(of.path),
    expected: of.expected,
    current: of.current,
  };
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

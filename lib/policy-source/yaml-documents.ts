/** YAML text → plain documents that know their lines. */
import { isMap, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import type { Document } from 'yaml';
import { messageOf } from '../base/errors.ts';
import type { PolicyProblem } from '../core/policy.ts';

/** One document of a file, as it was written. */
export type PolicyDocument = {
  readonly file: string;
  readonly data: unknown;
  /** Line of the key or item at `path`, or of the nearest part above it that exists; null when lines are not known. */
  readonly lineOf: (path: readonly PropertyKey[]) => number | null;
};

export type PolicyText = { readonly file: string; readonly text: string };

/** Aliases one document may expand: enough for anchors people write, too few for a bomb. */
const ALIASES_MAX = 100;

/** Documents of one text; empty ones are left out. Syntax errors are problems with their line. */
export function yamlDocuments({ file, text }: PolicyText): {
  readonly documents: readonly PolicyDocument[];
  readonly problems: readonly PolicyProblem[];
} {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const all: readonly Document[] = Array.isArray(parsed) ? parsed : [];
  const results = all.map((document) => read({ document, file, lines }));
  return {
    documents: results.flatMap((result) => result.document ?? []),
    problems: results.flatMap((result) => result.problems),
  };
}

type Read = { readonly document: PolicyDocument | null; readonly problems: readonly PolicyProblem[] };

function read(of: { readonly document: Document; readonly file: string; readonly lines: LineCounter }): Read {
  const { document, file, lines } = of;
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => {
      const [first] = error.message.split('\n');
      return syntaxProblem(file, { reason: first ?? '', line: lines.linePos(error.pos[0]).line });
    });
    return { document: null, problems };
  }
  try {
    const data: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    if (data === null || data === undefined) return { document: null, problems: [] };
    return { document: { file, data, lineOf: (path) => lineOf({ document, lines, path }) }, problems: [] };
  } catch (error) {
    return { document: null, problems: [syntaxProblem(file, { reason: messageOf(error), line: null })] };
  }
}

function syntaxProblem(file: string, of: { readonly reason: string; readonly line: number | null }): PolicyProblem {
  const reason = of.reason.replace(/ at line \d+, column \d+:?$/, '').replace(/\.$/, '');
  return { file, line: of.line, path: 'the text', current: `not YAML (${reason})`, expected: 'valid YAML' };
}

function lineOf(of: {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly path: readonly PropertyKey[];
}): number | null {
  let node: unknown = of.document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of of.path) {
    const child = childOf(node, part);
    if (child === null) break;
    offset = startOf(child.at) ?? offset;
    node = child.value;
  }
  return of.lines.linePos(offset).line;
}

function childOf(node: unknown, part: PropertyKey): { readonly at: unknown; readonly value: unknown } | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => keyText(item.key) === String(part));
    return pair === undefined ? null : { at: pair.key, value: pair.value };
  }
  const item: unknown = isSeq(node) && typeof part === 'number' ? node.items[part] : undefined;
  return item === undefined ? null : { at: item, value: item };
}

function keyText(key: unknown): string {
  const value: unknown = typeof key === 'object' && key !== null && 'value' in key ? key.value : key;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function startOf(node: unknown): number | null {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return null;
  const [start]: unknown[] = node.range;
  return typeof start === 'number' ? start : null;
}

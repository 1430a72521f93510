/** Guards the architecture: imports run downward only, the core is pure, only lib/base/clock.ts touches the real clock. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseSync } from 'oxc-parser';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const ADAPTERS = [
  'stream',
  'state',
  'action-queue',
  'cluster-view',
  'targets',
  'node-provisioners',
  'alert-hooks',
  'load-sources',
  'policy-source',
];

/** Layers from the bottom up; a file may import its own layer's folder and everything below. */
const LAYERS: readonly (readonly string[])[] = [
  ['lib/base'],
  ['events'],
  ['lib/core'],
  ['lib/clients'],
  ADAPTERS.map((name) => `lib/${name}`),
  ['lib/loop'],
  ['lib/hosts', 'lib/simulator', 'lib/local'],
  ['lib/cli', 'lib/dashboard', 'functions'],
];

type Import = { readonly from: string; readonly to: string; readonly typeOnly: boolean };
type Source = { readonly file: string; readonly imports: readonly Import[]; readonly text: string };

function sources(): Source[] {
  const files = ['events', 'lib', 'functions'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
  return files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return { file, text, imports: importsOf(file, text) };
  });
}

function importsOf(file: string, text: string): Import[] {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message ?? ''}`);
  const from = (specifier: string, typeOnly: boolean): Import => ({
    from: file,
    to: specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier,
    typeOnly,
  });
  return [
    ...module.staticImports.map((found) =>
      from(found.moduleRequest.value, found.entries.length > 0 && found.entries.every((entry) => entry.isType)),
    ),
    ...module.staticExports.flatMap((found) =>
      found.entries.flatMap((entry) => (entry.moduleRequest ? [from(entry.moduleRequest.value, entry.isType)] : [])),
    ),
    ...module.dynamicImports.flatMap((found) => {
      const specifier = text.slice(found.moduleRequest.start, found.moduleRequest.end);
      return /^['"]/.test(specifier) ? [from(specifier.slice(1, -1), false)] : [];
    }),
  ];
}

function layerOf(path: string): number {
  return LAYERS.findIndex((folders) => folders.some((folder) => path.startsWith(`${folder}/`)));
}

const adapterOf = (path: string): string | undefined => ADAPTERS.find((name) => path.startsWith(`lib/${name}/`));

const isLocal = (path: string): boolean => /^(events|lib|functions)\//.test(path);

const all = sources();

/** Files that are left when, again and again, those that import none of the others are taken away: they stand on a circle, or import one. */
function circlesOf(edges: readonly Pick<Import, 'from' | 'to'>[]): string[] {
  let left = new Map<string, string[]>();
  for (const { from, to } of edges) left.set(from, [...(left.get(from) ?? []), to]);
  for (let before = Infinity; left.size < before;) {
    before = left.size;
    left = new Map([...left].filter(([, imported]) => imported.some((to) => left.has(to))));
  }
  return [...left.keys()].toSorted();
}

describe('imports run downward only', () => {
  test('every source file belongs to a layer', () => {
    expect(all.filter(({ file }) => layerOf(file) === -1).map(({ file }) => file)).toEqual([]);
    expect(all.length).toBeGreaterThan(50);
  });

  test('no file imports a higher layer', () => {
    const upward = all
      .flatMap(({ imports }) => imports)
      .filter(({ from, to }) => isLocal(to) && layerOf(to) > layerOf(from));
    expect(upward).toEqual([]);
  });

  test('adapters never import each other', () => {
    const sideways = all
      .flatMap(({ imports }) => imports)
      .filter(
        ({ from, to }) =>
          adapterOf(from) !== undefined && adapterOf(to) !== undefined && adapterOf(from) !== adapterOf(to),
      );
    expect(sideways).toEqual([]);
  });

  test('the loop imports nothing of an adapter but its contract', () => {
    const direct = all
      .flatMap(({ imports }) => imports)
      .filter(
        ({ from, to }) => from.startsWith('lib/loop/') && adapterOf(to) !== undefined && !to.endsWith('/contract.ts'),
      );
    expect(direct).toEqual([]);
  });

  test('no files import each other in a circle', () => {
    // A workload's memory is made of the memories of its parts, as types.
    const edges = all
      .flatMap(({ imports }) => imports)
      .filter(({ from, typeOnly }) => !(from === 'lib/core/decide-types.ts' && typeOnly));
    expect(circlesOf(edges)).toEqual([]);
    expect(circlesOf([...edges, { from: 'lib/core/types.ts', to: 'lib/core/plan-pool.ts' }])).not.toEqual([]);
  });

  test('what brings up local servers knows nothing of the product', () => {
    const known = all
      .flatMap(({ imports }) => imports)
      .filter(
        ({ from, to }) =>
          from.startsWith('lib/local/') && isLocal(to) && !to.startsWith('lib/local/') && !to.startsWith('lib/base/'),
      );
    expect(known).toEqual([]);
  });
});

describe('the core is pure', () => {
  const core = all.filter(({ file }) => file.startsWith('lib/core/'));
  const BANNED = new Set([
    'Date',
    'process',
    'console',
    'fetch',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'performance',
    'queueMicrotask',
  ]);

  test('it imports only zod, events and lib/base without clock, log and metrics', () => {
    const foreign = core
      .flatMap(({ imports }) => imports)
      .filter(({ to }) => (isLocal(to) ? /^lib\/base\/(clock|log|metrics)\.ts$/.test(to) : to !== 'zod'));
    expect(foreign).toEqual([]);
  });

  test('it is synchronous and reads no clock, no randomness and no environment', () => {
    const found = core.flatMap(({ file, text }) => impurities(file, text, BANNED));
    expect(found).toEqual([]);
  });

  test('the check itself finds what it looks for', () => {
    const bad = 'export async function f() { return Date.now() + Math.random() + process.uptime(); }';
    expect(impurities('lib/core/bad.ts', bad, BANNED)).toEqual([
      'lib/core/bad.ts: async function',
      'lib/core/bad.ts: Date',
      'lib/core/bad.ts: Math.random',
      'lib/core/bad.ts: process',
    ]);
  });
});

type AstNode = { readonly type: string; readonly [key: string]: unknown };

const isNode = (value: unknown): value is AstNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Visits every node, parents first (the parser's own Visitor cannot be loaded inside Jest on Node 20). */
function walk(node: AstNode, visit: (node: AstNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

/** Names of a member (`a.Date`) or of a key (`{ Date: 1 }`) are no uses of the global. */
function nameOnly(node: AstNode): unknown {
  if (node['computed'] === true) return undefined;
  if (node.type === 'MemberExpression') return node['property'];
  return node.type === 'Property' || node.type === 'TSPropertySignature' ? node['key'] : undefined;
}

function impurities(file: string, text: string, banned: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const names = new Set<unknown>();
  walk(parseSync(file, text).program as unknown as AstNode, (node) => {
    names.add(nameOnly(node));
    if (/Function/.test(node.type) && node['async'] === true) found.push(`${file}: async function`);
    if (node.type === 'Identifier' && banned.has(String(node['name'])) && !names.has(node))
      found.push(`${file}: ${String(node['name'])}`);
    const [object, property] = [node['object'], node['property']];
    if (isNode(object) && isNode(property) && object['name'] === 'Math' && property['name'] === 'random')
      found.push(`${file}: Math.random`);
  });
  return found;
}

describe('the real clock and the environment', () => {
  // The scripts of the live page are texts for browsers, whose clock is nobody's to inject.
  const ELSEWHERE = ['lib/base/clock.ts', 'lib/local/', 'lib/hosts/http/live-page/script/'];
  const outside = all.filter(({ file }) => !ELSEWHERE.some((place) => file.startsWith(place)));

  test('only lib/base/clock.ts reads the time', () => {
    const found = outside.flatMap(({ file, text }) =>
      /\b(Date\.now\(|new Date\(\)|performance\.now\()/.test(text) ? [file] : [],
    );
    expect(found).toEqual([]);
  });

  test('only lib/hosts/config.ts reads the environment', () => {
    const found = all.flatMap(({ file, text }) =>
      /\bprocess\.env\b/.test(text) && file !== 'lib/hosts/config.ts' ? [file] : [],
    );
    expect(found).toEqual([]);
  });
});

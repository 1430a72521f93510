/** Guards what is written about the code: links lead somewhere, every setting is described, and no file names a machine or a package registry. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { alertRules } from '../lib/core/alert-rules/index.ts';
import { docOf } from '../lib/core/alert-rules/contract.ts';
import { readConfig } from '../lib/hosts/config.ts';
import { loadPolicyTexts } from '../lib/policy-source/policy-set.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** What git knows of, without what somebody just deleted. */
const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(ROOT, file)));
const pages = files.filter((file) => file.endsWith('.md'));

/** As code hosts make anchors of headings, and the anchors that are written out. */
function anchorsOf(page: string): Set<string> {
  const text = read(page);
  const headings = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)]);
}

/** Null when the link leads somewhere, else what is wrong with it. */
function problemOf(link: string, page: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return null;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) return `${page}: ${link} does not exist`;
  if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return null;
  return anchorsOf(target).has(anchor) ? null : `${page}: ${link} has no such anchor`;
}

describe('links', () => {
  test('every relative link of every page leads to a file, and its anchor exists', () => {
    const links = pages.flatMap((page) => {
      // A link in a fenced example is an example.
      const text = read(page).replace(/^```.*?^```/gms, '');
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ page, link }));
    });
    expect(links.length).toBeGreaterThan(10);
    expect(links.flatMap(({ page, link }) => problemOf(link, page) ?? [])).toEqual([]);
  });

  test('the index of the documentation names every page', () => {
    const index = read('docs/README.md');
    const missing = pages.filter(
      (page) => /^docs\/(?!adr\/|README)[^/]+\.md$/.test(page) && !index.includes(`](${basename(page)})`),
    );
    expect(missing).toEqual([]);
    expect(read('README.md')).toContain('](docs/README.md)');
  });

  test('every alert rule has its runbook, under the anchor that its alerts carry', () => {
    const named = files
      .filter((file) => file.startsWith('lib/') && file.endsWith('.ts'))
      .flatMap((file) => [...read(file).matchAll(/docOf\('([^']+)'\)/g)].map(([, rule = '']) => rule));
    for (const rule of new Set([...Object.keys(alertRules), ...named])) {
      expect([rule, problemOf(docOf(rule), 'package.json')]).toEqual([rule, null]);
    }
  });

  test('every page that code and help texts name exists', () => {
    const mentions = files
      .filter((file) => /\.(ts|mjs|cjs|ya?ml)$/.test(file))
      .flatMap((file) => [...read(file).matchAll(/\bdocs\/[\w./-]+\.md\b/g)].map(([path]) => ({ file, path })));
    expect(mentions.length).toBeGreaterThan(5);
    expect(mentions.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

test('the words under the picture of the README have the figures of the picture', () => {
  const label = /Penstock (\d+) GPU-hours, HPA (\d+), needed (\d+)/.exec(read('docs/images/office-day.svg'));
  const [, penstock, hpa, needed] = label ?? [];
  expect(read('README.md')).toContain(
    `Penstock ${penstock} GPU-hours, an HPA ${hpa}, with hindsight ${needed} would do`,
  );
});

/** Set by the system or by Kubernetes, not by whoever installs Penstock. */
const NOT_SETTINGS = new Set(['PATH', 'KUBERNETES_SERVICE_HOST']);

/** Every variable that is asked for, whatever the others say. */
function variablesRead(): Set<string> {
  const names = new Set<string>();
  const some = { PENSTOCK_KAFKA_SASL: 'plain', PENSTOCK_KUBERNETES: 'eks', PENSTOCK_STATUS_TOKEN_SHA256: 'x' };
  for (const env of [{}, some] as Readonly<Record<string, string>>[]) {
    const watched = new Proxy(env, {
      get: (target, name) => {
        names.add(String(name));
        return target[String(name)];
      },
    });
    try {
      readConfig(watched);
    } catch {
      // Some of these values are wrong on purpose; all variables are read before that is told.
    }
  }
  const direct = files
    .filter((file) => file.startsWith('lib/') && file.endsWith('.ts'))
    .flatMap((file) => [...read(file).matchAll(/\benvironment\('([A-Z0-9_]+)'\)/g)].map(([, name = '']) => name));
  return new Set([...names, ...direct].filter((name) => !NOT_SETTINGS.has(name)));
}

/** Names in the first column of the table and in the line on the command line; `…_B` after `PENSTOCK_X_A` is `PENSTOCK_X_B`. */
function variablesDescribed(): Set<string> {
  const names: string[] = [];
  let stem = '';
  for (const [line, cell = line] of read('docs/configuration.md').matchAll(
    /^(?:\| ([^|]+) \||Of the command line: .*)/gm,
  )) {
    for (const [, dots, name = ''] of cell.matchAll(/`(…_)?([A-Z][A-Z0-9_]+)`/g)) {
      names.push(dots === undefined ? name : `${stem}_${name}`);
      if (dots === undefined) stem = name.split('_').slice(0, 2).join('_');
    }
  }
  return new Set(names);
}

/** What may stand alone in an example of a part of a policy: fields of a ScalingPolicy's spec. */
const PARTS = ['target', 'replicas', 'nodeGroups', 'signals', 'bridge', 'gpusPerReplica', 'scaleDown', 'price', 'slo'];
/** The rest of such a policy. */
const REST = {
  target: { name: 'part' },
  replicas: { min: 1, max: 8 },
  signals: [{ kind: 'inFlight', perReplica: 8 }],
};

/** YAML of a page, with the line it begins at. */
function examplesOf(page: string): { readonly file: string; readonly text: string }[] {
  const text = read(page);
  return [...text.matchAll(/^```ya?ml\n(.*?)^```/gms)].map(({ 1: example = '', index }) => ({
    file: `${page}:${text.slice(0, index).split('\n').length}`,
    text: example,
  }));
}

/** The policies that a part stands for: as many as it has a `target:`, each with what it does not say. Empty when it is no part of a policy. */
function policiesOfPart(text: string): string[] {
  return text.split(/^(?=target:)/m).flatMap((part) => {
    const value: unknown = parse(part);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    const given = new Map<string, unknown>(Object.entries(value));
    const spec = given.get('spec') ?? value;
    if (!Object.keys(spec).some((key) => PARTS.includes(key))) return [];
    const document = { apiVersion: 'penstock.dev/v1', kind: 'ScalingPolicy', metadata: { name: 'part' } };
    return [JSON.stringify({ ...document, spec: { ...REST, ...spec } })];
  });
}

describe('examples of policies', () => {
  const examples = pages.flatMap(examplesOf);
  const whole = examples.filter(({ text }) => /^kind: (ScalingPolicy|NodeGroupPolicy|Fleet)$/m.test(text));

  test.each(whole.map(({ file, text }) => [file, text]))('%s loads as it is', (file, text) => {
    expect(loadPolicyTexts([{ file, text }]).problems).toEqual([]);
  });

  test('parts of a ScalingPolicy are accepted in one', () => {
    const parts = examples
      .filter((example) => !whole.includes(example))
      .flatMap(({ file, text }) => policiesOfPart(text).map((policy) => ({ file, text: policy })));
    expect(parts.length).toBeGreaterThan(6);
    // The groups that it names are on no page.
    const problems = parts.flatMap((part) => loadPolicyTexts([part]).problems);
    expect(problems.filter(({ path }) => !path.startsWith('spec.nodeGroups['))).toEqual([]);
  });

  test('there are some, of every kind', () => {
    const texts = whole.map(({ text }) => text).join('\n');
    for (const kind of ['ScalingPolicy', 'NodeGroupPolicy', 'Fleet']) expect(texts).toContain(`kind: ${kind}`);
  });
});

test('docs/configuration.md describes every environment variable that is read, and no other', () => {
  const described = [...variablesDescribed()].toSorted();
  expect(described.length).toBeGreaterThan(20);
  expect(described).toEqual([...variablesRead()].toSorted());
});

/** Programs, not modules: started by scripts of package.json or by tests. */
const PROGRAMS = ['jest', 'oxfmt', 'oxlint', 'oxlint-tsgolint', 'serverless', 'typescript'];

describe('dependencies', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  // Types alone come with what they describe.
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
    (name) => !name.startsWith('@types/'),
  );

  test('each is imported somewhere', () => {
    const texts = files.filter((file) => /\.(ts|mjs|cjs)$/.test(file)).map(read);
    const isImported = (name: string): boolean =>
      texts.some((text) => new RegExp(`(?:from |import\\(|import |require\\()'${name}[/']`).test(text));
    expect(names.filter((name) => !PROGRAMS.includes(name) && !isImported(name))).toEqual([]);
  });

  test('each has its place in the table of the README', () => {
    const rows = read('README.md')
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|')[1] ?? '');
    const words = new Set(rows.flatMap((row) => row.split(/[\s,():]+/)));
    // `@aws-sdk/client-eks, client-auto-scaling` names the scope once.
    const isNamed = (name: string): boolean => words.has(name) || words.has(name.replace(/^@aws-sdk\//, ''));
    expect(names.filter((name) => !isNamed(name))).toEqual([]);
  });

  test('the lock file says where nothing comes from: every machine has its own registry', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"');
  });
});

/** Folders of the machine somebody worked on. */
const MACHINE = /(?<![\w.~-])\/(?:work|root|home)\/[\w.]/;
const REGISTRY =
  /\b(?:registry\.npmj[s]|npmjs\.or[g]|repo\d?\.mave[n]|maven\.or[g]|pypi\.or[g]|pythonhoste[d]|deb\.debia[n]|archive\.ubunt[u]|proxy\.golan[g]|artifactor[y]|codeartifac[t])\b/i;

test('no file names a folder of somebody’s machine or the host of a package registry', () => {
  const texts = files.filter((file) => !/\.(png|gz|zst|snappy|bin)$/.test(file));
  const found = texts.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        MACHINE.test(line) || REGISTRY.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
  expect(found).toEqual([]);
});

test('the patterns find what they are for', () => {
  const slash = '/';
  expect(MACHINE.test(`cd ${slash}home${slash}ada`)).toBe(true);
  expect(MACHINE.test(`https://example.com${slash}work${slash}1`)).toBe(false);
  expect(REGISTRY.test(['https://registry', 'npmjs', 'org/zod'].join('.'))).toBe(true);
});

/** The installation pages against the code: files, commands and their flags, parameters, policies. */
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { alertRules } from '../../lib/core/alert-rules/index.ts';
import { loadPolicyTexts } from '../../lib/policy-source/policy-set.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');

const PAGES = ['docs/install-eks.md', 'docs/permissions.md', 'infra/serverless/README.md'];

/** Fenced blocks of one language, joined. */
async function blocks(page: string, language: string): Promise<readonly string[]> {
  const text = await read(page);
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block);
}

const lines = async (page: string): Promise<readonly string[]> =>
  (await blocks(page, 'sh')).join('\n').replaceAll('\\\n', ' ').split('\n');

/** Commands of the program with their long options, as the files of `lib/cli/commands` declare them. */
async function commands(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const folder = 'lib/cli/commands';
  const source = (await Promise.all((await readdir(join(ROOT, folder))).map((file) => read(join(folder, file))))).join(
    '\n',
  );
  return new Map(
    source
      .split(/\.command\(\s*'/)
      .slice(1)
      .map((part) => {
        const name = /^[a-z]+/.exec(part)?.[0] ?? '';
        return [name, new Set([...part.matchAll(/(--[a-z-]+)/g)].map(([, option = '']) => option))];
      }),
  );
}

describe.each(PAGES)('%s', (page) => {
  test('names files that exist', async () => {
    const named = (await lines(page)).flatMap((line) => line.match(/\binfra\/[\w./-]+\.\w+/g) ?? []);
    if (page === 'docs/install-eks.md') expect(named.length).toBeGreaterThan(5);
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('calls commands of penstock that exist, with their options', async () => {
    const known = await commands();
    for (const line of await lines(page)) {
      const [, name = '', rest = ''] = /(?:npx penstock|penstock\.mjs) ([a-z]+)([^#|&]*)/.exec(line) ?? [];
      if (name === '') continue;
      const options = rest.match(/--[a-z-]+/g) ?? [];
      expect([line, [...(known.get(name) ?? ['no such command'])]]).toEqual([
        line,
        expect.arrayContaining(options.length === 0 && known.has(name) ? [] : options),
      ]);
      expect([line, known.has(name)]).toEqual([line, true]);
    }
  });

  test('sets parameters that exist', async () => {
    const { default: parameters } = parse(await read('infra/serverless/parameters.yml')) as {
      default: Record<string, unknown>;
    };
    const set = [...(await read(page)).matchAll(/--param="(\w+)=/g)].map(([, name = '']) => name);
    if (page !== 'docs/permissions.md') expect(set.length).toBeGreaterThan(1);
    expect(set.filter((name) => !(name in parameters))).toEqual([]);
  });
});

test('the policies of docs/install-eks.md load, together', async () => {
  const texts = (await blocks('docs/install-eks.md', 'yaml')).map((text, index) => ({ file: `block ${index}`, text }));
  expect(texts.length).toBeGreaterThan(1);
  expect(loadPolicyTexts(texts).problems).toEqual([]);
});

test('what sed replaces is there to be replaced', async () => {
  for (const line of await lines('docs/install-eks.md')) {
    const [, script = '', file = ''] = /sed "([^"]+)" (infra\/[\w./-]+)/.exec(line) ?? [];
    if (file === '') continue;
    const text = await read(file);
    for (const [, pattern = ''] of script.matchAll(/s[/#]([^/#]+)[/#]/g))
      expect([file, text]).toEqual([file, expect.stringContaining(pattern)]);
  }
});

test('every failure of docs/failures.md says what is done, what is seen and what to do', async () => {
  const page = await read('docs/failures.md');
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const cells = row.split('|').slice(1, -1);
    expect([row, cells.filter((cell) => cell.trim() === '').length, cells.length]).toEqual([row, 0, 4]);
  }
  // Those with a rule of their own, in their paragraphs.
  for (const rule of Object.keys(alertRules)) {
    const text = page.split(`<a id="${rule}"></a>`)[1]?.split('<a id=')[0] ?? '';
    expect([rule, text]).toEqual([rule, expect.stringMatching(/\*\*Penstock\*\*[^]*\*\*Do\*\*/)]);
  }
});

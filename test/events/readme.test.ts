/** The producers that `events/README.md` shows: what they send is an event. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { decodeRecord } from '../../events/decode.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'events', 'README.md'), 'utf8');
const NOW_MS = 1_800_000_000_000;

function blockOf(language: string): string {
  const [, block] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(PAGE) ?? [];
  if (block === undefined) throw new Error(`events/README.md has no example in ${language}`);
  return block;
}

/** A dictionary of Python with nothing but texts and numbers in it is also an object of JavaScript. */
function literalIn(block: string): unknown {
  const [, literal = ''] = /\bevent = (\{.*?^\})/ms.exec(block) ?? [];
  return runInNewContext(`(${literal})`, { intervalEndMs: NOW_MS, end_ms: NOW_MS });
}

/** What the shell's `printf` makes of its format and the two times. */
function printed(block: string): string {
  const [, format = ''] = /printf '(.*)\\n' /.exec(block) ?? [];
  const times = [NOW_MS - 2_000, NOW_MS];
  return format.replaceAll('\\t', '\t').replaceAll('%s', () => String(times.shift()));
}

describe.each([
  ['ts', () => JSON.stringify(literalIn(blockOf('ts'))), 'penstock.inference-load/1'],
  ['python', () => JSON.stringify(literalIn(blockOf('python'))), 'penstock.queue-depth/1'],
  ['sh', () => printed(blockOf('sh')).split('\t')[1] ?? '', 'penstock.inference-load/1'],
])('the producer in %s', (_language, valueOf, schema) => {
  test('sends an event', () => {
    const record = { key: null, value: Buffer.from(valueOf()), headers: {}, timestampMs: NOW_MS };
    const decoded = decodeRecord(record, { nowMs: NOW_MS });
    expect(decoded).toMatchObject({ kind: 'event', event: { schema }, clampedMs: 0 });
  });
});

/** The page and the editor schemas say what the schemas check. `UPDATE_POLICY_REFERENCE=1 npm run -s jest -- test/policy-source/reference.test.ts` writes them anew (then `npm run format`). */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { POLICY_KINDS } from '../../lib/policy-source/describe.ts';
import { policyJsonSchema, policyReference } from '../../lib/policy-source/reference.ts';

const PAGE = new URL('../../docs/policies.md', import.meta.url);
const schemaFile = (kind: string): URL => new URL(`../../infra/policies/json-schema/${kind}.json`, import.meta.url);
const MARK = '<!-- from the schemas: below, everything is written by test/policy-source/reference.test.ts -->';
const isUpdate = process.env['UPDATE_POLICY_REFERENCE'] === '1';

describe('the reference of policies', () => {
  test('has every field with its default, what is allowed and what it is', () => {
    const page = readFileSync(PAGE, 'utf8');
    const wanted = `${page.slice(0, page.indexOf(MARK))}${MARK}\n\n${policyReference()}\n`;
    if (isUpdate) writeFileSync(PAGE, wanted);
    expect(readFileSync(PAGE, 'utf8')).toBe(wanted);
  });

  test('leaves no field without words, but maps whose fields have them', () => {
    const bare = policyReference()
      .split('\n')
      .filter((line) => line.startsWith('| `spec') && line.endsWith('|  |') && !line.includes('| a map with'));
    expect(bare).toEqual([]);
  });

  test.each(POLICY_KINDS)('the JSON Schema of %s is what editors are given', (kind) => {
    const wanted = policyJsonSchema(kind);
    if (isUpdate) writeFileSync(schemaFile(kind), `${JSON.stringify(wanted, null, 2)}\n`);
    expect(JSON.parse(readFileSync(schemaFile(kind), 'utf8'))).toEqual(JSON.parse(JSON.stringify(wanted)));
  });
});

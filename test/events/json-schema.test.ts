import { readdir, readFile, writeFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { jsonSchemas } from '../../events/json-schema.ts';

const folder = new URL('../../events/json-schema/', import.meta.url);

/** `UPDATE_JSON_SCHEMA=1 npm run -s jest -- test/events/json-schema.test.ts` writes them anew. */
const isUpdate = process.env['UPDATE_JSON_SCHEMA'] === '1';

test('the JSON Schema files are those of the Zod schemas', async () => {
  const schemas = jsonSchemas();
  for (const [file, schema] of schemas) {
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    if (isUpdate) await writeFile(new URL(file, folder), text);
    expect(JSON.parse(await readFile(new URL(file, folder), 'utf8'))).toEqual(JSON.parse(text));
  }
  expect((await readdir(folder)).toSorted()).toEqual([...schemas.keys()].toSorted());
});

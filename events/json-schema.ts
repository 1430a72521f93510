/** The event schemas as JSON Schema, for producers in other languages. The files in `json-schema/` are made from this by the test beside it. */
import * as z from 'zod';
import { eventSchemas } from './schema/index.ts';

export type EventName = keyof typeof eventSchemas;

/** File name → JSON Schema (draft 2020-12). Cross-field rules (interval length, histogram lengths, at least one measure) are in `README.md`. */
export function jsonSchemas(): ReadonlyMap<string, unknown> {
  const schemas = new Map<string, unknown>();
  for (const name of Object.keys(eventSchemas) as EventName[]) {
    const [kind = '', version = ''] = name.replace('penstock.', '').split('/');
    const schema = z.toJSONSchema(eventSchemas[name], { io: 'input' });
    schemas.set(`${kind}-${version}.json`, { ...schema, title: name });
  }
  return schemas;
}

/** CloudEvents 1.0 around an event, in both modes of its Kafka binding. */
import { isAscii, isUtf8 } from 'node:buffer';
import { show } from './show.ts';
import { type Fields, isFields, unknownFieldProblem } from './validate.ts';

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch';
const SPEC_VERSION = '1.0';

/** The event inside its envelope (or the body itself when there is none), or what is wrong with the envelope. */
export function envelopeOf(body: Fields, headers: Readonly<Record<string, string>>): Fields | string {
  const contentType = headers['content-type'];
  const binaryVersion = headers['ce_specversion'];
  if (contentType?.startsWith(BATCH) === true) {
    return `content-type is ${show(contentType)}, expected one event a record`;
  }
  const isStructured = body['specversion'] !== undefined || contentType?.startsWith(STRUCTURED) === true;
  if (isStructured) return structured(body);
  if (binaryVersion === undefined) return body;
  if (binaryVersion !== SPEC_VERSION) return wrongVersion('ce_specversion', binaryVersion);
  return contentType === undefined || isJson(contentType) ? body : wrongType('content-type', contentType);
}

function structured(body: Fields): Fields | string {
  if (body['specversion'] !== SPEC_VERSION) return wrongVersion('specversion', body['specversion']);
  for (const key in body) {
    const problem = key === 'data' ? null : unknownFieldProblem(key, body[key]);
    if (problem !== null) return problem;
  }
  const contentType = body['datacontenttype'];
  if (contentType !== undefined && !(typeof contentType === 'string' && isJson(contentType))) {
    return wrongType('datacontenttype', contentType);
  }
  const data = body['data'] ?? decoded(body['data_base64']);
  return isFields(data) ? data : `data is ${show(data)}, expected a JSON object`;
}

/** The JSON inside `data_base64`; undefined when it is none. */
function decoded(base64: unknown): unknown {
  if (typeof base64 !== 'string') return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (!isAscii(bytes) && !isUtf8(bytes)) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** `application/json`, `text/json` and every `+json`, with or without parameters. */
function isJson(contentType: string): boolean {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  return type.endsWith('/json') || type.endsWith('+json');
}

function wrongVersion(name: string, value: unknown): string {
  return `${name} is ${show(value)}, expected "${SPEC_VERSION}"`;
}

function wrongType(name: string, value: unknown): string {
  return `${name} is ${show(value)}, expected application/json`;
}

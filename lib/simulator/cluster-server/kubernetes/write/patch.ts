/** PATCH documents: JSON merge patch (RFC 7396), JSON patch (RFC 6902) and the strategic merge patch of plain fields. */
import { isObject, parseJson } from '../../http.ts';
import type { ApiAnswer, ApiRequest, JsonObject } from '../../http.ts';
import { badRequest, fail, unsupportedMediaType } from '../status.ts';

export type Patched = { readonly object: JsonObject } | { readonly error: ApiAnswer };

/** Operations of one JSON patch; the real server's limit. */
const OPERATIONS_MAX = 10_000;

/** Applies the request's patch to `current`. Errors: 415 for a missing or unknown content type, 400 for a document that
 *  does not fit its type, 422 for a JSON patch that cannot be applied. */
export function applyPatch(request: ApiRequest, current: JsonObject): Patched {
  const type = (request.headers['content-type'] ?? '').replace(/;.*/, '').trim();
  const document = parseJson(request.body);
  switch (type) {
    case 'application/merge-patch+json':
    // None of the fields that can be changed here has a merge strategy of its own, so both patches mean the same.
    case 'application/strategic-merge-patch+json': {
      if (!isObject(document)) return { error: badRequest('error decoding patch: invalid character or not an object') };
      const merged = mergePatch(current, document);
      return isObject(merged) ? { object: merged } : { error: badRequest('the patch removed the object') };
    }
    case 'application/json-patch+json':
      return jsonPatch(current, document);
    default:
      return { error: unsupportedMediaType() };
  }
}

/** RFC 7396: objects merge, null removes, everything else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = new Map<string, unknown>(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

type Operation = { readonly op: string; readonly path: readonly string[]; readonly value: unknown };

function jsonPatch(current: JsonObject, document: unknown): Patched {
  if (!Array.isArray(document) || document.length > OPERATIONS_MAX) {
    const found = Array.isArray(document) ? 'too many operations' : typeof document;
    return { error: badRequest(`json: cannot unmarshal ${found} into Go value of type jsonpatch.Patch`) };
  }
  let object: unknown = structuredClone(current);
  for (const raw of document as unknown[]) {
    const operation = parseOperation(raw);
    const next = operation === undefined ? undefined : applyOperation(object, operation);
    if (next === undefined) return { error: cannotApply() };
    object = next.value;
  }
  return isObject(object) ? { object } : { error: cannotApply() };
}

function cannotApply(): ApiAnswer {
  const message = 'the server rejected our request due to an error in our request';
  return fail({ code: 422, reason: 'Invalid', message, details: {} });
}

function parseOperation(raw: unknown): Operation | undefined {
  if (!isObject(raw) || typeof raw['op'] !== 'string' || typeof raw['path'] !== 'string') return undefined;
  const path = raw['path'].split('/').slice(1);
  const keys = path.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return { op: raw['op'], path: keys, value: raw['value'] };
}

// Walks down to the parent, changes the member there. `move` and `copy` are not served.
function applyOperation(target: unknown, { op, path, value }: Operation): { value: unknown } | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return op === 'add' || op === 'replace' ? { value } : undefined;
  if (!isObject(target)) return undefined;
  const members = new Map(Object.entries(target));
  if (rest.length > 0) {
    const child = applyOperation(members.get(key), { op, path: rest, value });
    if (child === undefined) return undefined;
    return { value: Object.fromEntries(members.set(key, child.value)) };
  }
  const exists = members.has(key);
  if (op === 'test') return JSON.stringify(members.get(key)) === JSON.stringify(value) ? { value: target } : undefined;
  if (op === 'remove' && exists) members.delete(key);
  else if (op === 'add' || (op === 'replace' && exists)) members.set(key, value);
  else return undefined;
  return { value: Object.fromEntries(members) };
}

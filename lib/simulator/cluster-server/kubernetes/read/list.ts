/** GET of one object and of lists, whole or in pages. */
import { isObject, parseJson } from '../../http.ts';
import type { ApiAnswer, ApiRequest } from '../../http.ts';
import { render } from '../render/render.ts';
import { apiVersionOf } from '../resources.ts';
import type { Resource, Target } from '../resources.ts';
import { parseSelection, selects } from './selection.ts';
import { badRequest, expired } from '../status.ts';
import type { Entry, Store } from './store.ts';
import type { World } from '../../../world/world.ts';

/** The object with its type, as GET and watch events show it. */
export function typedJson(world: World, resource: Resource, entry: Entry): string {
  const type = `{"kind":"${resource.kind}","apiVersion":"${apiVersionOf(resource)}",`;
  return type + bodyOf(world, entry).slice(1);
}

// The status of a disruption budget follows from the pods of the moment, so it is never kept.
function bodyOf(world: World, entry: Entry): string {
  return entry.kind === 'poddisruptionbudgets' ? JSON.stringify(render(world.state, entry.record)) : entry.json;
}

export type ListContext = { readonly world: World; readonly store: Store };
export type Listed = { readonly resource: Resource; readonly target: Target };

/** The list that the query selects; pages of `limit` objects are continued by `continue`. */
export function listObjects(context: ListContext, { resource, target }: Listed, request: ApiRequest): ApiAnswer {
  const { world, store } = context;
  const selection = parseSelection(target, request.query);
  if ('error' in selection) return selection.error;
  const stored = resource.stored;
  const all = stored === undefined ? [] : store.entries(stored).filter((entry) => selects(selection, entry));
  const page = pageOf(all, request.query, store);
  if ('error' in page) return page.error;
  const items = page.items.map((entry) => bodyOf(world, entry)).join(',');
  const metadata = JSON.stringify({ resourceVersion: String(page.version), ...page.more });
  const head = `"kind":"${resource.kind}List","apiVersion":"${apiVersionOf(resource)}"`;
  return { status: 200, body: `{${head},"metadata":${metadata},"items":[${items}]}` };
}

type Page = { readonly items: readonly Entry[]; readonly version: number; readonly more: object };

function pageOf(all: readonly Entry[], query: URLSearchParams, store: Store): Page | { readonly error: ApiAnswer } {
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isInteger(limit) || limit < 0) return { error: badRequest('limit must be a non-negative integer') };
  const token = query.get('continue') ?? '';
  const start = token === '' ? { after: '', version: store.version() } : parseContinue(token);
  if (start === undefined) return { error: badRequest('continue key is not valid') };
  if (store.since(start.version) === undefined) {
    const message =
      'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.';
    return { error: { status: 410, body: JSON.stringify(expired(message)) } };
  }
  const rest = all.filter((entry) => entry.key > start.after);
  const items = limit === 0 ? rest : rest.slice(0, limit);
  const last = items.at(-1);
  const left = rest.length - items.length;
  if (left === 0 || last === undefined) return { items, version: start.version, more: {} };
  const next = Buffer.from(JSON.stringify({ after: last.key, version: start.version })).toString('base64url');
  return { items, version: start.version, more: { continue: next, remainingItemCount: left } };
}

function parseContinue(token: string): { after: string; version: number } | undefined {
  const value = parseJson(Buffer.from(token, 'base64url').toString('utf8'));
  if (!isObject(value)) return undefined;
  const { after, version } = value;
  return typeof after === 'string' && typeof version === 'number' ? { after, version } : undefined;
}

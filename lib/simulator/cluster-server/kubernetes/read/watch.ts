/** Watches: chunked JSON lines, resumed from a resource version. */
import type { ServerResponse } from 'node:http';
import type { Faults } from '../../faults.ts';
import { send } from '../../http.ts';
import type { ApiRequest } from '../../http.ts';
import { typedJson } from './list.ts';
import type { ListContext, Listed } from './list.ts';
import { apiVersionOf } from '../resources.ts';
import { parseSelection, selects } from './selection.ts';
import type { Selection } from './selection.ts';
import { badRequest, expired } from '../status.ts';
import type { Entry, HistoryEvent } from './store.ts';

/** A watcher that does not read is cut off beyond this many waiting bytes, as the real server cuts slow ones. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** A watch with an end gets a bookmark so long before it [ms], so that its reader can go on from there. */
const LAST_BOOKMARK_MS = 2_000;

export type Watcher = {
  /** Sends a bookmark when one is due and ends the watch when its time is over. */
  tick(nowMs: number): void;
  close(): void;
};

export type WatchOptions = {
  readonly nowMs: number;
  readonly bookmarkIntervalMs: number;
  readonly faults: Faults;
  readonly onClose: () => void;
};

/** Starts a watch; undefined when it was answered with an error. */
export function startWatch(
  context: ListContext,
  watched: Listed & { readonly request: ApiRequest; readonly response: ServerResponse },
  options: WatchOptions,
): Watcher | undefined {
  const { request, response, target } = watched;
  const selection = parseSelection(target, request.query);
  const asked = request.query.get('resourceVersion') ?? '';
  const malformed = badRequest(`resourceVersion: Invalid value: "${asked}": strconv.ParseUint: parsing`);
  if ('error' in selection || !/^\d*$/.test(asked)) {
    send(response, 'error' in selection ? selection.error : malformed);
    return undefined;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const line = lineWriter(response, options);
  const stream = { context, watched, selection, line };
  if (replay({ ...stream, from: Number(asked) }, options)) return follow(stream, options);
  response.end();
  return undefined;
}

type WriteLine = (type: string, json: string) => void;
type Stream = {
  readonly context: ListContext;
  readonly watched: Listed & { readonly request: ApiRequest; readonly response: ServerResponse };
  readonly selection: Selection;
  readonly line: WriteLine;
};

function lineWriter(response: ServerResponse, { faults }: WatchOptions): WriteLine {
  return (type, json) => {
    if (response.destroyed || faults.isWatchMuted()) return;
    response.write(`{"type":"${type}","object":${json}}\n`);
    if (response.writableLength > WAITING_BYTES_MAX) response.destroy();
  };
}

// Without a version, or with 0: the present state as ADDED events; else what came after the version. False: too old.
function replay(
  { context, watched, selection, line, from }: Stream & { readonly from: number },
  options: WatchOptions,
): boolean {
  const { world, store } = context;
  const { query } = watched.request;
  if (from !== 0 && options.faults.isWatchStalled()) return true;
  if (from === 0 || query.get('sendInitialEvents') === 'true') {
    const kind = watched.resource.stored;
    for (const entry of kind === undefined ? [] : store.entries(kind)) {
      if (selects(selection, entry)) line('ADDED', typedJson(world, watched.resource, entry));
    }
    // A watch without any version that allows bookmarks is told the end of the present state too, as if it had asked.
    const isOpenEnded = query.get('resourceVersion') === null && query.get('allowWatchBookmarks') === 'true';
    if (isOpenEnded || query.get('sendInitialEvents') === 'true') {
      line('BOOKMARK', bookmark(watched, store.version(), true));
    }
    return true;
  }
  const missed = store.since(from);
  for (const event of missed ?? []) emit({ context, watched, selection, line }, event);
  if (missed !== undefined) return true;
  line('ERROR', JSON.stringify(expired(`too old resource version: ${from} (${store.version()})`)));
  return false;
}

function follow(stream: Stream, options: WatchOptions): Watcher {
  const { context, watched, line } = stream;
  const { query } = watched.request;
  const { faults } = options;
  // What a server whose cache stands still goes on to say.
  let known = Number(query.get('resourceVersion') ?? 0) || context.store.version();
  if (!faults.isWatchStalled()) known = context.store.version();
  const stop = context.store.onEvent((event) => {
    if (!faults.isWatchStalled()) emit(stream, event);
  });
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  const endMs = seconds > 0 ? options.nowMs + seconds * 1000 : Infinity;
  const wantsBookmarks = query.get('allowWatchBookmarks') === 'true';
  const dueMs = (nowMs: number): number => {
    const lastMs = endMs - LAST_BOOKMARK_MS;
    return lastMs > nowMs ? Math.min(nowMs + options.bookmarkIntervalMs, lastMs) : nowMs + options.bookmarkIntervalMs;
  };
  let bookmarkMs = dueMs(options.nowMs);
  watched.response.on('close', () => {
    stop();
    options.onClose();
  });
  return {
    tick: (nowMs) => {
      if (!faults.isWatchStalled()) known = context.store.version();
      if (nowMs >= endMs) watched.response.end();
      if (nowMs >= endMs || !wantsBookmarks || nowMs < bookmarkMs) return;
      bookmarkMs = dueMs(nowMs);
      line('BOOKMARK', bookmark(watched, known, false));
    },
    close: () => watched.response.destroy(),
  };
}

// An object that enters the selection is ADDED to it, one that leaves it is DELETED from it.
function emit({ context, watched, selection, line }: Stream, event: HistoryEvent): void {
  const { entry, before } = event;
  if (entry.kind !== watched.resource.stored) return;
  const was = before !== undefined && selects(selection, before);
  const is = event.type !== 'DELETED' && selects(selection, entry);
  const json = (shown: Entry): string => typedJson(context.world, watched.resource, shown);
  if (is) line(was ? 'MODIFIED' : 'ADDED', json(entry));
  else if (was) line('DELETED', event.type === 'DELETED' ? json(entry) : json(withVersion(before, event.version)));
}

function withVersion(entry: Entry, version: number): Entry {
  const json = entry.json.replace(`"resourceVersion":"${entry.version}"`, `"resourceVersion":"${version}"`);
  return { ...entry, json };
}

function bookmark({ resource }: Listed, version: number, ofInitialEvents: boolean): string {
  return JSON.stringify({
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      creationTimestamp: null,
      ...(ofInitialEvents ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
    // Typed clients demand these of a Deployment or pod even in a bookmark.
    spec: {},
    status: {},
  });
}

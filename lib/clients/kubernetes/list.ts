/** Whole lists from the Kubernetes API: page by page, complete or an error. */
import type { Clock } from '../../base/clock.ts';
import { TransientError } from '../../base/errors.ts';
import { recordOf, textOf } from '../json-values.ts';
import type { JsonRecord } from '../json-values.ts';
import { isExpired } from './errors.ts';
import type { CallOptions, KubernetesClient } from './client.ts';
import type { V1ListMeta } from './facade.ts';

/** Items per page: the size kubectl uses; a page of pods is about 4 MB. */
export const PAGE_ITEMS_MAX = 500;

/** 150,000 objects: the pods of the largest cluster that Kubernetes supports. */
const PAGES_MAX = 300;

/** Deadline of one page [ms]: a list costs the server more than a read. */
const PAGE_MS_MAX = 5_000;

export type Page<T> = { readonly metadata?: V1ListMeta; readonly items: readonly T[] };
export type PageRequest = { readonly limit: number; readonly _continue?: string };

/** All items. Throws like `client.call`, also when the list expires between two pages (410, TransientError): never a part of a list. */
export async function listAll<T>(
  client: KubernetesClient,
  what: string,
  page: (request: PageRequest, call: CallOptions) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const items: T[] = [];
  let from: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const request = { limit: PAGE_ITEMS_MAX, ...(from === undefined ? {} : { _continue: from }) };
    const answer = await client.call(what, (call) => page(request, call), { requestMsMax: PAGE_MS_MAX });
    for (const item of answer.items) items.push(item);
    from = nextPage(answer.metadata);
    if (from === undefined) return items;
  }
  throw new TransientError(`Cannot ${what}: expected at most ${PAGES_MAX} pages, current value is more`);
}

function nextPage(metadata: V1ListMeta | undefined): string | undefined {
  const { _continue: next } = metadata ?? {};
  return next === '' ? undefined : next;
}

export type RawList = {
  /** Completes `Cannot …`. */
  readonly what: string;
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
};

/**
 * Items per page where whole objects are read and little of them is kept. With 500 the memory that a list of 50,000 pods takes for a moment is twice what it is with this
 * (docs/benchmarks/cluster.md).
 */
export const RAW_PAGE_ITEMS_MAX = 250;

/** As many objects as in the pages of {@link listAll}. */
const RAW_PAGES_MAX = (PAGES_MAX * PAGE_ITEMS_MAX) / RAW_PAGE_ITEMS_MAX;

/** A later page that fails is asked for so often: a list of hundreds of pages should not begin anew because of one. */
const PAGE_TRIES_MAX = 3;
const PAGE_PAUSE_MS = 500;
/** A server that wants a longer pause [ms] gets one from whoever asked for the list. */
const PAGE_PAUSE_MS_MAX = 5_000;

/**
 * Hands every object to `onObject` as it comes, so that nobody need keep a page, and returns the version of the list: as new as when it was begun, or newer.
 * Throws like `client.call`, also when the list expires between two pages or `signal` aborts: then what was handed out is a part.
 */
export async function eachListed(
  client: KubernetesClient,
  list: RawList & { readonly clock: Clock; readonly signal: AbortSignal },
  onObject: (object: JsonRecord) => void,
): Promise<string> {
  let from: string | undefined;
  let version: string | undefined;
  for (let pages = 0; pages < RAW_PAGES_MAX; pages++) {
    const { items, metadata } = recordOf(await pageOf(client, list, from));
    if (!Array.isArray(items)) {
      throw new TransientError(`Cannot ${list.what}: expected a list, current value is something else`);
    }
    for (const item of items) onObject(recordOf(item));
    version ??= textOf(recordOf(metadata)['resourceVersion']);
    from = textOf(recordOf(metadata)['continue']);
    if (from === '') return version;
    if (list.signal.aborted) {
      throw new TransientError(`Cannot ${list.what}: expected to be asked for all of it, current value is closed`);
    }
  }
  throw new TransientError(`Cannot ${list.what}: expected at most ${RAW_PAGES_MAX} pages, current value is more`);
}

async function pageOf(
  client: KubernetesClient,
  { what, path, query, clock, signal }: RawList & { readonly clock: Clock; readonly signal: AbortSignal },
  from: string | undefined,
): Promise<unknown> {
  const request = { path, query: { ...query, limit: RAW_PAGE_ITEMS_MAX, continue: from } };
  for (let tries = 1; ; tries++) {
    try {
      return await client.getJson(what, request, { requestMsMax: PAGE_MS_MAX, signal });
    } catch (error) {
      const pauseMs = Math.max(PAGE_PAUSE_MS, (error instanceof TransientError && error.retryAfterMs) || 0);
      // Nothing is lost when the first page fails: whoever asked begins again.
      const isWorthIt =
        from !== undefined && error instanceof TransientError && !isExpired(error) && pauseMs <= PAGE_PAUSE_MS_MAX;
      if (!isWorthIt || tries === PAGE_TRIES_MAX || signal.aborted) throw error;
      await clock.sleep(pauseMs, signal);
    }
  }
}

/** The version that the store is at, asked past every cache: one object at most is read. */
export async function newestVersion(client: KubernetesClient, { what, path, query }: RawList): Promise<string> {
  const answer = await client.getJson(what, { path, query: { ...query, limit: 1 } }, { requestMsMax: PAGE_MS_MAX });
  return textOf(recordOf(recordOf(answer)['metadata'])['resourceVersion']);
}

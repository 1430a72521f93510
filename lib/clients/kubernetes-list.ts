/** Whole lists from the Kubernetes API: page by page, complete or an error. */
import { TransientError } from '../base/errors.ts';
import type { CallOptions, KubernetesClient } from './kubernetes.ts';
import type { V1ListMeta } from './kubernetes-facade.ts';

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

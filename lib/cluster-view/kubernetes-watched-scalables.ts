/** Objects of other kinds kept by watches, where they may be listed: their Scale, which cannot be watched, is read again only when its object has changed. */
import { DeniedError, NotFoundError } from '../base/errors.ts';
import type { PenstockError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { Seen } from '../clients/kubernetes/collection.ts';
import type { Collections, Wanted } from '../clients/kubernetes/collections.ts';
import { NO_WATCH_MS } from '../clients/kubernetes/pace.ts';
import { getScalable, getScale } from './kubernetes-scalables.ts';
import type { ReadScalable, ScalablePath } from './kubernetes-scalables.ts';
import { scalableTrim } from './kubernetes-trim.ts';

export type WatchedScalablesOptions = {
  readonly kubernetes: KubernetesClient;
  readonly open: Collections;
  readonly log: Logger;
};

/** One watch for each kind and namespace. Where the kind may not be listed, two GETs per target at every look, which is said once. */
export function watchedScalables({ kubernetes, open, log }: WatchedScalablesOptions): ReadScalable {
  /** An object that has not changed is the same object again, and goes with what is known of it. */
  const scales = new WeakMap<JsonRecord, JsonRecord>();
  const indexes = new WeakMap<readonly JsonRecord[], ReadonlyMap<string, JsonRecord>>();
  const refused = new Set<string>();

  const tell = (what: string, error: PenstockError): void => {
    if (refused.has(what)) return;
    refused.add(what);
    log.warn('may not list, reads each object at every look', { what, error: error.message });
  };

  /** All of the kind; undefined where that may not be seen. */
  const seenBeside = async (at: ScalablePath): Promise<Seen<JsonRecord> | undefined> => {
    const kind = kindName(at);
    try {
      const seen = await open.read(scalablesOf(at));
      refused.delete(kind);
      return seen;
    } catch (error) {
      if (!(error instanceof DeniedError) && !(error instanceof NotFoundError)) throw error;
      // Of a kind that is not served the GET says so.
      if (error instanceof DeniedError) tell(kind, error);
      return undefined;
    }
  };

  return async (at, what) => {
    const seen = await seenBeside(at);
    if (seen === undefined) return getScalable(kubernetes, { at, what });
    const { items, asOfMs } = seen;
    const index = indexes.get(items) ?? new Map(items.map((one) => [metadataOf(one, 'name'), one]));
    indexes.set(items, index);
    const object = index.get(at.name);
    if (object === undefined) {
      throw new NotFoundError(`Cannot ${what}: expected an existing object, current value is none`);
    }
    const known = scales.get(object);
    if (known !== undefined) return { object, scale: known, asOfMs };
    const scale = await getScale(kubernetes, { at, what });
    // One of another version is of an object that is not seen yet.
    if (metadataOf(scale, 'resourceVersion') === metadataOf(object, 'resourceVersion')) scales.set(object, scale);
    return { object, scale, asOfMs };
  };
}

function kindName({ plural, namespace }: ScalablePath): string {
  return `the ${plural} of namespace "${namespace}"`;
}

function metadataOf(object: JsonRecord, field: 'name' | 'resourceVersion'): string {
  return textOf(recordOf(object['metadata'])[field]);
}

/** A count of ours must be seen before the next decision. A permission that was granted meanwhile is found within ten minutes. */
function scalablesOf(at: ScalablePath): Wanted<JsonRecord> {
  const { group, version, plural, namespace } = at;
  const api = `/apis/${group}/${version}`;
  const path = `${api}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
  const what = kindName(at);
  const ownWrites = { path: `${api}/${plural}`, namespace };
  return { id: path, make: () => ({ what, path, keep: scalableTrim(), ownWrites, refusedMs: NO_WATCH_MS }) };
}

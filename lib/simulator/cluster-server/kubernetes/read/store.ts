/** The rendered objects of the API with their history: what lists and watches read. */
import type { ApiKind, ApiRecord, Labels } from '../../../world/state/records.ts';
import type { ChangeType } from '../../../world/state/state.ts';
import type { World } from '../../../world/world.ts';
import { render } from '../render/render.ts';

/** One state of one object. */
export type Entry = {
  readonly kind: ApiKind;
  /** The order of lists: namespace, then name. */
  readonly key: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly version: number;
  readonly labels: Labels;
  /** What field selectors may ask for. */
  readonly fields: Readonly<Record<string, string>>;
  readonly record: ApiRecord;
  readonly json: string;
};

export type HistoryEvent = {
  readonly type: ChangeType;
  readonly version: number;
  readonly entry: Entry;
  /** The state before; undefined when it was added. */
  readonly before: Entry | undefined;
};

export type Store = {
  /** All objects of a kind, in the order of their keys. */
  entries(kind: ApiKind): Entry[];
  get(kind: ApiKind, key: string): Entry | undefined;
  /** Events after `version`, oldest first; undefined when some of them are forgotten. */
  since(version: number): HistoryEvent[] | undefined;
  onEvent(listener: (event: HistoryEvent) => void): () => void;
  version(): number;
  close(): void;
};

/** Follows `world` from now on and keeps at most `historySize` events. */
export function createStore(world: World, historySize: number): Store {
  const byKind = new Map<ApiKind, Map<string, Entry>>();
  const listeners = new Set<(event: HistoryEvent) => void>();
  let history: HistoryEvent[] = [];
  // The newest version that may be missing from the history.
  let forgotten = world.state.version;
  const kindOf = (kind: ApiKind): Map<string, Entry> => {
    const known = byKind.get(kind) ?? new Map<string, Entry>();
    byKind.set(kind, known);
    return known;
  };
  for (const record of allRecords(world)) kindOf(record.kind).set(keyOf(record), entryOf(world, record));

  const stop = world.onChange(({ type, record }) => {
    const entry = entryOf(world, record);
    const before = kindOf(entry.kind).get(entry.key);
    if (type === 'DELETED') kindOf(entry.kind).delete(entry.key);
    else kindOf(entry.kind).set(entry.key, entry);
    const event = { type, version: entry.version, entry, before };
    history.push(event);
    if (history.length > historySize) forgotten = history.at(-historySize - 1)?.version ?? forgotten;
    // Cut in blocks: shifting one by one would cost O(n) per event.
    if (history.length >= historySize * 2) history = history.slice(-historySize);
    for (const listener of listeners) listener(event);
  });

  return {
    entries: (kind) => [...kindOf(kind).values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    get: (kind, key) => kindOf(kind).get(key),
    since: (version) =>
      version < forgotten ? undefined : history.slice(-historySize).filter((event) => event.version > version),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    version: () => world.state.version,
    close: stop,
  };
}

function* allRecords(world: World): Generator<ApiRecord> {
  const { deployments, pods, nodes, budgets, podAutoscalers, scaledObjects } = world.state;
  for (const store of [deployments, pods, nodes, budgets, podAutoscalers, scaledObjects]) yield* store.values();
}

/** The key of an object: `namespace/name`, or `name` of a cluster-wide one. */
export function keyOf(thing: { readonly namespace?: string | undefined; readonly name: string }): string {
  return thing.namespace === undefined ? thing.name : `${thing.namespace}/${thing.name}`;
}

function entryOf(world: World, record: ApiRecord): Entry {
  const namespace = 'namespace' in record ? record.namespace : undefined;
  return {
    kind: record.kind,
    key: keyOf({ namespace, name: record.name }),
    namespace,
    name: record.name,
    version: record.resourceVersion,
    labels: 'labels' in record ? record.labels : {},
    fields: fieldsOf(record, namespace),
    record,
    json: JSON.stringify(render(world.state, record)),
  };
}

function fieldsOf(record: ApiRecord, namespace: string | undefined): Record<string, string> {
  const fields: Record<string, string> = { 'metadata.name': record.name };
  if (namespace !== undefined) fields['metadata.namespace'] = namespace;
  if (record.kind === 'pods') {
    fields['spec.nodeName'] = record.node?.name ?? '';
    fields['status.phase'] = record.phase;
  }
  if (record.kind === 'nodes') fields['spec.unschedulable'] = String(record.unschedulable);
  return fields;
}

/** The pods of a namespace, kept by one watch for all workloads in it. */
import { listOf, recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { Seen, WatchDeps } from '../clients/kubernetes/collection.ts';
import { collections } from '../clients/kubernetes/collections.ts';
import type { V1Pod } from '../clients/kubernetes/facade.ts';

export type WatchedPods = {
  /** All of the namespace, as of when that is proven. Throws what a list throws, and TransientError when nothing is proven for 45 s. */
  of(namespace: string): Promise<Seen<V1Pod>>;
  close(): Promise<void>;
};

/** Annotations that say where a pod is scraped. */
const ANNOTATIONS = ['prometheus.io/port', 'prometheus.io/path'];

/** As old as a list of `kubernetes-pods.ts` may be [ms]: one list of the namespace serves all workloads in it. */
const LIST_KEPT_MS = 3_000;

/** Watches a namespace from the first question on; where watching is not permitted, lists it every {@link LIST_KEPT_MS} while it is asked for. */
export function watchedPods(deps: WatchDeps): WatchedPods {
  const open = collections(deps);
  return {
    of: (namespace) => {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      const what = `the pods of namespace "${namespace}"`;
      return open.read({ id: path, make: () => ({ what, path, keep: trimmed, listKeptMs: LIST_KEPT_MS }) });
    },
    close: () => open.close(),
  };
}

/** What `kubernetes-pods.ts` reads. */
function trimmed(pod: JsonRecord): V1Pod {
  const { name, labels, annotations, deletionTimestamp, deletionGracePeriodSeconds } = recordOf(pod['metadata']);
  const { terminationGracePeriodSeconds } = recordOf(pod['spec']);
  const { phase, podIP, conditions } = recordOf(pod['status']);
  const said = recordOf(annotations);
  const ready = listOf(conditions)
    .map(recordOf)
    .filter(({ type }) => type === 'Ready');
  return {
    metadata: {
      name: textOf(name),
      labels: textsOf(recordOf(labels)),
      annotations: textsOf(Object.fromEntries(ANNOTATIONS.map((key) => [key, said[key]]))),
      ...(typeof deletionTimestamp === 'string' ? { deletionTimestamp: new Date(deletionTimestamp) } : {}),
      ...(typeof deletionGracePeriodSeconds === 'number' ? { deletionGracePeriodSeconds } : {}),
    },
    spec: {
      containers: [],
      ...(typeof terminationGracePeriodSeconds === 'number' ? { terminationGracePeriodSeconds } : {}),
    },
    status: {
      phase: textOf(phase),
      podIP: textOf(podIP),
      conditions: ready.map(({ status }) => ({ type: 'Ready', status: textOf(status) })),
    },
  };
}

function textsOf(values: JsonRecord): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : [])),
  );
}

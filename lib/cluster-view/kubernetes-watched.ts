/** The view of a host that stays: everything kept by watches, so that a look at it costs no call while nothing changes. */
import { DeniedError, NotFoundError } from '../base/errors.ts';
import type { Seen, WatchDeps } from '../clients/kubernetes/collection.ts';
import { collections } from '../clients/kubernetes/collections.ts';
import type { Wanted } from '../clients/kubernetes/collections.ts';
import type { V1Node, V1Pod, V2HorizontalPodAutoscaler } from '../clients/kubernetes/facade.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { ClusterView } from './contract.ts';
import { viewOf } from './kubernetes-eks.ts';
import { pacedGroups } from './kubernetes-groups.ts';
import { NODE_GROUP_LABEL } from './kubernetes-nodes.ts';
import { NO_KEDA_MS } from './kubernetes-owners.ts';
import { UNFINISHED, scopeName } from './kubernetes-reads.ts';
import type { KubernetesEksOptions } from './kubernetes-reads.ts';
import type { ClusterSource } from './kubernetes-source.ts';
import type { Workload } from './kubernetes-targets.ts';
import { watchedScalables } from './kubernetes-watched-scalables.ts';
import { autoscalerTrim, nodeTrim, podTrim, scaledObjectTrim, workloadTrim } from './kubernetes-trim.ts';

export type KubernetesWatchedOptions = KubernetesEksOptions & Pick<WatchDeps, 'log' | 'random' | 'pace'>;

/**
 * Watches the same collections that `kubernetesEksView` lists, from the first look that asks for them on; needs `watch` beside `list`, and lists where that is
 * missing. The first look waits for whole lists. `asOfMs` of a snapshot is what is proven (about 20 s at most while all is well); what is not proven for 45 s is missing.
 * Groups of AWS are described every 5 minutes while nothing is under way in them, and when the look asks for a new description. Objects of other kinds
 * are watched, too; their Scale is read when they have changed.
 */
export function kubernetesWatchedView(options: KubernetesWatchedOptions): ClusterView {
  return viewOf(options, watchedSource(options));
}

function watchedSource(options: KubernetesWatchedOptions): ClusterSource {
  const { kubernetes, clock, log, random, pace } = options;
  const deps = { client: kubernetes, clock, log, random, ...(pace === undefined ? {} : { pace }) };
  const open = collections(deps);
  const groups = pacedGroups(options);
  return {
    pods: (scope) => open.read(podsOf(scope)),
    nodes: (policies) => {
      const onlyEks = policies.every((policy) => policy.spec.provider.kind === 'eksNodeGroup');
      return open.read(nodesOf(onlyEks));
    },
    autoscalers: (scope) => open.read(autoscalersOf(scope)),
    scaledObjects: (scope) => orNone(open.read(scaledObjectsOf(scope))),
    objects: (kind, namespace) => open.read(objectsOf(kind, namespace)),
    scalable: watchedScalables({ kubernetes, open, log }),
    groups: (policies, of) => groups.describe(policies, of),
    note: (snapshot) => {
      groups.note(snapshot);
      open.tidy();
    },
    close: async () => {
      await open.close();
      await kubernetes.close();
    },
  };
}

/** Where there is no KEDA, or no permission to see it, its HPAs tell. */
async function orNone(seen: Promise<Seen<JsonRecord>>): Promise<Seen<JsonRecord>> {
  try {
    return await seen;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof DeniedError) return { items: [], asOfMs: Infinity };
    throw error;
  }
}

function pathOf(
  api: string,
  { plural, namespace }: { readonly plural: string; readonly namespace: string | null },
): string {
  return namespace === null ? `${api}/${plural}` : `${api}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

function podsOf(namespace: string | null): Wanted<V1Pod> {
  const path = pathOf('/api/v1', { plural: 'pods', namespace });
  const what = `the pods of ${scopeName(namespace)}`;
  return { id: path, make: () => ({ what, path, query: { fieldSelector: UNFINISHED }, keep: podTrim() }) };
}

/** Nodes of any EKS node group; all nodes where a group is known by other marks. A cordon of ours must be seen before the next decision. */
function nodesOf(onlyEks: boolean): Wanted<V1Node> {
  const path = '/api/v1/nodes';
  const query = onlyEks ? { labelSelector: NODE_GROUP_LABEL } : {};
  const ownWrites = { path, namespace: null };
  return { id: `${path} ${onlyEks}`, make: () => ({ what: 'the nodes', path, query, keep: nodeTrim(), ownWrites }) };
}

function autoscalersOf(namespace: string | null): Wanted<V2HorizontalPodAutoscaler> {
  const path = pathOf('/apis/autoscaling/v2', { plural: 'horizontalpodautoscalers', namespace });
  const what = `the HorizontalPodAutoscalers of ${scopeName(namespace)}`;
  return { id: path, make: () => ({ what, path, keep: autoscalerTrim() }) };
}

function scaledObjectsOf(namespace: string | null): Wanted<JsonRecord> {
  const path = pathOf('/apis/keda.sh/v1alpha1', { plural: 'scaledobjects', namespace });
  const what = `the ScaledObjects of ${scopeName(namespace)}`;
  return { id: path, make: () => ({ what, path, keep: scaledObjectTrim, refusedMs: NO_KEDA_MS }) };
}

/** A count of ours must be seen before the next decision. */
function objectsOf(kind: 'Deployment' | 'StatefulSet', namespace: string): Wanted<Workload> {
  const plural = kind === 'Deployment' ? 'deployments' : 'statefulsets';
  const path = pathOf('/apis/apps/v1', { plural, namespace });
  const ownWrites = { path: `/apis/apps/v1/${plural}`, namespace };
  const what = `the ${kind}s of namespace "${namespace}"`;
  return { id: path, make: () => ({ what, path, keep: workloadTrim(), ownWrites }) };
}

/** Where the view has its objects from: listed at every look, or kept by watches (`kubernetes-watched.ts`). */
import type { V1Node, V1Pod, V2HorizontalPodAutoscaler } from '../clients/kubernetes/facade.ts';
import type { Seen } from '../clients/kubernetes/collection.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { Snapshot } from '../core/types.ts';
import { scaledObjects } from './kubernetes-owners.ts';
import { describeGroups, listAutoscalers, listNodes, listObjects, listPods } from './kubernetes-reads.ts';
import type { DescribedGroup, KubernetesEksOptions } from './kubernetes-reads.ts';
import { getScalable } from './kubernetes-scalables.ts';
import type { ReadScalable } from './kubernetes-scalables.ts';
import type { Workload } from './kubernetes-targets.ts';
import type { Part } from './parts.ts';

/** A namespace; `null` is all of them. */
export type Scope = string | null;

/** Of which all objects are listed or watched. */
export type ListedKind = 'Deployment' | 'StatefulSet';

export type SeenGroup = Part<DescribedGroup> & { readonly asOfMs: number };

/** Each rejects with the reason when it is not whole or not current; together they make a snapshot. */
export type ClusterSource = {
  /** Unfinished ones. */
  pods(scope: Scope): Promise<Seen<V1Pod>>;
  /** At least those of these groups. */
  nodes(policies: readonly NodeGroupPolicy[]): Promise<Seen<V1Node>>;
  autoscalers(scope: Scope): Promise<Seen<V2HorizontalPodAutoscaler>>;
  /** None where there is no KEDA or no permission. */
  scaledObjects(scope: Scope): Promise<Seen<JsonRecord>>;
  objects(kind: ListedKind, namespace: string): Promise<Seen<Workload>>;
  /** Of kinds of which nothing else is listed. */
  readonly scalable: ReadScalable;
  /** By policy name; never rejects. Where they are kept for a while: none older than `groupsMsMax` [ms]. */
  groups(
    policies: readonly NodeGroupPolicy[],
    of: { readonly groupsMsMax?: number | undefined },
  ): Promise<ReadonlyMap<string, SeenGroup>>;
  /** Told what became of it all. */
  note(snapshot: Snapshot): void;
  close(): Promise<void>;
};

/** Everything afresh at every look. */
export function listedSource(options: KubernetesEksOptions): ClusterSource {
  const { kubernetes, clock } = options;
  const listScaledObjects = scaledObjects(kubernetes, clock);
  const seen = async <T>(list: Promise<readonly T[]>): Promise<Seen<T>> => {
    const asOfMs = clock.nowMs();
    return { items: await list, asOfMs };
  };
  return {
    pods: (scope) => seen(listPods(kubernetes, scope)),
    nodes: (policies) => seen(listNodes(kubernetes, policies)),
    autoscalers: (scope) => seen(listAutoscalers(kubernetes, scope)),
    scaledObjects: (scope) => seen(listScaledObjects(scope)),
    objects: (kind, namespace) => seen(listObjects(kubernetes, { kind, namespace })),
    scalable: (at, what) => getScalable(kubernetes, { at, what }),
    groups: async (policies) => {
      const asOfMs = clock.nowMs();
      const parts = await describeGroups(options, policies);
      return new Map([...parts].map(([name, part]) => [name, { ...part, asOfMs }]));
    },
    note: () => {},
    close: () => kubernetes.close(),
  };
}

/** The other autoscaler of a target, as its own API has it. */
import { ConfigError, DeniedError, NotFoundError } from '../../base/errors.ts';
import { countOf, listOf, recordOf, textOf } from '../../clients/json-values.ts';
import type { JsonRecord } from '../../clients/json-values.ts';
import type { KubernetesClient } from '../../clients/kubernetes/client.ts';
import { isPaused } from '../../cluster-view/kubernetes-owners.ts';
import type { TargetRef } from '../../core/types.ts';

export type RivalKind = 'HorizontalPodAutoscaler' | 'ScaledObject';

export type Rival = {
  readonly kind: RivalKind;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly annotations: JsonRecord;
  readonly spec: JsonRecord;
};

/** Paths of the two kinds. */
export const RIVAL_PATHS = {
  HorizontalPodAutoscaler: { group: 'autoscaling', version: 'v2', plural: 'horizontalpodautoscalers' },
  ScaledObject: { group: 'keda.sh', version: 'v1alpha1', plural: 'scaledobjects' },
} as const;

/** What the namespace says of a target. */
export type Rivals = {
  /** What a person wrote; an HPA that KEDA made is not among them. */
  readonly rival: Rival | null;
  /** KEDA's HPA for the target is there. */
  readonly hasKedaHpa: boolean;
};

/** Reads both kinds. Throws ConfigError when there are several, DeniedError with the missing permission. */
export async function findRival(client: KubernetesClient, target: TargetRef): Promise<Rivals> {
  const [hpas, scaled] = await Promise.all([
    listRivals(client, 'HorizontalPodAutoscaler', target),
    listRivals(client, 'ScaledObject', target).catch((error: unknown) => {
      if (error instanceof NotFoundError) return [];
      // Decided below: without KEDA there is nothing to be seen anyway.
      if (error instanceof DeniedError) return error;
      throw error;
    }),
  ]);
  const keda = hpas.filter(isKedas);
  if (scaled instanceof DeniedError && keda.length > 0) throw scaled;
  const all = [...hpas.filter((hpa) => !isKedas(hpa)), ...(scaled instanceof DeniedError ? [] : scaled)].map(
    ({ rival }) => rival,
  );
  if (all.length > 1) {
    const names = all.map(titleOf).join(', ');
    throw new ConfigError(
      `Cannot hand over "${target.namespace}/${target.name}": expected one autoscaler on it, current value is ${names}`,
    );
  }
  return { rival: all[0] ?? null, hasKedaHpa: keda.length > 0 };
}

type Listed = { readonly rival: Rival; readonly owners: readonly unknown[] };

async function listRivals(client: KubernetesClient, kind: RivalKind, target: TargetRef): Promise<readonly Listed[]> {
  const { namespace } = target;
  const what = `list the ${kind}s of namespace "${namespace}"`;
  const answer: unknown = await client.call(what, (call) =>
    client.custom.listNamespacedCustomObject({ ...RIVAL_PATHS[kind], namespace }, call),
  );
  return listOf(recordOf(answer)['items'])
    .map(recordOf)
    .map((object) => ({
      rival: rivalOf(kind, object),
      owners: listOf(recordOf(object['metadata'])['ownerReferences']),
    }))
    .filter(({ rival }) => isOn(rival, target));
}

/** Reads an answer of the API. */
export function rivalOf(kind: RivalKind, object: JsonRecord): Rival {
  const metadata = recordOf(object['metadata']);
  return {
    kind,
    namespace: textOf(metadata['namespace']),
    name: textOf(metadata['name']),
    resourceVersion: textOf(metadata['resourceVersion']),
    annotations: recordOf(metadata['annotations']),
    spec: recordOf(object['spec']),
  };
}

function isKedas({ owners }: Listed): boolean {
  return owners.map(recordOf).some((owner) => owner['kind'] === 'ScaledObject');
}

function isOn({ spec }: Rival, target: TargetRef): boolean {
  const ref = recordOf(spec['scaleTargetRef']);
  return (textOf(ref['kind']) || 'Deployment') === target.kind && ref['name'] === target.name;
}

/** It changes no count by itself: both directions disabled, or paused. */
export function isQuiet({ kind, annotations, spec }: Rival): boolean {
  if (kind === 'ScaledObject') return isPaused(annotations);
  const behavior = recordOf(spec['behavior']);
  return ['scaleUp', 'scaleDown'].every((side) => recordOf(behavior[side])['selectPolicy'] === 'Disabled');
}

/** Names of its bounds, and their defaults. */
const BOUNDS = {
  HorizontalPodAutoscaler: { min: 'minReplicas', max: 'maxReplicas', minDefault: 1, maxDefault: 1 },
  ScaledObject: { min: 'minReplicaCount', max: 'maxReplicaCount', minDefault: 0, maxDefault: 100 },
} as const;

export type Bounds = { readonly min: number; readonly max: number };

/** Its bounds with the defaults filled in [replicas]. */
export function boundsOf({ kind, spec }: Pick<Rival, 'kind' | 'spec'>): Bounds {
  const names = BOUNDS[kind];
  return { min: countOf(spec[names.min]) ?? names.minDefault, max: countOf(spec[names.max]) ?? names.maxDefault };
}

/** The fields of its spec that hold the bounds. */
export function boundFields(kind: RivalKind): { readonly min: string; readonly max: string } {
  return BOUNDS[kind];
}

/** `HorizontalPodAutoscaler "inference/llama"`. */
export function titleOf({ kind, namespace, name }: Rival): string {
  return `${kind} "${namespace}/${name}"`;
}

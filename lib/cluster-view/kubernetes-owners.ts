/** Who else sets the count of a target: HorizontalPodAutoscalers, and ScaledObjects of KEDA. */
import type { Clock } from '../base/clock.ts';
import { DeniedError, NotFoundError } from '../base/errors.ts';
import { recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { V2HorizontalPodAutoscaler } from '../clients/kubernetes/facade.ts';
import { listAll } from '../clients/kubernetes/list.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { ScalingPolicy } from '../core/policy.ts';

/** Another autoscaler of a target. */
export type CountOwner = {
  /** `HorizontalPodAutoscaler/NAME` or `ScaledObject/NAME`. */
  readonly name: string;
  /** Present where both directions are disabled: it still pulls a count outside of these bounds back in. */
  readonly quietWithin?: { readonly min: number; readonly max: number };
};

/** Where ScaledObjects cannot be read (KEDA is not installed, or we may not), they are asked for again after so long [ms]; KEDA's own HPAs show meanwhile. */
export const NO_KEDA_MS = 600_000;

/** KEDA's defaults. */
const KIND_DEFAULT = 'Deployment';

export type ScaledObjects = (namespace: string | null) => Promise<readonly JsonRecord[]>;

/** Lists ScaledObjects of a namespace (`null`: all). None where there is no KEDA or no permission. Throws what `client.call` throws besides. */
export function scaledObjects(client: KubernetesClient, clock: Clock): ScaledObjects {
  const notBeforeMs = new Map<string | null, number>();
  return async (namespace) => {
    if (clock.nowMs() < (notBeforeMs.get(namespace) ?? 0)) return [];
    try {
      return await listScaled(client, namespace);
    } catch (error) {
      if (!(error instanceof NotFoundError || error instanceof DeniedError)) throw error;
      notBeforeMs.set(namespace, clock.nowMs() + NO_KEDA_MS);
      return [];
    }
  };
}

function listScaled(client: KubernetesClient, namespace: string | null): Promise<readonly JsonRecord[]> {
  const api = { group: 'keda.sh', version: 'v1alpha1' };
  const plural = 'scaledobjects';
  const what = `list the ScaledObjects of ${namespace === null ? 'all namespaces' : `namespace "${namespace}"`}`;
  return listAll(client, what, async (page, call) => {
    const answer: unknown = await (namespace === null
      ? client.custom.listCustomObjectForAllNamespaces({ ...api, ...page, resourcePlural: plural }, call)
      : client.custom.listNamespacedCustomObject({ ...api, ...page, plural, namespace }, call));
    const { items, metadata } = recordOf(answer);
    const next = textOf(recordOf(metadata)['continue']);
    return { items: Array.isArray(items) ? items.map(recordOf) : [], metadata: { _continue: next } };
  });
}

/** By {@link targetKey}. A paused ScaledObject owns nothing; an HPA that KEDA made carries its ScaledObject's name. */
export function ownersOfCount(
  autoscalers: readonly V2HorizontalPodAutoscaler[],
  scaled: readonly JsonRecord[] = [],
): ReadonlyMap<string, readonly CountOwner[]> {
  const owners = new Map<string, CountOwner[]>();
  const add = (key: string, owner: CountOwner): void => {
    const others = owners.get(key);
    if (others === undefined) owners.set(key, [owner]);
    else others.push(owner);
  };
  for (const one of autoscalers) {
    const ref = one.spec?.scaleTargetRef;
    if (ref === undefined) continue;
    add(targetKey({ kind: ref.kind, namespace: one.metadata?.namespace ?? '', name: ref.name }), ownerOf(one));
  }
  for (const { metadata, spec } of scaled) {
    const { name, namespace, annotations } = recordOf(metadata);
    const ref = recordOf(recordOf(spec)['scaleTargetRef']);
    if (isPaused(recordOf(annotations))) continue;
    const key = { kind: textOf(ref['kind']) || KIND_DEFAULT, namespace: textOf(namespace), name: textOf(ref['name']) };
    add(targetKey(key), { name: `ScaledObject/${textOf(name)}` });
  }
  return owners;
}

/** Whether the annotations of a ScaledObject keep KEDA from writing. `paused-replicas` holds a count, which KEDA writes; it wins where both are given. */
export function isPaused(annotations: JsonRecord): boolean {
  return (
    annotations['autoscaling.keda.sh/paused'] === 'true' &&
    annotations['autoscaling.keda.sh/paused-replicas'] === undefined
  );
}

function ownerOf({ metadata, spec }: V2HorizontalPodAutoscaler): CountOwner {
  const keda = (metadata?.ownerReferences ?? []).find((owner) => owner.kind === 'ScaledObject');
  if (keda !== undefined) return { name: `ScaledObject/${keda.name}` };
  const name = `HorizontalPodAutoscaler/${metadata?.name ?? ''}`;
  const { scaleUp, scaleDown } = spec?.behavior ?? {};
  const isQuiet = scaleUp?.selectPolicy === 'Disabled' && scaleDown?.selectPolicy === 'Disabled';
  return isQuiet ? { name, quietWithin: { min: spec?.minReplicas ?? 1, max: spec?.maxReplicas ?? 0 } } : { name };
}

/** The first that would change a count within the policy's limits; null when none would. At 0 replicas an HPA does nothing. */
export function scaledByOf(policy: ScalingPolicy, owners: ReadonlyMap<string, readonly CountOwner[]>): string | null {
  const { min, max } = policy.spec.replicas;
  const writer = (owners.get(targetKey(policy.spec.target)) ?? []).find(
    ({ quietWithin: quiet }) => quiet === undefined || Math.max(1, min) < quiet.min || max > quiet.max,
  );
  return writer?.name ?? null;
}

/** `KIND/NAMESPACE/NAME`; groups are left out, so that an owner is rather seen once too often. */
export function targetKey(ref: { readonly kind: string; readonly namespace: string; readonly name: string }): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** Kubernetes objects with a scale subresource: Deployments, StatefulSets, and any other kind by its group. */
import { ConfigError, NotFoundError, TransientError } from '../base/errors.ts';
import { FIELD_MANAGER, mergePatch } from '../clients/kubernetes.ts';
import type { KubernetesClient } from '../clients/kubernetes.ts';
import type { TargetRef } from '../core/types.ts';
import type { Target, TargetState } from './contract.ts';

/** Where a kind lives in the API. */
export type ScalableKind = { readonly group: string; readonly version: string; readonly plural: string };

/** Kinds known by name. Others are given to {@link kubernetesScale}, or written as `plural.version.group`. */
export const SCALABLE_KINDS: Readonly<Record<string, ScalableKind>> = {
  Deployment: { group: 'apps', version: 'v1', plural: 'deployments' },
  StatefulSet: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets' },
  LeaderWorkerSet: { group: 'leaderworkerset.x-k8s.io', version: 'v1', plural: 'leaderworkersets' },
};

/** Low: ReplicaSets delete the pod with the lowest cost first; others count as 0. */
const VICTIM_COST = '-1000';
const COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/** Pods marked in one step: each costs a read and perhaps a write, and a step has 3 s. */
export const VICTIMS_MAX = 20;

/** Resizes through the scale subresource with a merge patch; the resourceVersion just read is the precondition. */
export function kubernetesScale(
  client: KubernetesClient,
  options: { readonly kinds?: Readonly<Record<string, ScalableKind>> } = {},
): Target {
  const kinds = { ...SCALABLE_KINDS, ...options.kinds };
  return {
    read: async (ref) => {
      const path = pathOf(ref, kinds);
      const what = `read ${nameOf(ref)}`;
      const answer: unknown = await client.call(what, (call) => client.custom.getNamespacedCustomObject(path, call));
      return stateOf(answer, what);
    },
    scale: async (ref, change) => {
      const path = pathOf(ref, kinds);
      const what = `scale ${nameOf(ref)} to ${change.replicas}`;
      const { resourceVersion, generation, replicas } = change.expected;
      const body = { metadata: { resourceVersion }, spec: { replicas: change.replicas } };
      const answer: unknown = await client.call(what, (call) =>
        client.custom.patchNamespacedCustomObjectScale(
          { ...path, body, fieldManager: FIELD_MANAGER },
          mergePatch(call),
        ),
      );
      const scaled = stateOf(answer, what, { generation });
      // A Scale object has no generation. The precondition held, so ours was the only change since: one more if the spec changed.
      return { ...scaled, generation: scaled.replicas === replicas ? generation : generation + 1 };
    },
    preferVictims: async (ref, pods) => {
      const marks = [
        ...pods.first.map((name) => ({ name, cost: VICTIM_COST })),
        ...pods.release.map((name) => ({ name, cost: null })),
      ];
      for (const mark of marks.slice(0, VICTIMS_MAX)) await setCost(client, ref, mark);
    },
  };
}

/** Writes only where it changes something: annotation updates load the API server. A pod that is gone needs no mark. */
async function setCost(
  client: KubernetesClient,
  ref: TargetRef,
  mark: { readonly name: string; readonly cost: string | null },
): Promise<void> {
  const pod = { name: mark.name, namespace: ref.namespace };
  const what = `mark pod "${ref.namespace}/${mark.name}"`;
  try {
    const found = await client.call(what, (call) => client.core.readNamespacedPod(pod, call));
    const cost = found.metadata?.annotations?.[COST_ANNOTATION] ?? null;
    // A cost that somebody else set is theirs.
    if (cost === mark.cost || (mark.cost === null && cost !== VICTIM_COST)) return;
    const body = { metadata: { annotations: { [COST_ANNOTATION]: mark.cost } } };
    await client.call(what, (call) =>
      client.core.patchNamespacedPod({ ...pod, body, fieldManager: FIELD_MANAGER }, mergePatch(call)),
    );
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

function pathOf(ref: TargetRef, kinds: Readonly<Record<string, ScalableKind>>) {
  const kind = kinds[ref.kind] ?? writtenKind(ref.kind);
  if (kind === undefined) {
    throw new ConfigError(
      `Cannot find the API of target kind "${ref.kind}": expected ${Object.keys(kinds).join(', ')} or plural.version.group, current value is "${ref.kind}"`,
    );
  }
  return { ...kind, namespace: ref.namespace, name: ref.name };
}

/** `rayservices.v1.ray.io` → its path. */
function writtenKind(text: string): ScalableKind | undefined {
  const match = /^([a-z0-9-]+)\.(v\d[a-z0-9]*)\.([a-z0-9.-]+)$/.exec(text);
  const [, plural, version, group] = match ?? [];
  return plural === undefined || version === undefined || group === undefined ? undefined : { plural, version, group };
}

function nameOf(ref: TargetRef): string {
  return `${ref.kind} "${ref.namespace}/${ref.name}"`;
}

type RawObject = {
  readonly metadata?: { readonly generation?: number; readonly resourceVersion?: string; readonly uid?: string };
  readonly spec?: { readonly replicas?: number };
};

/** Reads an object or its Scale. A Deployment without `spec.replicas` has 1, a Scale without it 0 (omitted when empty). */
function stateOf(answer: unknown, what: string, scale?: { readonly generation: number }): TargetState {
  const { metadata = {}, spec = {} } = rawObject(answer);
  const replicas = spec.replicas ?? (scale === undefined ? 1 : 0);
  const generation = scale?.generation ?? metadata.generation;
  const { resourceVersion, uid = '' } = metadata;
  if (generation === undefined || resourceVersion === undefined || !Number.isSafeInteger(replicas)) {
    throw new TransientError(
      `Cannot ${what}: expected generation, resourceVersion and replicas, current value is an answer without them`,
    );
  }
  return { replicas, generation, resourceVersion, uid };
}

function rawObject(answer: unknown): RawObject {
  return typeof answer === 'object' && answer !== null ? answer : {};
}

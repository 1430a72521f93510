/** Kubernetes objects with a scale subresource: Deployments, StatefulSets, and any other kind by its group. */
import { NotFoundError, TransientError } from '../base/errors.ts';
import { scalableKinds } from '../clients/kubernetes/kinds.ts';
import type { ScalableKinds } from '../clients/kubernetes/kinds.ts';
import { FIELD_MANAGER, mergePatch } from '../clients/kubernetes/client.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import { KNOWN_KINDS, ORDERED_KINDS } from '../core/target-names.ts';
import type { ScalableKind } from '../core/target-names.ts';
import type { TargetRef } from '../core/types.ts';
import { VICTIMS_MAX } from './contract.ts';
import type { Target, TargetState } from './contract.ts';

/** Low: ReplicaSets delete the pod with the lowest cost first; others count as 0. */
const VICTIM_COST = '-1000';
const COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost';

/** What {@link TargetRef.fence} writes. */
const PLAN_SEQ_ANNOTATION = 'penstock.dev/plan-seq';

/** Pairs of reads of an object that somebody writes meanwhile: three in a row are left to the queue. */
const READS_MAX = 3;

/** Resizes through the scale subresource (with a fence: through the object) with a merge patch; the resourceVersion just read is the precondition. */
export function kubernetesScale(
  client: KubernetesClient,
  options: { readonly kinds?: Readonly<Record<string, ScalableKind>> } = {},
): Target {
  const kinds = scalableKinds(client, options.kinds);
  return {
    read: async (ref) => {
      const path = await pathOf(ref, kinds);
      return KNOWN_KINDS[ref.kind] === undefined ? readBoth(client, ref, path) : readObject(client, ref, path);
    },
    scale: async (ref, change) => {
      const path = await pathOf(ref, kinds);
      const what = `scale ${nameOf(ref)} to ${change.replicas}`;
      const { resourceVersion, generation, replicas } = change.expected;
      if (ref.fence === 'planSequence') return writeFenced(client, path, { ...change, what });
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
      if (ORDERED_KINDS.has(ref.kind)) return;
      const marks = [
        ...pods.first.map((name) => ({ name, cost: VICTIM_COST })),
        ...pods.release.map((name) => ({ name, cost: null })),
      ];
      for (const mark of marks.slice(0, VICTIMS_MAX)) {
        await setCost(client, ref, { ...mark, mayWrite: pods.mayWrite });
      }
    },
  };
}

/** The count in the object itself, with the plan's sequence beside it: a Scale has no annotations that last. */
async function writeFenced(
  client: KubernetesClient,
  path: Path,
  change: Parameters<Target['scale']>[1] & { readonly what: string },
): Promise<TargetState> {
  const { replicas, expected, planSeq, what } = change;
  const body = {
    metadata: { resourceVersion: expected.resourceVersion, annotations: { [PLAN_SEQ_ANNOTATION]: String(planSeq) } },
    spec: { replicas },
  };
  const answer: unknown = await client.call(what, (call) =>
    client.custom.patchNamespacedCustomObject({ ...path, body, fieldManager: FIELD_MANAGER }, mergePatch(call)),
  );
  return stateOf(answer, what);
}

type Path = ScalableKind & { readonly namespace: string; readonly name: string };

async function readObject(client: KubernetesClient, ref: TargetRef, path: Path): Promise<TargetState> {
  const what = `read ${nameOf(ref)}`;
  const answer: unknown = await client.call(what, (call) => client.custom.getNamespacedCustomObject(path, call));
  return stateOf(answer, what);
}

/** Where a kind keeps its count only its Scale tells; the generation only the object. Both must be of the same version. */
async function readBoth(client: KubernetesClient, ref: TargetRef, path: Path): Promise<TargetState> {
  const what = `read ${nameOf(ref)}`;
  for (let reads = 1; ; reads++) {
    const object = await readObject(client, ref, path);
    const scale: unknown = await client.call(what, (call) => client.custom.getNamespacedCustomObjectScale(path, call));
    const state = stateOf(scale, what, object);
    if (state.resourceVersion === object.resourceVersion) return state;
    if (reads === READS_MAX) {
      throw new TransientError(
        `Cannot ${what}: expected it to stay the same for two reads, current value is a change between them`,
      );
    }
  }
}

/** Writes only where it changes something: annotation updates load the API server. A pod that is gone needs no mark. */
async function setCost(
  client: KubernetesClient,
  ref: TargetRef,
  mark: {
    readonly name: string;
    readonly cost: string | null;
    readonly mayWrite: (() => Promise<void>) | undefined;
  },
): Promise<void> {
  const pod = { name: mark.name, namespace: ref.namespace };
  const what = `mark pod "${ref.namespace}/${mark.name}"`;
  try {
    const found = await client.call(what, (call) => client.core.readNamespacedPod(pod, call));
    const cost = found.metadata?.annotations?.[COST_ANNOTATION] ?? null;
    // A cost that somebody else set is theirs.
    if (cost === mark.cost || (mark.cost === null && cost !== VICTIM_COST)) return;
    const body = { metadata: { annotations: { [COST_ANNOTATION]: mark.cost } } };
    await mark.mayWrite?.();
    await client.call(what, (call) =>
      client.core.patchNamespacedPod({ ...pod, body, fieldManager: FIELD_MANAGER }, mergePatch(call)),
    );
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

async function pathOf(ref: TargetRef, kinds: ScalableKinds): Promise<Path> {
  return { ...(await kinds.resolve(ref)), namespace: ref.namespace, name: ref.name };
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

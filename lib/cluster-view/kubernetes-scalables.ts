/** Objects of any kind with a scale subresource: count and pods from the Scale object, the rest as far as the object says it. */
import { TransientError } from '../base/errors.ts';
import { countOf, recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { V1LabelSelector, V1Pod, V1PodSpec } from '../clients/kubernetes/facade.ts';
import type { ScalableKinds } from '../clients/kubernetes/kinds.ts';
import { parseSelector } from '../clients/kubernetes/selector.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import { PODS_PER_REPLICA_MAX } from '../core/policy.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import type { ScalableKind } from '../core/target-names.ts';
import type { GpuCounts, ReplicaShape } from '../core/types.ts';
import { addTo, gpusOfPod } from './kubernetes-gpus.ts';
import type { SeenTarget } from './kubernetes-targets.ts';
import { attempt } from './parts.ts';
import type { Part } from './parts.ts';

/** An object, its Scale, and the pods it selects. */
export type Scalable = {
  readonly object: JsonRecord;
  readonly scale: JsonRecord;
  readonly selector: V1LabelSelector;
  /** As the policy says. */
  readonly podsPerReplica?: number | undefined;
  /** Up to then no change of the object was missed [epoch ms]; undefined: it was read at this look. */
  readonly asOfMs?: number | undefined;
};

/** On every pod of a LeaderWorkerSet. Its Scale selects the leaders only. */
const GROUP_NAME_LABEL = 'leaderworkerset.sigs.k8s.io/name';

/** Objects looked at at once: two reads each, where they are not watched. */
const LOOKS_MAX = 5;

/** Where an object is. */
export type ScalablePath = ScalableKind & { readonly namespace: string; readonly name: string };

/** An object and its Scale, and up to when nothing of the object was missed [epoch ms]; undefined: it was read just now. */
export type ReadScalable = (
  at: ScalablePath,
  what: string,
) => Promise<{ readonly object: JsonRecord; readonly scale: JsonRecord; readonly asOfMs?: number | undefined }>;

type Asking = { readonly at: ScalablePath; readonly what: string };

/** Two GETs. Throws what `client.call` throws. */
export async function getScalable(client: KubernetesClient, asking: Asking): ReturnType<ReadScalable> {
  const { at, what } = asking;
  const [object, scale] = await Promise.all([
    client.call(what, (call) => client.custom.getNamespacedCustomObject(at, call) as Promise<unknown>),
    getScale(client, asking),
  ]);
  return { object: recordOf(object), scale };
}

/** One GET. Throws what `client.call` throws. */
export async function getScale(client: KubernetesClient, { at, what }: Asking): Promise<JsonRecord> {
  return recordOf(
    await client.call(what, (call) => client.custom.getNamespacedCustomObjectScale(at, call) as Promise<unknown>),
  );
}

/** Object and Scale of each policy's target: each whole or with its reason. */
export async function readScalables(
  read: ReadScalable,
  kinds: ScalableKinds,
  policies: readonly ScalingPolicy[],
): Promise<ReadonlyMap<ScalingPolicy, Part<Scalable>>> {
  const found = new Map<ScalingPolicy, Part<Scalable>>();
  const waiting = [...policies];
  const worker = async (): Promise<void> => {
    for (let policy = waiting.shift(); policy !== undefined; policy = waiting.shift()) {
      const { target } = policy.spec;
      found.set(policy, await attempt(() => readScalable(read, kinds, target)));
    }
  };
  await Promise.all(Array.from({ length: LOOKS_MAX }, worker));
  return found;
}

async function readScalable(
  read: ReadScalable,
  kinds: ScalableKinds,
  target: ScalingPolicy['spec']['target'],
): Promise<Scalable> {
  const { kind, namespace, name, podSelector, podsPerReplica } = target;
  const what = `observe ${kind} "${namespace}/${name}"`;
  const { object, scale, asOfMs } = await read({ ...(await kinds.resolve(target)), namespace, name }, what);
  const text = textOf(recordOf(scale['status'])['selector']) || (podSelector ?? '');
  const isGrouped = recordOf(object['spec'])['leaderWorkerTemplate'] !== undefined;
  const selector = isGrouped ? { matchLabels: { [GROUP_NAME_LABEL]: name } } : parseSelector(text);
  if (selector === null) {
    throw new TransientError(
      `Cannot ${what}: expected a Scale with a selector, or spec.target.podSelector, current value is "${text}"`,
    );
  }
  return { object, scale, selector, podsPerReplica, asOfMs };
}

/** What it says of itself. `pods`: its GPUs are theirs where no template tells. */
export function seenScalable({ object, scale, podsPerReplica }: Scalable, pods: readonly V1Pod[]): SeenTarget {
  const metadata = recordOf(object['metadata']);
  const status = recordOf(object['status']);
  const generation = countOf(metadata['generation']);
  const shape = shapeOf(recordOf(object['spec']), { podsPerReplica, pods });
  return {
    // A Scale leaves out a count of 0.
    replicas: countOf(recordOf(scale['spec'])['replicas']) ?? 0,
    generation,
    resourceVersion: textOf(metadata['resourceVersion']) || undefined,
    gpus: sumOf(shape),
    ...(shape.length === 1 ? {} : { replicaShape: replicaShape(shape) }),
    rolloutInProgress: isRolling(status, generation),
  };
}

/** By the names that most kinds use; a kind that uses none of them never rolls out, as far as we know. */
function isRolling(status: JsonRecord, generation: number | undefined): boolean {
  // Argo Rollouts write it as text; some kinds do not count at all but write a hash.
  const observed = status['observedGeneration'];
  const seen = /^\d+$/.test(String(observed)) ? Number(observed) : undefined;
  if (seen !== undefined && generation !== undefined && seen < generation) return true;
  const [updated, replicas] = [countOf(status['updatedReplicas']), countOf(status['replicas'])];
  return replicas !== undefined && replicas > 0 && 'updatedReplicas' in status && (updated ?? 0) < replicas;
}

/** GPUs of each pod of one replica: leader and workers of a LeaderWorkerSet, else pods of one template, or like a pod that runs. */
function shapeOf(
  spec: JsonRecord,
  of: { readonly podsPerReplica: number | undefined; readonly pods: readonly V1Pod[] },
): readonly GpuCounts[] {
  const group = recordOf(spec['leaderWorkerTemplate']);
  const worker = podSpecOf(group['workerTemplate']);
  const count = Math.min(of.podsPerReplica ?? countOf(group['size']) ?? 1, PODS_PER_REPLICA_MAX);
  const first = gpusOfPod(
    podSpecOf(group['leaderTemplate']) ?? worker ?? podSpecOf(spec['template']) ?? of.pods[0]?.spec,
  );
  const others = worker === undefined ? first : gpusOfPod(worker);
  return Array.from({ length: Math.max(1, count) }, (_, index) => (index === 0 ? first : others));
}

function sumOf(pods: readonly GpuCounts[]): GpuCounts {
  const sum = new Map<string, number>();
  for (const gpus of pods) addTo(sum, gpus);
  return Object.fromEntries([...sum].filter(([, count]) => count > 0));
}

/** Where pods differ, each is taken for the one that needs most: a node may then be asked for that is larger than one of them needs. */
function replicaShape(pods: readonly GpuCounts[]): ReplicaShape {
  const gpusPerPod = new Map<string, number>();
  for (const gpus of pods) {
    for (const [name, count] of Object.entries(gpus)) gpusPerPod.set(name, Math.max(gpusPerPod.get(name) ?? 0, count));
  }
  const gpuPods = pods.filter((gpus) => Object.values(gpus).some((count) => count > 0)).length;
  return {
    pods: pods.length,
    gpuPods,
    gpusPerPod: Object.fromEntries([...gpusPerPod].filter(([, count]) => count > 0)),
  };
}

function podSpecOf(template: unknown): V1PodSpec | undefined {
  const spec = recordOf(recordOf(template)['spec']);
  // The same shape as the typed one, as far as GPUs are told.
  return Array.isArray(spec['containers']) ? (spec as unknown as V1PodSpec) : undefined;
}

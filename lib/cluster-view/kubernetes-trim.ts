/**
 * What is kept of objects that are watched: the fields that this folder reads, and nothing else. A pod as the API sends it takes 5 to 20 kB, this about 1 kB, and
 * what the pods of one template have in common is kept once. That what is left out makes no difference is tested by both views of the same cluster.
 */
import { listOf, recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type {
  V1Node,
  V1ObjectMeta,
  V1Pod,
  V1PodSpec,
  V2HorizontalPodAutoscaler,
} from '../clients/kubernetes/facade.ts';
import type { Workload } from './kubernetes-targets.ts';

/** Trims objects of one collection. */
export type Trim<T> = (object: JsonRecord) => T;

/** Kept once each; beyond this (20 MB of labels of Jobs) the memory of what was kept begins anew, which costs only sharing. */
const SHARED_MAX = 20_000;

/** Annotations that are read. */
const POD_ANNOTATIONS = [
  'cluster-autoscaler.kubernetes.io/safe-to-evict',
  'karpenter.sh/do-not-disrupt',
  'kubernetes.io/config.mirror',
];
const SCALED_OBJECT_ANNOTATIONS = ['autoscaling.keda.sh/paused', 'autoscaling.keda.sh/paused-replicas'];
/** Conditions that are read. */
const CONDITIONS = new Set(['Ready', 'PodScheduled']);

export function podTrim(): Trim<V1Pod> {
  const share = sharing();
  return ({ metadata, spec, status }) => {
    const [pod, state] = [recordOf(spec), recordOf(status)];
    const { nodeName, terminationGracePeriodSeconds } = pod;
    const { phase, podIP } = state;
    const { containers, initContainers } = share(trimPodSpec(pod));
    return {
      metadata: trimMetadata(recordOf(metadata), share, POD_ANNOTATIONS),
      spec: {
        containers,
        ...(initContainers === undefined ? {} : { initContainers }),
        ...(typeof nodeName === 'string' ? { nodeName: share(nodeName) } : {}),
        ...(typeof terminationGracePeriodSeconds === 'number' ? { terminationGracePeriodSeconds } : {}),
      },
      status: {
        ...(typeof phase === 'string' ? { phase: share(phase) } : {}),
        ...(typeof podIP === 'string' ? { podIP } : {}),
        conditions: share(trimConditions(state)),
      },
    };
  };
}

export function nodeTrim(): Trim<V1Node> {
  const share = sharing();
  return ({ metadata, spec, status }) => {
    const { providerID, unschedulable, taints } = recordOf(spec);
    const state = recordOf(status);
    return {
      // Every node has labels of its own: those of nodes long gone would be remembered for sharing (3 kB each).
      metadata: trimMetadata(recordOf(metadata), alone, []),
      spec: {
        ...(typeof providerID === 'string' ? { providerID } : {}),
        ...(unschedulable === true ? { unschedulable } : {}),
        taints: share(
          listOf(taints)
            .map(recordOf)
            .map(({ key, effect }) => ({ key: textOf(key), effect: textOf(effect) })),
        ),
      },
      status: { allocatable: share(extended(state['allocatable'])), conditions: share(trimConditions(state)) },
    };
  };
}

/** Deployments and StatefulSets. */
export function workloadTrim(): Trim<Workload> {
  const share = sharing();
  return ({ metadata, spec, status }) => {
    const said = recordOf(spec);
    const { replicas, selector, template } = said;
    const { observedGeneration, updatedReplicas, replicas: existing } = recordOf(status);
    const { matchLabels, matchExpressions } = recordOf(selector);
    const trimmed = {
      metadata: trimMetadata(recordOf(metadata), share, []),
      ...(spec === undefined
        ? {}
        : {
            spec: {
              ...numbers({ replicas }),
              selector: {
                ...(matchLabels === undefined ? {} : { matchLabels: stringsOf(matchLabels) }),
                ...(matchExpressions === undefined ? {} : { matchExpressions: listOf(matchExpressions).map(recordOf) }),
              },
              template: { spec: share(trimPodSpec(recordOf(recordOf(template)['spec']))) },
            },
          }),
      status: numbers({ observedGeneration, updatedReplicas, replicas: existing }),
    };
    // The two kinds are the same in what is read.
    return trimmed as unknown as Workload;
  };
}

/** Objects of any kind with a Scale: what `kubernetes-scalables.ts` reads. */
export function scalableTrim(): Trim<JsonRecord> {
  const share = sharing();
  return ({ metadata, spec, status }) => {
    const { name, generation, resourceVersion } = recordOf(metadata);
    const { leaderWorkerTemplate, template } = recordOf(spec);
    const { size, leaderTemplate, workerTemplate } = recordOf(leaderWorkerTemplate);
    const group = { ...numbers({ size }), ...templateOf({ leaderTemplate }), ...templateOf({ workerTemplate }) };
    const { observedGeneration, updatedReplicas, replicas } = recordOf(status);
    return {
      metadata: { name, generation, resourceVersion },
      spec: share({
        ...(leaderWorkerTemplate === undefined ? {} : { leaderWorkerTemplate: group }),
        ...templateOf({ template }),
      }),
      status: present({ observedGeneration, updatedReplicas, replicas }),
    };
  };
}

/** A pod template without what is not read; none where it has no containers. */
function templateOf(named: Readonly<Record<string, unknown>>): JsonRecord {
  const entries = Object.entries(named).flatMap(([name, template]) => {
    const spec = recordOf(recordOf(template)['spec']);
    return Array.isArray(spec['containers']) ? [[name, { spec: trimPodSpec(spec) }] as const] : [];
  });
  return Object.fromEntries(entries);
}

function present(values: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

export function autoscalerTrim(): Trim<V2HorizontalPodAutoscaler> {
  const share = sharing();
  return ({ metadata, spec }) => {
    const { scaleTargetRef, minReplicas, maxReplicas, behavior } = recordOf(spec);
    const { kind, name } = recordOf(scaleTargetRef);
    const { scaleUp, scaleDown } = recordOf(behavior);
    return {
      metadata: trimMetadata(recordOf(metadata), share, []),
      spec: {
        scaleTargetRef: { kind: textOf(kind), name: textOf(name) },
        ...numbers({ minReplicas }),
        maxReplicas: typeof maxReplicas === 'number' ? maxReplicas : 0,
        behavior: { scaleUp: ruleOf(scaleUp), scaleDown: ruleOf(scaleDown) },
      },
    };
  };
}

function ruleOf(value: unknown) {
  return { selectPolicy: textOf(recordOf(value)['selectPolicy']) };
}

/** ScaledObjects of KEDA. */
export function scaledObjectTrim(object: JsonRecord): JsonRecord {
  const { name, namespace, annotations } = recordOf(object['metadata']);
  const { kind, name: target } = recordOf(recordOf(object['spec'])['scaleTargetRef']);
  return {
    metadata: { name, namespace, annotations: picked(annotations, SCALED_OBJECT_ANNOTATIONS) },
    spec: { scaleTargetRef: { kind, name: target } },
  };
}

type Share = <T>(value: T) => T;

const alone: Share = (value) => value;

/** Gives the same value for equal ones, frozen by convention: nobody here writes into what is kept. */
function sharing(): Share {
  const known = new Map<string, unknown>();
  return <T>(value: T): T => {
    const key = JSON.stringify(value);
    const found = known.get(key);
    if (found !== undefined) return found as T;
    if (known.size >= SHARED_MAX) known.clear();
    known.set(key, value);
    return value;
  };
}

function trimMetadata(raw: JsonRecord, share: Share, annotations: readonly string[]): V1ObjectMeta {
  const { name, namespace, generation, resourceVersion, labels, ownerReferences: owners } = raw;
  const kept = picked(raw['annotations'], annotations);
  return {
    name: textOf(name),
    ...(typeof namespace === 'string' ? { namespace: share(namespace) } : {}),
    ...numbers({ generation }),
    resourceVersion: textOf(resourceVersion),
    ...times(raw),
    ...(labels === undefined ? {} : { labels: share(stringsOf(labels)) }),
    ...(Object.keys(kept).length === 0 ? {} : { annotations: share(kept) }),
    ...(owners === undefined ? {} : { ownerReferences: share(listOf(owners).map(ownerOf)) }),
  };
}

function ownerOf(value: unknown) {
  const { apiVersion, kind, name, controller } = recordOf(value);
  const isController = controller === true ? { controller } : {};
  return { apiVersion: textOf(apiVersion), kind: textOf(kind), name: textOf(name), uid: '', ...isController };
}

function times({ creationTimestamp: created, deletionTimestamp: deleted }: JsonRecord) {
  return {
    ...(typeof created === 'string' ? { creationTimestamp: new Date(created) } : {}),
    ...(typeof deleted === 'string' ? { deletionTimestamp: new Date(deleted) } : {}),
  };
}

/** Of containers only what they ask of GPUs (and other resources that are named with a domain) matters. */
function trimPodSpec(spec: JsonRecord): V1PodSpec {
  const initContainers = containersOf(spec['initContainers']);
  return { containers: containersOf(spec['containers']), ...(initContainers.length === 0 ? {} : { initContainers }) };
}

function containersOf(value: unknown) {
  return listOf(value)
    .map(recordOf)
    .map(({ resources, restartPolicy }) => {
      const { limits, requests } = recordOf(resources);
      return {
        name: '',
        resources: { limits: extended(limits), requests: extended(requests) },
        ...(typeof restartPolicy === 'string' ? { restartPolicy } : {}),
      };
    })
    .filter(({ resources: { limits, requests } }) => Object.keys(limits).length + Object.keys(requests).length > 0);
}

function extended(list: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(stringsOf(list)).filter(([name]) => name.includes('/')));
}

function trimConditions(status: JsonRecord) {
  return listOf(status['conditions'])
    .map(recordOf)
    .filter(({ type }) => CONDITIONS.has(textOf(type)))
    .map(({ type, status: holds, reason }) => ({
      type: textOf(type),
      status: textOf(holds),
      ...(typeof reason === 'string' ? { reason } : {}),
    }));
}

/** Those that are numbers. */
function numbers<K extends string>(values: Readonly<Record<K, unknown>>): Partial<Record<K, number>> {
  const entries = Object.entries(values).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(entries) as Partial<Record<K, number>>;
}

function picked(annotations: unknown, names: readonly string[]): Record<string, string> {
  const all = recordOf(annotations);
  const found = names.flatMap((name) => (typeof all[name] === 'string' ? [[name, all[name]] as const] : []));
  return Object.fromEntries(found);
}

function stringsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(recordOf(value)).map(([key, one]) => [key, String(one)]));
}

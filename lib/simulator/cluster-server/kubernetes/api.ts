/** The Kubernetes API: from a request to its answer. Who may ask is settled before. */
import type { ApiRecord, DeploymentRecord, PodRecord } from '../../world/state/records.ts';
import { isoSeconds } from '../../world/state/state.ts';
import type { ApiAnswer, ApiRequest } from '../http.ts';
import { reviewAccess } from './access.ts';
import type { Identity } from './access.ts';
import { deletePod, postEviction } from './write/evictions.ts';
import { listObjects, typedJson } from './read/list.ts';
import type { ListContext } from './read/list.ts';
import { renderReplicaSet, renderScale } from './render/render.ts';
import { isServedAs } from './read/selection.ts';
import { RESOURCES, apiVersionOf } from './resources.ts';
import type { Resource, Target } from './resources.ts';
import { methodNotAllowed, notFound } from './status.ts';
import { keyOf } from './read/store.ts';
import { patchAutoscaler } from './write/autoscalers.ts';
import { patchDeployment, patchNode, patchPod, patchScale, putScale } from './write/writes.ts';

export type Call = {
  readonly target: Target;
  readonly resource: Resource;
  readonly verb: string;
  readonly request: ApiRequest;
  readonly identity: Identity;
};

/** Answers everything but watches. */
export function answerCall(context: ListContext, call: Call): ApiAnswer {
  const { resource, verb } = call;
  if (!resource.verbs.includes(verb)) return methodNotAllowed();
  switch (resource.resource) {
    case 'selfsubjectaccessreviews':
      return reviewAccess(call.identity, call.request.body);
    case 'namespaces':
      return answerNamespaces(context, call);
    case 'replicasets':
      return answerReplicaSets(context, call);
    default:
      return verb === 'list' ? listObjects(context, call, call.request) : answerObject(context, call);
  }
}

function answerObject(context: ListContext, call: Call): ApiAnswer {
  const record = recordOf(context, call);
  const { target, resource, verb } = call;
  const [main = '', subresource] = target.resource.split('/');
  if (record === undefined) return notFound({ group: target.group, resource: main }, target.name ?? '');
  if (subresource === 'eviction') return postEviction(context.world, record as PodRecord, call.request);
  const refusal = verb === 'get' ? undefined : write(context, { ...call, record });
  if (refusal !== undefined) return refusal;
  if (subresource === 'scale') return json(renderScale(record as DeploymentRecord));
  return objectAnswer(context, { resource, record });
}

function recordOf({ store }: ListContext, { target }: Call): ApiRecord | undefined {
  const [main = ''] = target.resource.split('/');
  const kind = RESOURCES.find((one) => one.group === target.group && one.resource === main)?.stored;
  const key = keyOf({ namespace: target.namespace, name: target.name ?? '' });
  const record = kind === undefined ? undefined : store.get(kind, key)?.record;
  return record !== undefined && isServedAs(record, main) ? record : undefined;
}

function write(context: ListContext, call: Call & { readonly record: ApiRecord }): ApiAnswer | undefined {
  const { record, request, target, verb } = call;
  const writing = { world: context.world, request };
  if (record.kind === 'pods') {
    return verb === 'delete' ? deletePod(context.world, record, request) : patchPod(writing, record);
  }
  if (record.kind === 'nodes') return patchNode(writing, record);
  if (record.kind === 'horizontalpodautoscalers' || record.kind === 'scaledobjects') {
    return patchAutoscaler(writing, record);
  }
  if (record.kind !== 'deployments') return methodNotAllowed();
  if (!target.resource.includes('/')) return patchDeployment(writing, record);
  return verb === 'update' ? putScale(writing, record) : patchScale(writing, record);
}

// A deleted pod is shown as it was last; it has left the store when it went at once.
function objectAnswer({ world, store }: ListContext, shown: { resource: Resource; record: ApiRecord }): ApiAnswer {
  const { record, resource } = shown;
  const namespace = 'namespace' in record ? record.namespace : undefined;
  const entry = store.get(record.kind, keyOf({ namespace, name: record.name }));
  if (entry !== undefined) return { status: 200, body: typedJson(world, resource, entry) };
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
}

function answerNamespaces({ world, store }: ListContext, { target, resource, verb }: Call): ApiAnswer {
  const { deployments, budgets, startMs } = world.state;
  const names = new Set(['default', 'kube-system']);
  for (const record of [...deployments.values(), ...budgets.values()]) names.add(record.namespace);
  const objects = [...names].toSorted().map((name) => ({
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: isoSeconds(startMs) },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }));
  return answerPlain({ resource, target, verb, objects, version: store.version() });
}

function answerReplicaSets({ world, store }: ListContext, { target, resource, verb }: Call): ApiAnswer {
  const owners = [...world.state.deployments.values()].filter(
    (one) =>
      (target.namespace === undefined || one.namespace === target.namespace) &&
      (one.servedAs === 'deployments' || one.servedAs === 'rollouts'),
  );
  return answerPlain({ resource, target, verb, objects: owners.map(renderReplicaSet), version: store.version() });
}

type Plain = {
  readonly resource: Resource;
  readonly target: Target;
  readonly verb: string;
  readonly objects: readonly { readonly metadata: { readonly name: string } }[];
  readonly version: number;
};

// Kinds that exist only in answers: listed whole, without selectors.
function answerPlain({ resource, target, verb, objects, version }: Plain): ApiAnswer {
  const apiVersion = apiVersionOf(resource);
  if (verb === 'list') {
    const metadata = { resourceVersion: String(version) };
    return json({ kind: `${resource.kind}List`, apiVersion, metadata, items: objects });
  }
  const object = objects.find((one) => one.metadata.name === target.name);
  if (object === undefined) return notFound(target, target.name ?? '');
  return json({ kind: resource.kind, apiVersion, ...object });
}

function json(value: object): ApiAnswer {
  return { status: 200, body: JSON.stringify(value) };
}

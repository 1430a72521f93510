/** PATCH and PUT: preconditions, checks, and the change of the record. */
import { changed } from '../../../world/kubernetes/nodes.ts';
import type { DeploymentRecord, NodeRecord, PodRecord, Taint } from '../../../world/state/records.ts';
import { effectiveTaints } from '../../../world/kubernetes/scheduler.ts';
import { touch } from '../../../world/state/state.ts';
import type { World } from '../../../world/world.ts';
import { isObject, parseJson } from '../../http.ts';
import type { ApiAnswer, ApiRequest, JsonObject } from '../../http.ts';
import { applyPatch } from './patch.ts';
import type { Patched } from './patch.ts';
import { render, renderScale } from '../render/render.ts';
import { badRequest, conflict, invalid, unreadablePatch } from '../status.ts';
import type { ResourceId } from '../status.ts';

/** A refusal, or undefined: the change was made (or would be, with `dryRun`). */
export type Outcome = ApiAnswer | undefined;
export type WriteContext = { readonly world: World; readonly request: ApiRequest };

const SERVED_AS = {
  deployments: { group: 'apps', resource: 'deployments' },
  rollouts: { group: 'argoproj.io', resource: 'rollouts' },
  statefulsets: { group: 'apps', resource: 'statefulsets' },
  leaderworkersets: { group: 'leaderworkerset.x-k8s.io', resource: 'leaderworkersets' },
} as const;
const INT32_MAX = 2 ** 31 - 1;

/** PATCH of a Deployment: replicas, labels and annotations; other spec changes would roll out, which is not simulated. */
export function patchDeployment({ world, request }: WriteContext, record: DeploymentRecord): Outcome {
  const current = asJson(render(world.state, record));
  const patched = applyPatch(request, current);
  if ('error' in patched) return patched.error;
  const refusal = checkMetadata(SERVED_AS[record.servedAs], { current, next: patched.object });
  if (refusal !== undefined) return refusal;
  const spec = objectAt(patched.object, 'spec');
  const { replicas = 1, ...rest } = spec;
  const { replicas: _, ...before } = objectAt(current, 'spec');
  const bad = checkReplicas({ kind: 'Deployment', group: 'apps', name: record.name, request }, replicas);
  if (bad !== undefined) return bad;
  if (JSON.stringify(rest) !== JSON.stringify(before)) return notSimulated('Deployment', record.name);
  if (isDryRun(request)) return undefined;
  writeMetadata(world, record, patched.object);
  setReplicasOf(world, record, Number(replicas));
  return undefined;
}

function notSimulated(kind: string, name: string): ApiAnswer {
  const message = 'Forbidden: the cluster simulator does not roll out changes of the pod template';
  return invalid({ name: kind, group: 'apps' }, name, { reason: 'FieldValueForbidden', message, field: 'spec' });
}

/** PATCH of the scale subresource. */
export function patchScale({ world, request }: WriteContext, record: DeploymentRecord): Outcome {
  return writeScale({ world, request }, record, applyPatch(request, asJson(renderScale(record))));
}

/** PUT of the scale subresource; without a resource version it overwrites unconditionally. */
export function putScale({ world, request }: WriteContext, record: DeploymentRecord): Outcome {
  const body = parseJson(request.body);
  if (!isObject(body)) return badRequest('the object provided is unrecognized (must be of type Scale)');
  return writeScale({ world, request }, record, { object: body });
}

function writeScale({ world, request }: WriteContext, record: DeploymentRecord, patched: Patched): Outcome {
  if ('error' in patched) return patched.error;
  const refusal = checkMetadata(SERVED_AS[record.servedAs], {
    current: asJson(renderScale(record)),
    next: patched.object,
  });
  if (refusal !== undefined) return refusal;
  // An absent number is Go's zero value, as in the real API.
  const { replicas = 0 } = objectAt(patched.object, 'spec');
  const bad = checkReplicas({ kind: 'Scale', group: 'autoscaling', name: record.name, request }, replicas);
  if (bad !== undefined || isDryRun(request)) return bad;
  setReplicasOf(world, record, Number(replicas));
  return undefined;
}

function setReplicasOf(world: World, record: DeploymentRecord, replicas: number): void {
  if (record.replicas !== replicas) world.scale(record, replicas);
}

/** PATCH of a pod: labels and annotations. */
export function patchPod({ world, request }: WriteContext, record: PodRecord): Outcome {
  const current = asJson(render(world.state, record));
  const patched = applyPatch(request, current);
  if ('error' in patched) return patched.error;
  const refusal = checkMetadata({ group: '', resource: 'pods' }, { current, next: patched.object });
  if (refusal !== undefined || isDryRun(request)) return refusal;
  writeMetadata(world, record, patched.object);
  return undefined;
}

/** PATCH of a node: cordon, taints, labels and annotations. */
export function patchNode({ world, request }: WriteContext, record: NodeRecord): Outcome {
  const current = asJson(render(world.state, record));
  const patched = applyPatch(request, current);
  if ('error' in patched) return patched.error;
  const refusal = checkMetadata({ group: '', resource: 'nodes' }, { current, next: patched.object });
  if (refusal !== undefined || isDryRun(request)) return refusal;
  const spec = objectAt(patched.object, 'spec');
  const before = objectAt(current, 'spec');
  writeMetadata(world, record, patched.object);
  if (JSON.stringify(spec['taints']) !== JSON.stringify(before['taints'])) writeTaints(world, record, spec['taints']);
  world.cordon(record, spec['unschedulable'] === true);
  return undefined;
}

// The node controller's own taints come back by themselves; what is stored is the owner's.
function writeTaints(world: World, record: NodeRecord, taints: unknown): void {
  const list = Array.isArray(taints) ? (taints as unknown[]).filter((taint) => isTaint(taint)) : [];
  const derived = new Set(effectiveTaints({ ...record, taints: [] }).map((taint) => taint.key));
  record.taints = list.filter((taint) => !derived.has(taint.key));
  world.act(() => changed(world.state, record));
}

function isTaint(value: unknown): value is Taint {
  return isObject(value) && typeof value['key'] === 'string' && typeof value['effect'] === 'string';
}

function writeMetadata(world: World, record: DeploymentRecord | PodRecord | NodeRecord, next: JsonObject): void {
  const metadata = objectAt(next, 'metadata');
  const [labels, annotations] = [stringsAt(metadata, 'labels'), stringsAt(metadata, 'annotations')];
  if (same(labels, record.labels) && same(annotations, record.annotations)) return;
  // The real API counts a Deployment's annotations as part of what it should be, its labels not.
  if (record.kind === 'deployments' && !same(annotations, record.annotations)) {
    record.generation += 1;
    world.state.dirtyDeployments.add(record);
  }
  record.labels = labels;
  record.annotations = annotations;
  touch(world.state, record);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What the sender says about identity and version must be true; saying nothing is no precondition. */
export function checkMetadata(id: ResourceId, objects: { current: JsonObject; next: JsonObject }): Outcome {
  const [is, said] = [objectAt(objects.current, 'metadata'), objectAt(objects.next, 'metadata')];
  const name = String(is['name']);
  const differs = (key: string): boolean => said[key] !== undefined && said[key] !== '' && said[key] !== is[key];
  if (differs('name')) {
    return badRequest(`the name of the object (${String(said['name'])}) does not match the name on the URL (${name})`);
  }
  if (differs('namespace')) return badRequest('the namespace of the object does not match the namespace on the URL');
  if (differs('uid')) {
    const because = `Precondition failed: UID in precondition: ${String(said['uid'])}, UID in object meta: ${String(is['uid'])}`;
    return conflict(id, name, because);
  }
  return differs('resourceVersion') ? conflict(id, name) : undefined;
}

type Checked = {
  readonly kind: string;
  readonly group: string;
  readonly name: string;
  readonly request: ApiRequest;
};

function checkReplicas(of: Checked, replicas: unknown): Outcome {
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || Math.abs(replicas) > INT32_MAX) {
    const because = `json: cannot unmarshal ${typeof replicas} into Go struct field ${of.kind}Spec.spec.replicas of type int32`;
    // The result of a patch is judged, the body of a PUT is read.
    return of.request.method === 'PUT' ? badRequest(because) : unreadablePatch(because);
  }
  if (replicas >= 0) return undefined;
  return invalid({ name: of.kind, group: of.group }, of.name, {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
    field: 'spec.replicas',
  });
}

/** True for `?dryRun=All`. */
export function isDryRun(request: ApiRequest): boolean {
  return request.query.getAll('dryRun').includes('All');
}

/** A copy as it goes over the wire. */
export function asJson(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

/** The object at `key`; empty for anything else. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

/** The texts at `key`, such as labels. */
export function stringsAt(object: JsonObject, key: string): Record<string, string> {
  const entries = Object.entries(objectAt(object, key)).map(([name, value]) => [name, String(value)] as const);
  return Object.fromEntries(entries);
}

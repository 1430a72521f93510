/** POST pods/eviction and DELETE of a pod. */
import type { Eviction } from '../../../world/kubernetes/disruption-budgets.ts';
import type { PodRecord } from '../../../world/state/records.ts';
import { isObject, parseJson } from '../../http.ts';
import type { ApiAnswer, ApiRequest, JsonObject } from '../../http.ts';
import type { World } from '../../../world/world.ts';
import { badRequest, conflict, evictionRefused, internalError } from '../status.ts';
import { isDryRun } from './writes.ts';

const PODS = { group: '', resource: 'pods' };

/** Evicts `pod`: 201, or 429 when a disruption budget forbids it, or 409 when a precondition does not hold. */
export function postEviction(world: World, pod: PodRecord, request: ApiRequest): ApiAnswer {
  const body = parseJson(request.body);
  if (!isObject(body) || body['kind'] !== 'Eviction') {
    return badRequest('the object provided is unrecognized (must be of type Eviction)');
  }
  const name = objectAt(body, 'metadata')['name'];
  if (typeof name === 'string' && name !== '' && name !== pod.name) {
    return badRequest('name in URL does not match name in Eviction object');
  }
  const options = objectAt(body, 'deleteOptions');
  const failed = checkPreconditions(pod, options);
  if (failed !== undefined) return failed;
  const dryRun = isDryRun(request) || JSON.stringify(options['dryRun']) === '["All"]';
  return answerOf(world.evict(pod, { dryRun, graceSec: graceOf(options, request) }));
}

function answerOf(eviction: Eviction): ApiAnswer {
  if (eviction.kind === 'severalBudgets') {
    return internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  if (eviction.kind === 'forbidden') {
    const { desiredHealthy, currentHealthy } = eviction.status;
    return evictionRefused(
      `The disruption budget ${eviction.budget} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return { status: 201, body: JSON.stringify(success) };
}

/** Deletes `pod` without asking any budget; undefined when it was done (or would be). */
export function deletePod(world: World, pod: PodRecord, request: ApiRequest): ApiAnswer | undefined {
  const body = parseJson(request.body);
  const options = isObject(body) ? body : {};
  const failed = checkPreconditions(pod, options);
  if (failed !== undefined || isDryRun(request)) return failed;
  world.deletePod(pod, graceOf(options, request));
  return undefined;
}

function graceOf(options: JsonObject, request: ApiRequest): number | undefined {
  const value = options['gracePeriodSeconds'] ?? request.query.get('gracePeriodSeconds') ?? undefined;
  return value === undefined ? undefined : Math.max(0, Number(value));
}

function checkPreconditions(pod: PodRecord, options: JsonObject): ApiAnswer | undefined {
  const { uid, resourceVersion } = objectAt(options, 'preconditions');
  if (typeof uid === 'string' && uid !== pod.uid) {
    const because = `the UID in the precondition (${uid}) does not match the UID in record (${pod.uid}). The object might have been deleted and then recreated`;
    return conflict(PODS, pod.name, because);
  }
  if (typeof resourceVersion === 'string' && resourceVersion !== String(pod.resourceVersion)) {
    const because = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${pod.resourceVersion}). The object might have been modified`;
    return conflict(PODS, pod.name, because);
  }
  return undefined;
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

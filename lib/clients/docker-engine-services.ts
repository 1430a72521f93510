/** Services and tasks of a Swarm, as its managers describe them. */
import { ConfigError, NotFoundError, TransientError } from '../base/errors.ts';
import { canonicalJson, fnv1a64Hex } from '../core/hash.ts';
import type { DockerEngine } from './docker-engine.ts';
import { countOf, integerTextOf, listOf, recordOf, textOf } from './json-values.ts';
import type { JsonRecord } from './json-values.ts';

export type SwarmService = {
  readonly id: string;
  readonly name: string;
  /** The version index that an update must name. */
  readonly index: string;
  readonly replicas: number;
  /** A fingerprint of the spec, 48 bits: Swarm counts its writes, but not those of the spec alone. */
  readonly generation: number;
  /** The whole spec, to be written back with one field changed. */
  readonly spec: JsonRecord;
  /** `updating`, `paused`, `completed`, `rollback_started`, …; empty when the last update replaced no task. */
  readonly updateState: string;
};

/** Task ids in one question: a proxy in between takes some 8 kB of URL. */
const SERVICES_PER_LIST = 100;

/** Lists of a large Swarm take longer than one object [ms]. */
const LIST_MS_MAX = 5_000;

/** Throws NotFoundError, ConfigError (its mode has no replicas), DeniedError, TransientError. */
export async function readService(engine: DockerEngine, name: string, what: string): Promise<SwarmService> {
  const path = `/services/${encodeURIComponent(name)}`;
  const raw = recordOf(await engine.call(what, { method: 'GET', path }));
  // A name that does not exist is taken as the beginning of an id: that would be another service.
  const found = serviceName(raw);
  if (found !== name) {
    throw new NotFoundError(`Cannot ${what}: expected an existing service, current value is "${found}" by its id`);
  }
  return serviceOf(raw, what);
}

/** All services by name, each as the manager describes it: one that cannot be resized must not spoil the others. See {@link serviceOf}. */
export async function listServices(engine: DockerEngine, what: string): Promise<ReadonlyMap<string, JsonRecord>> {
  const answer = await engine.call(what, { method: 'GET', path: '/services', timeoutMs: LIST_MS_MAX });
  if (!Array.isArray(answer)) throw notAList(what);
  return new Map(answer.map(recordOf).map((raw) => [serviceName(raw), raw]));
}

/** Throws ConfigError when the service has no number of replicas, TransientError when parts are missing. */
export function serviceOf(raw: JsonRecord, what: string): SwarmService {
  const spec = recordOf(raw['Spec']);
  const mode = recordOf(spec['Mode']);
  const id = textOf(raw['ID']);
  const index = integerTextOf(recordOf(raw['Version'])['Index']);
  if (mode['Replicated'] === undefined && Object.keys(mode).length > 0) {
    throw new ConfigError(
      `Cannot ${what}: expected a replicated service, current value is ${Object.keys(mode).join(', ')}`,
    );
  }
  const replicas = countOf(recordOf(mode['Replicated'])['Replicas']);
  if (replicas === undefined || id === '' || index === '') {
    throw new TransientError(
      `Cannot ${what}: expected id, version and replicas, current value is an answer without them`,
    );
  }
  const generation = Number.parseInt(fnv1a64Hex(canonicalJson(spec)).slice(0, 12), 16);
  const updateState = textOf(recordOf(raw['UpdateStatus'])['State']);
  return { id, name: textOf(spec['Name']), index, replicas, generation, spec, updateState };
}

/** Writes the spec as it was read with another count. Throws ConflictError when anything wrote the service since, and what {@link readService} throws. */
export async function resizeService(
  engine: DockerEngine,
  service: SwarmService,
  change: { readonly replicas: number; readonly what: string },
): Promise<void> {
  const replicated = { ...recordOf(recordOf(service.spec['Mode'])['Replicated']), Replicas: change.replicas };
  const body = { ...service.spec, Mode: { ...recordOf(service.spec['Mode']), Replicated: replicated } };
  // By id: a service of the same name that was made anew is another one.
  const path = `/services/${encodeURIComponent(service.id)}/update?version=${service.index}`;
  await engine.call(change.what, { method: 'POST', path, body });
}

/** Tasks of these services, finished ones included. Throws NotFoundError when one of them is gone. */
export async function listTasks(
  engine: DockerEngine,
  serviceIds: readonly string[],
  what: string,
): Promise<readonly JsonRecord[]> {
  const tasks: JsonRecord[] = [];
  for (let start = 0; start < serviceIds.length; start += SERVICES_PER_LIST) {
    const filters = JSON.stringify({ service: serviceIds.slice(start, start + SERVICES_PER_LIST) });
    const path = `/tasks?filters=${encodeURIComponent(filters)}`;
    const answer = await engine.call(what, { method: 'GET', path, timeoutMs: LIST_MS_MAX });
    if (!Array.isArray(answer)) throw notAList(what);
    tasks.push(...listOf(answer).map(recordOf));
  }
  return tasks;
}

function serviceName(raw: JsonRecord): string {
  return textOf(recordOf(raw['Spec'])['Name']);
}

function notAList(what: string): TransientError {
  return new TransientError(`Cannot ${what}: expected a list, current value is something else`);
}

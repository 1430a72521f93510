/** Serves the Kubernetes API of a world. */
import type { ServerResponse } from 'node:http';
import type { World } from '../../world/world.ts';
import { pass } from '../gate.ts';
import type { Gate } from '../gate.ts';
import type { ApiAnswer, ApiRequest } from '../http.ts';
import { send } from '../http.ts';
import { forbidden, identify, isAllowed } from './access.ts';
import type { Asked, Identity } from './access.ts';
import { answerCall } from './api.ts';
import { PUBLIC_PATHS, discover } from './discovery.ts';
import { parseTarget, resourceOf, verbOf } from './resources.ts';
import { fail, internalError, noSuchPath, tooManyRequests, unauthorized } from './status.ts';
import type { Store } from './read/store.ts';
import { startWatch } from './read/watch.ts';
import type { Watcher } from './read/watch.ts';

export type KubernetesHost = {
  readonly world: World;
  readonly store: Store;
  readonly gate: Gate;
  readonly tokens: ReadonlyMap<string, Identity>;
  readonly watchers: Set<Watcher>;
  readonly bookmarkIntervalMs: number;
};

/** Watches open at a time; more are refused with 429. */
const WATCHES_MAX = 1_000;

/** Answers one request. */
export async function serveKubernetes(host: KubernetesHost, request: ApiRequest, response: ServerResponse) {
  const target = parseTarget(request.path);
  const watching = ['true', '1'].includes(request.query.get('watch') ?? '');
  const verb = target === undefined ? request.method.toLowerCase() : verbOf(request.method, target, watching);
  const identity = identify(request, host.tokens);
  const denied = (asked: Asked): ApiAnswer => forbidden(identity ?? { user: 'unknown', rules: [] }, asked);
  await pass(host.gate, {
    service: 'kubernetes',
    operation: `${verb} ${target?.resource ?? request.path}`,
    request,
    response,
    refusals: {
      throttle: tooManyRequests,
      error: () => internalError('injected by the scenario'),
      forbid: () => (target === undefined ? noSuchPath() : denied({ ...target, verb })),
      unauthenticated: unauthorized,
    },
    answer: () => {
      if (identity === undefined) return unauthorized();
      if (target === undefined || request.path.split('/').length <= 4) {
        const found = discover(trimmed(request.path));
        if (found !== undefined) return isPublic(request, identity) ? found : unauthenticatedPath(request, identity);
      }
      if (target === undefined) return noSuchPath();
      const resource = resourceOf(target);
      // A watch of one object by name counts as that object's watch.
      const name = target.name ?? nameInSelector(request, verb);
      // As a real server does: who may not ask is not told whether there is such a kind.
      if (!isReview(target.resource) && !isAllowed(identity, { ...target, name, verb })) {
        return denied({ ...target, verb });
      }
      if (resource === undefined) return noSuchPath();
      if (verb === 'watch') return watch(host, { resource, target, request, response });
      return answerCall(host, { target, resource, verb, request, identity });
    },
  });
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

// Everybody may ask what they may do.
function isReview(resource: string): boolean {
  return resource === 'selfsubjectaccessreviews';
}

function isPublic(request: ApiRequest, identity: Identity): boolean {
  return PUBLIC_PATHS.has(trimmed(request.path)) || identity.user !== 'system:anonymous';
}

function unauthenticatedPath(request: ApiRequest, identity: Identity): ApiAnswer {
  const message = `forbidden: User "${identity.user}" cannot ${request.method.toLowerCase()} path "${request.path}"`;
  return fail({ code: 403, reason: 'Forbidden', message, details: {} });
}

function nameInSelector(request: ApiRequest, verb: string): string | undefined {
  if (verb !== 'watch' && verb !== 'list') return undefined;
  return /^metadata\.name=([^,]+)$/.exec(request.query.get('fieldSelector') ?? '')?.[1];
}

function watch(host: KubernetesHost, watched: Parameters<typeof startWatch>[1]): ApiAnswer | undefined {
  if (host.watchers.size >= WATCHES_MAX) return tooManyRequests(1);
  if (watched.resource.stored === undefined) return noSuchPath();
  const { response } = watched;
  const watcher = startWatch(host, watched, {
    nowMs: host.gate.clock.nowMs(),
    bookmarkIntervalMs: host.bookmarkIntervalMs,
    faults: host.gate.faults,
    onClose: () => {
      if (watcher !== undefined) host.watchers.delete(watcher);
    },
  });
  if (watcher !== undefined && !response.destroyed) host.watchers.add(watcher);
  return undefined;
}

/** 413 for a body beyond the limit. */
export function refuseLargeBody(response: ServerResponse): void {
  send(
    response,
    fail({ code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' }),
  );
}

/** What an answer of the Kubernetes API means for us: HTTP status and Status object → one of our errors. */
import {
  ConfigError,
  ConflictError,
  DeniedError,
  NotFoundError,
  PenstockError,
  TransientError,
} from '../../base/errors.ts';
import { ApiException } from './facade.ts';
import { thrownOf } from '../thrown.ts';

/** The parts of a Kubernetes `Status` object that we read. */
export type KubernetesStatus = {
  readonly message: string;
  readonly reason: string;
  /** Reasons in detail, such as `DisruptionBudget`. */
  readonly causes: readonly { readonly reason: string; readonly message: string }[];
  readonly retryAfterSec: number | undefined;
};

/** No server should make us wait longer than this by one header [ms]. */
const RETRY_AFTER_MS_MAX = 300_000;

/**
 * Maps anything a call threw. `what` completes `Cannot …`, such as `scale Deployment "inference/llama"`.
 * 404 NotFoundError; 401, 403 DeniedError naming the missing verb and resource, and where to grant it; 409 ConflictError; 429, 5xx, timeouts and network TransientError
 * (with `retryAfterMs` when told); 410 (an expired list) TransientError; other 4xx ConfigError. The original is the `cause`.
 */
export function kubernetesError(what: string, error: unknown): PenstockError {
  if (error instanceof PenstockError) return error;
  if (!(error instanceof ApiException)) return networkError(what, error);
  const status = statusOf(error);
  const said = status.message === '' ? `HTTP ${error.code}` : `HTTP ${error.code}: ${status.message}`;
  const text = (expected: string): string => `Cannot ${what}: expected ${expected}, current value is ${said}`;
  const options = { cause: error };
  switch (error.code) {
    case 401:
      return new DeniedError(text('credentials that the cluster accepts'), options);
    case 403:
      return new DeniedError(text(missingPermission(status.message)), options);
    case 404:
      return new NotFoundError(text('an existing object'), options);
    case 409:
      return new ConflictError(text('an unchanged object'), options);
    case 410:
      return new TransientError(text('a list that has not expired'), options);
    case 408:
    case 429:
      return new TransientError(text('a server with room for us'), { ...options, ...retryAfterOf(error, status) });
    default:
      if (error.code >= 500) {
        return new TransientError(text('a healthy API server'), { ...options, ...retryAfterOf(error, status) });
      }
      return new ConfigError(text('a request the cluster accepts'), options);
  }
}

/** The Status object of an API error, or of an error that {@link kubernetesError} made of one; undefined for anything else. */
export function kubernetesStatus(error: unknown): KubernetesStatus | undefined {
  const origin = error instanceof PenstockError ? error.cause : error;
  return origin instanceof ApiException ? statusOf(origin) : undefined;
}

/** Whether the API answered 401: new credentials may help. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiException && error.code === 401;
}

/** Whether a permission is missing (403); a token that has run out is not that. Of errors that {@link kubernetesError} made, too. */
export function isForbidden(error: unknown): boolean {
  return codeOf(error) === 403;
}

/** Whether the version that was asked for is forgotten (410): only a new list helps. Of errors that {@link kubernetesError} made, too. */
export function isExpired(error: unknown): boolean {
  return codeOf(error) === 410;
}

function codeOf(error: unknown): number | undefined {
  const origin = error instanceof PenstockError ? error.cause : error;
  return origin instanceof ApiException ? origin.code : undefined;
}

function statusOf(error: ApiException<unknown>): KubernetesStatus {
  const body = objectOf(typeof error.body === 'string' ? parsed(error.body) : error.body);
  const details = objectOf(body['details']);
  const causes = Array.isArray(details['causes']) ? details['causes'] : [];
  const retryAfterSec = details['retryAfterSeconds'];
  return {
    message: textOf(body['message']),
    reason: textOf(body['reason']),
    causes: causes
      .map(objectOf)
      .map((cause) => ({ reason: textOf(cause['reason']), message: textOf(cause['message']) })),
    retryAfterSec: typeof retryAfterSec === 'number' ? retryAfterSec : undefined,
  };
}

/** `… cannot patch resource "deployments/scale" in API group "apps" in the namespace "inference"` → the permission in words. */
function missingPermission(message: string): string {
  const match = /cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(message);
  if (match === null) return 'permission';
  const [, verb = '', resource = '', group = '', namespace] = match;
  const [where, by] =
    namespace === undefined ? ['at the cluster scope', 'a ClusterRole'] : [`in namespace ${namespace}`, 'a Role there'];
  return `permission to ${verb} ${resource}${group === '' ? '' : ` of ${group}`} ${where} (by ${by}: docs/permissions.md)`;
}

function retryAfterOf(error: ApiException<unknown>, status: KubernetesStatus): { retryAfterMs?: number } {
  const seconds = Number(error.headers['retry-after'] ?? status.retryAfterSec);
  if (!Number.isFinite(seconds) || seconds < 0) return {};
  return { retryAfterMs: Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) };
}

function networkError(what: string, error: unknown): TransientError {
  const { name, message, cause } = thrownOf(error);
  const timedOut = name === 'TimeoutError' || name === 'AbortError';
  const because = thrownOf(cause ?? '').message;
  const found = timedOut ? 'none in time' : `${message === '' ? name : message}${because === '' ? '' : `: ${because}`}`;
  return new TransientError(`Cannot ${what}: expected an answer, current value is ${found}`, { cause: error });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 1_000) : '';
}

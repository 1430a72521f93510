/** Status objects, worded as a real API server words them. */
import type { ApiAnswer } from '../http.ts';

export type ResourceId = { readonly group: string; readonly resource: string };

type Cause = { readonly reason: string; readonly message: string; readonly field?: string };
type Details = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
};
type Failure = {
  readonly code: number;
  readonly reason?: string;
  readonly message: string;
  readonly details?: Details;
};

/** The Status object of a failure. */
function failureStatus({ code, reason, message, details }: Failure) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  };
}

/** An answer with a failure Status. */
export function fail(failure: Failure): ApiAnswer {
  return { status: failure.code, body: JSON.stringify(failureStatus(failure)) };
}

/** `deployments.apps`, `pods`. */
export function qualified({ group, resource }: ResourceId): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function detailsOf(id: ResourceId, name: string): Details {
  return { name, ...(id.group === '' ? {} : { group: id.group }), kind: id.resource };
}

/** 400. */
export function badRequest(message: string): ApiAnswer {
  return fail({ code: 400, reason: 'BadRequest', message });
}

/** 401: no such token. */
export function unauthorized(): ApiAnswer {
  return fail({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** 404 of a named object. */
export function notFound(id: ResourceId, name: string): ApiAnswer {
  const message = `${qualified(id)} "${name}" not found`;
  return fail({ code: 404, reason: 'NotFound', message, details: detailsOf(id, name) });
}

/** 404 of a path that serves nothing: plain text. */
export function noSuchPath(): ApiAnswer {
  return { status: 404, body: '404 page not found\n', headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

/** 405. */
export function methodNotAllowed(): ApiAnswer {
  const message = 'the server does not allow this method on the requested resource';
  return fail({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

/** 409: the object changed meanwhile, or a precondition does not hold (`because`). */
export function conflict(id: ResourceId, name: string, because = MODIFIED): ApiAnswer {
  const message = `Operation cannot be fulfilled on ${qualified(id)} "${name}": ${because}`;
  return fail({ code: 409, reason: 'Conflict', message, details: detailsOf(id, name) });
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** 410, as the body of an ERROR event or of a list answer. */
export function expired(message: string) {
  return failureStatus({ code: 410, reason: 'Expired', message });
}

/** 415. */
export function unsupportedMediaType(): ApiAnswer {
  const accepted = 'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json';
  return fail({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    details: {},
  });
}

/** 422 of one field. `kind` is the qualified kind: `Scale.autoscaling`. */
export function invalid(kind: { name: string; group: string }, name: string, cause: Required<Cause>): ApiAnswer {
  return fail({
    code: 422,
    reason: 'Invalid',
    message: `${kind.name}.${kind.group} "${name}" is invalid: ${cause.field}: ${cause.message}`,
    details: { name, group: kind.group, kind: kind.name, causes: [cause] },
  });
}

/** 422 of a patch whose result cannot be read as an object of its kind. */
export function unreadablePatch(because: string): ApiAnswer {
  const cause = { reason: 'FieldValueInvalid', message: `Invalid value: ${because}`, field: 'patch' };
  const message = ` "" is invalid: patch: ${cause.message}`;
  return fail({ code: 422, reason: 'Invalid', message, details: { causes: [cause] } });
}

/** 429 of an eviction that a budget forbids; like the real one it carries no Retry-After. */
export function evictionRefused(cause: string): ApiAnswer {
  return fail({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: 'DisruptionBudget', message: cause }] },
  });
}

/** 429 of a loaded API server: plain text with Retry-After. */
export function tooManyRequests(retryAfterSec: number): ApiAnswer {
  return {
    status: 429,
    body: 'Too many requests, please try again later.\n',
    headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': String(retryAfterSec) },
  };
}

/** 500. */
export function internalError(message: string): ApiAnswer {
  return fail({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ reason: '', message }] },
  });
}

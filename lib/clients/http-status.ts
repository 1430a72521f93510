/** What the status of an HTTP answer of an orchestrator means for us. */
import { ConfigError, ConflictError, DeniedError, NotFoundError, TransientError } from '../base/errors.ts';
import type { PenstockError } from '../base/errors.ts';
import type { HttpAnswer } from './http-json.ts';
import { recordOf, textOf } from './json-values.ts';

/** No server should make us wait longer than this by one header [ms]. */
const RETRY_AFTER_MS_MAX = 300_000;

/** Error texts are for people [characters]. */
const SAID_MAX = 500;

/**
 * The error of an answer that is not 2xx. `what` completes `Cannot …`. 404 NotFoundError; 401, 403 DeniedError; 409 ConflictError; 408, 429 and 5xx
 * TransientError (with `retryAfterMs` when told); everything else the request's own fault, ConfigError.
 */
export function statusError(what: string, answer: HttpAnswer): PenstockError {
  const said = `HTTP ${answer.status}${messageIn(answer) === '' ? '' : `: ${messageIn(answer)}`}`;
  const text = (expected: string): string => `Cannot ${what}: expected ${expected}, current value is ${said}`;
  switch (answer.status) {
    case 401:
      return new DeniedError(text('credentials that are accepted'));
    case 403:
      return new DeniedError(text('permission'));
    case 404:
      return new NotFoundError(text('an existing object'));
    case 409:
      return new ConflictError(text('an unchanged object and nothing else under way'));
    case 408:
    case 429:
      return new TransientError(text('a server with room for us'), retryAfterOf(answer));
    default:
      if (answer.status >= 500) return new TransientError(text('a healthy server'), retryAfterOf(answer));
      return new ConfigError(text('a request that is accepted'));
  }
}

/** What the server said, on one line: the `message` of a JSON body, or the beginning of any other. */
export function messageIn({ text }: HttpAnswer): string {
  return (textOf(bodyOf(text)['message']) || text).replace(/\s+/g, ' ').trim().slice(0, SAID_MAX);
}

/** The JSON of a 2xx answer. Throws TransientError when it is none: something between us and the server answered. */
export function jsonIn<T>(what: string, answer: HttpAnswer, parse: (text: string) => T): T {
  try {
    return parse(answer.text);
  } catch (error) {
    const found = answer.text.replace(/\s+/g, ' ').slice(0, 80);
    throw new TransientError(`Cannot ${what}: expected JSON, current value is "${found}"`, { cause: error });
  }
}

function bodyOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return recordOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function retryAfterOf({ headers }: HttpAnswer): { retryAfterMs?: number } {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds < 0) return {};
  return { retryAfterMs: Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) };
}

/** What kafkajs throws, as our leaves. */
import {
  BadEventError,
  ConfigError,
  DeniedError,
  messageOf,
  NotFoundError,
  PenstockError,
  TransientError,
} from '../../base/errors.ts';

/** Broker answers that mean: not allowed. */
const DENIED = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
]);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Causes are followed so deep: kafkajs nests at most three. */
const CAUSES_MAX = 8;

/**
 * Maps an error of kafkajs to the leaf that tells the caller what to do; `act` completes "Cannot …" and names the thing.
 * DeniedError: wrong password or missing ACL. ConfigError: a name that does not resolve, a certificate that is not trusted.
 * NotFoundError: no such topic. BadEventError: record too large. Everything else is a TransientError.
 */
export function kafkaError(error: unknown, act: string): PenstockError {
  if (error instanceof PenstockError) return error;
  const causes = causesOf(error);
  const text = `Cannot ${act}: ${messageOf(causes.at(-1) ?? error)}`;
  const options = { cause: error };
  const some = (test: (cause: KafkaCause) => boolean): boolean => causes.some(test);

  const own = causes.find((cause) => cause instanceof PenstockError);
  if (own instanceof PenstockError) return own;
  if (some(isDenied)) return new DeniedError(text, options);
  if (some(isUntrusted))
    return new ConfigError(`${text} (expected a certificate that the configured CA signed)`, options);
  if (some((cause) => cause.code === 'ENOTFOUND')) return new ConfigError(text, options);
  if (some((cause) => TOO_LARGE.has(cause.type ?? ''))) return new BadEventError(text, options);
  if (some((cause) => cause.type === 'UNKNOWN_TOPIC_OR_PARTITION')) {
    return new NotFoundError(`${text} (expected the topic to exist)`, options);
  }
  return new TransientError(text, options);
}

type KafkaCause = Error & { readonly type?: string; readonly code?: unknown; readonly cause?: unknown };

/** The error and what caused it, outermost first. */
function causesOf(error: unknown): readonly KafkaCause[] {
  const causes: KafkaCause[] = [];
  let next = error;
  while (next instanceof Error && causes.length < CAUSES_MAX && !causes.includes(next)) {
    causes.push(next);
    next = next.cause;
  }
  return causes;
}

/** kafkajs calls every failure during a login an authentication error, also a connection that broke meanwhile: that one may work later. */
function isDenied(cause: KafkaCause): boolean {
  if (DENIED.has(cause.type ?? '')) return true;
  return cause.name === 'KafkaJSSASLAuthenticationError' && !/connect|timed? ?out|socket/i.test(cause.message);
}

function isUntrusted(cause: KafkaCause): boolean {
  if (typeof cause.code !== 'string') return false;
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(cause.code);
}

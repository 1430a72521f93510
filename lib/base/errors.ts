/** The errors of Penstock: one base, and leaves that tell the caller what to do. */

export type ErrorOptions = { readonly cause?: unknown; readonly retryAfterMs?: number };

/** Base of every error that Penstock throws on purpose. Text: `Cannot <act> "<thing>": expected <state>, current value is <x>`. */
export class PenstockError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  /** How long the other side asked us to wait [ms], when it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, fields: { code: string; retryable: boolean } & ErrorOptions) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.code = fields.code;
    this.retryable = fields.retryable;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/** The configuration is wrong: stop and say so. */
export class ConfigError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'config', retryable: false, ...options });
  }
}

/** This record can never be used: dead-letter it with the reason and go on. */
export class BadEventError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'bad-event', retryable: false, ...options });
  }
}

/** Somebody else changed it meanwhile: read again and decide again. */
export class ConflictError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'conflict', retryable: true, ...options });
  }
}

/** It may work later (timeout, 429, 5xx, connection lost): back off and try again. */
export class TransientError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'transient', retryable: true, ...options });
  }
}

/** There are no machines of this kind now: take the next node group and alert. */
export class CapacityError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'capacity', retryable: true, ...options });
  }
}

/** The thing does not exist (any more): drop the action and alert. */
export class NotFoundError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'not-found', retryable: false, ...options });
  }
}

/** The other side refuses us (401, 403, wrong password): do not loop, alert with the missing permission. */
export class DeniedError extends PenstockError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: 'denied', retryable: false, ...options });
  }
}

/** The message of anything thrown, on one line and without a stack. Never throws. */
export function messageOf(error: unknown): string {
  return textOf(error).replace(/\s+/g, ' ').trim();
}

function textOf(error: unknown): string {
  if (error instanceof Error && error.message !== '') return error.message;
  // A connection that failed for every address of a host says so only in its parts.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  if (error instanceof Error) return error.name;
  try {
    return String(error);
  } catch {
    return 'something without a text was thrown';
  }
}

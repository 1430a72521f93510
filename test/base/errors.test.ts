import { describe, expect, test } from '@jest/globals';
import { AssertionError, assert, unreachable } from '../../lib/base/assert.ts';
import {
  BadEventError,
  CapacityError,
  ConfigError,
  ConflictError,
  DeniedError,
  NotFoundError,
  PenstockError,
  TransientError,
  messageOf,
} from '../../lib/base/errors.ts';

describe('the leaves of PenstockError', () => {
  test.each([
    [ConfigError, 'ConfigError', 'config', false],
    [BadEventError, 'BadEventError', 'bad-event', false],
    [ConflictError, 'ConflictError', 'conflict', true],
    [TransientError, 'TransientError', 'transient', true],
    [CapacityError, 'CapacityError', 'capacity', true],
    [NotFoundError, 'NotFoundError', 'not-found', false],
    [DeniedError, 'DeniedError', 'denied', false],
  ])('%p says what to do', (Leaf, name, code, retryable) => {
    const error = new Leaf('Cannot do it');
    expect(error).toBeInstanceOf(PenstockError);
    expect(error).toMatchObject({ name, code, retryable, message: 'Cannot do it', retryAfterMs: undefined });
    expect('cause' in error).toBe(false);
  });

  test('keep the cause and how long to wait', () => {
    const cause = new Error('ECONNRESET');
    const error = new TransientError('Cannot reach it', { cause, retryAfterMs: 1_500 });
    expect(error.cause).toBe(cause);
    expect(error.retryAfterMs).toBe(1_500);
  });
});

describe('messageOf', () => {
  test('puts anything thrown on one line, without a stack', () => {
    expect(messageOf(new Error('first\n  second\tthird '))).toBe('first second third');
    expect(messageOf('a string')).toBe('a string');
    expect(messageOf(undefined)).toBe('undefined');
    expect(messageOf({ toString: () => 'an object' })).toBe('an object');
  });

  test('falls back to the name of an error without a message', () => {
    expect(messageOf(new TypeError())).toBe('TypeError');
  });

  test('takes the parts of a connection that failed for every address', () => {
    const parts = [new Error('connect ECONNREFUSED ::1:6379'), new Error('connect ECONNREFUSED 127.0.0.1:6379')];
    expect(messageOf(new AggregateError(parts))).toBe(
      'connect ECONNREFUSED ::1:6379; connect ECONNREFUSED 127.0.0.1:6379',
    );
    expect(messageOf(new AggregateError(parts, 'Cannot reach it'))).toBe('Cannot reach it');
    expect(messageOf(new AggregateError([]))).toBe('AggregateError');
  });

  test.each([
    ['an object without a prototype', Object.create(null)],
    [
      'an object whose text throws',
      {
        toString: () => {
          throw new Error('no text');
        },
      },
    ],
  ])('never throws: %s', (_name, thrown: unknown) => {
    expect(messageOf(thrown)).toMatch(/./);
  });
});

describe('assert', () => {
  test('throws what must hold, and nothing when it does', () => {
    expect(() => assert(true, 'one is one')).not.toThrow();
    expect(() => assert(false, 'one is two')).toThrow(new AssertionError('Invariant broken: one is two'));
  });

  test('unreachable names the unexpected value', () => {
    expect(() => unreachable('purple' as never)).toThrow('Invariant broken: unexpected value "purple"');
  });
});

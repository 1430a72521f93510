import { getEventListeners, getMaxListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { linkedSignal } from '../../lib/base/linked-signal.ts';

test('dozens of signals end with the long-lived one, without a warning about listeners, and let go of it', () => {
  const outer = new AbortController();
  const linked = Array.from({ length: 64 }, () => linkedSignal(outer.signal));
  expect(getMaxListeners(outer.signal)).toBeGreaterThanOrEqual(linked.length);
  const [first, ...others] = linked;
  first?.release();
  expect(getEventListeners(outer.signal, 'abort')).toHaveLength(63);
  outer.abort();
  expect(first?.signal.aborted).toBe(false);
  expect(others.every(({ signal }) => signal.aborted)).toBe(true);
});

test('a signal that has ended ends a new one at once', () => {
  expect(linkedSignal(AbortSignal.abort()).signal.aborted).toBe(true);
});

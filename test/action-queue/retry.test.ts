import { expect, test } from '@jest/globals';
import { attemptCountMax, retryDelayMs } from '../../lib/action-queue/retry.ts';

/** Of all waits between the attempts [h]. */
function hoursOf(kind: 'alert' | 'target', random: number): number {
  let sumMs = 0;
  for (let attempt = 1; attempt < attemptCountMax(kind); attempt++)
    sumMs += retryDelayMs({ kind, attempt }, () => random);
  return sumMs / 3_600_000;
}

test('an alert is delivered for 75 hours, a resize for less than a minute: then the next plan wakes it', () => {
  expect(hoursOf('alert', 0)).toBeCloseTo(75.6, 1);
  expect(hoursOf('target', 1) * 3_600).toBeLessThan(60);
  expect(hoursOf('target', 0) * 3_600).toBeGreaterThan(20);
});

test('a wait that the other side asks for is kept, up to an hour', () => {
  expect(retryDelayMs({ kind: 'target', attempt: 1, retryAfterMs: 90_000 }, () => 0)).toBe(90_000);
  expect(retryDelayMs({ kind: 'target', attempt: 1, retryAfterMs: 86_400_000 }, () => 0)).toBe(3_600_000);
});

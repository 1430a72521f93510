import { expect, test } from '@jest/globals';
import { KEDA_EXECUTOR_DEFAULTS, makeKedaExecutor } from '../../../../lib/simulator/baselines/keda/executor.ts';

const poll = (currentReplicas: number, active: boolean, error = false) => ({ currentReplicas, active, error });

test('makeKedaExecutor wakes from zero at once, and leaves one and more to the HPA', () => {
  const decide = makeKedaExecutor(KEDA_EXECUTOR_DEFAULTS, 0);
  expect(decide(poll(0, true), 30_000)).toBe(1);
  expect(decide(poll(1, true), 60_000)).toBeNull();
  expect(makeKedaExecutor({ ...KEDA_EXECUTOR_DEFAULTS, minReplicas: 3 }, 0)(poll(0, true), 1)).toBe(3);
});

test('makeKedaExecutor goes to zero once more than the cooldown passed since the last activity', () => {
  const decide = makeKedaExecutor(KEDA_EXECUTOR_DEFAULTS, 0);
  decide(poll(1, true), 0);
  expect(decide(poll(1, false), 300_000)).toBeNull();
  expect(decide(poll(1, false), 300_001)).toBe(0);
});

test('makeKedaExecutor goes to zero at once when nothing was ever active', () => {
  expect(makeKedaExecutor(KEDA_EXECUTOR_DEFAULTS, 0)(poll(2, false), 1)).toBe(0);
});

test('makeKedaExecutor shrinks nothing when the trigger could not be read', () => {
  const decide = makeKedaExecutor(KEDA_EXECUTOR_DEFAULTS, 0);
  expect(decide(poll(2, false, true), 600_000)).toBeNull();
});

test('makeKedaExecutor repairs a broken minimum, and uses the idle count below it', () => {
  const decide = makeKedaExecutor({ ...KEDA_EXECUTOR_DEFAULTS, minReplicas: 2 }, 0);
  expect([decide(poll(1, false), 1), decide(poll(4, false), 1)]).toEqual([2, null]);
  const idling = makeKedaExecutor({ ...KEDA_EXECUTOR_DEFAULTS, minReplicas: 2, idleReplicas: 0 }, 0);
  expect([idling(poll(4, false), 1), idling(poll(0, true), 2)]).toEqual([0, 2]);
});

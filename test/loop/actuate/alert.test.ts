import { expect, test } from '@jest/globals';
import { ConfigError, TransientError } from '../../../lib/base/errors.ts';
import type { OpsAlert } from '../../../lib/core/types.ts';
import { actuateWorld } from './world.ts';

const alert: OpsAlert = {
  schema: 'penstock.ops-alert/1',
  key: 'capacity-shortage/g5',
  state: 'firing',
  severity: 'critical',
  sinceMs: 1,
  atMs: 2,
  title: 'g5 cannot get 2 nodes',
  workloads: ['llama'],
  detail: 'none',
  doc: 'docs/failures.md',
};
const job = { kind: 'alert', hook: 'slack', id: 'delivery-1', payload: JSON.stringify(alert) } as const;

test('an alert job is delivered to its hook under its delivery id', async () => {
  const world = actuateWorld();
  const delivered: unknown[] = [];
  world.hooks.set('slack', { deliver: async (one, { deliveryId }) => void delivered.push([one, deliveryId]) });
  expect(await world.run(job)).toEqual({ done: true });
  expect(delivered).toEqual([[alert, 'delivery-1']]);
});

test('what the hook throws is passed on to the queue', async () => {
  const world = actuateWorld();
  world.hooks.set('slack', { deliver: () => Promise.reject(new TransientError('429', { retryAfterMs: 30_000 })) });
  await expect(world.run(job)).rejects.toMatchObject({ retryable: true, retryAfterMs: 30_000 });
});

test('a hook that does not exist, or a payload that is no alert, is refused for good', async () => {
  const world = actuateWorld();
  await expect(world.run(job)).rejects.toBeInstanceOf(ConfigError);
  world.hooks.set('slack', { deliver: async () => {} });
  await expect(world.run({ ...job, payload: '{"key":1}' })).rejects.toBeInstanceOf(ConfigError);
  await expect(world.run({ ...job, payload: '{' })).rejects.toBeInstanceOf(ConfigError);
});

/** Ownership buffer: the Deployment of placeholder pods is resized, and nothing else. */
import { expect, test } from '@jest/globals';
import { ConfigError } from '../../../lib/base/errors.ts';
import { groupPolicy } from '../../core/builders.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';
import type { PlanParts } from './world.ts';

const BUFFER = { kind: 'Deployment', namespace: 'penstock', name: 'penstock-buffer-g5' } as const;

async function start(placeholders: number | null) {
  const world = actuateWorld();
  world.policies.group = groupPolicy({ ownership: 'buffer' }, 'g5');
  if (placeholders !== null) world.targets.put(BUFFER, placeholders);
  const plan = (wanted: number, over: PlanParts = {}) =>
    world.plan({ ...over, nodeGroup: { ownership: 'buffer', placeholders: wanted } });
  const count = async () => (await world.targets.read(BUFFER)).replicas;
  return { world, plan, count };
}

test('raises and lowers the placeholder pods, and sends nothing to the cloud', async () => {
  const { world, plan, count } = await start(0);
  await plan(4);
  expect(await world.run(GROUP_JOB)).toEqual({ done: true });
  expect(await count()).toBe(4);
  expect((await world.record('nodeGroup/g5'))?.outcome).toBe('applied');
  await plan(1);
  await world.run(GROUP_JOB);
  expect(await count()).toBe(1);
  expect(world.nodes.calls).toEqual([]);
});

test('lowers only by a fresh full plan', async () => {
  const { world, plan, count } = await start(4);
  await plan(1, { kind: 'leading' });
  await world.run(GROUP_JOB);
  expect(await count()).toBe(4);
  await plan(1);
  await world.clock.advance(61_000);
  await world.run(GROUP_JOB);
  expect(await count()).toBe(4);
  expect((await world.record('nodeGroup/g5'))?.outcome).toBe('stale');
});

test('names the Deployment and the manifest when it is not there', async () => {
  const { world, plan } = await start(null);
  await plan(2);
  const missing = world.run(GROUP_JOB);
  await expect(missing).rejects.toBeInstanceOf(ConfigError);
  await expect(missing).rejects.toThrow(/penstock\/penstock-buffer-g5.*infra\/kubernetes\/buffer.yaml/);
});

test('nothing is written in mode observe, or when the ownership has changed', async () => {
  const { world, plan, count } = await start(0);
  await plan(4);
  world.policies.group = groupPolicy({ ownership: 'buffer', mode: 'observe' }, 'g5');
  await world.run(GROUP_JOB);
  world.policies.group = groupPolicy({ ownership: 'own' }, 'g5');
  await world.run(GROUP_JOB);
  expect(await count()).toBe(0);
  expect(world.nodes.calls).toEqual([]);
});

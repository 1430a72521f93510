/** Nodes that come back from a warm pool take pods again; that one does not must not hold up its group. */
import { describe, expect, test } from '@jest/globals';
import { DeniedError, TransientError } from '../../../lib/base/errors.ts';
import { actuate } from '../../../lib/loop/actuate/actuate.ts';
import { GROUP_JOB, actuateWorld } from './world.ts';

/** Three nodes, of which one was lent to the pool and is back, still cordoned. */
async function returned() {
  const world = actuateWorld();
  const [node] = world.group.nodes;
  if (node === undefined) throw new Error('no node');
  node.cordoned = true;
  await world.plan({});
  await world.work(GROUP_JOB, 20);
  const stored = await world.state.actuation.read('nodeGroup/g5');
  if (stored === undefined) throw new Error('no record');
  const lent = [{ nodeName: node.nodeName, instanceId: node.instanceId, atMs: world.clock.nowMs() }];
  await world.state.actuation.compareAndSet('nodeGroup/g5', { ...stored.value, lent }, stored.version);
  Object.assign(world.group, { reusedIds: [node.instanceId] });
  await world.clock.advance(120_000);
  return { world, node };
}

describe('a node back from the warm pool', () => {
  test('takes pods again, once', async () => {
    const { world, node } = await returned();
    await world.plan({});
    await world.run(GROUP_JOB);
    expect(node.cordoned).toBe(false);
    expect((await world.record('nodeGroup/g5'))?.lent).toBeUndefined();
  });

  test('that is being freed again stays cordoned', async () => {
    const { world, node } = await returned();
    node.pods = ['busy'];
    const { nodeName, instanceId } = node;
    const stored = await world.state.actuation.read('nodeGroup/g5');
    if (stored === undefined) throw new Error('no record');
    const nowMs = world.clock.nowMs();
    const drain = { nodeName, instanceId, stage: 'evicting', startedMs: nowMs, detail: '' } as const;
    await world.state.actuation.compareAndSet('nodeGroup/g5', { ...stored.value, drains: [drain] }, stored.version);
    await world.plan({ nodes: 2, victims: [{ nodeName, instanceId }] });
    await world.run(GROUP_JOB);
    expect(world.nodes.calls.filter(({ call }) => call === 'uncordon')).toEqual([]);
  });

  test.each([
    ['forbidden', new DeniedError('Cannot uncordon: forbidden')],
    ['out of reach', new TransientError('Cannot uncordon: timeout')],
  ])('that is %s is tried again, and its group grows all the same', async (_, error) => {
    const { world } = await returned();
    await world.plan({ nodes: 5 });
    const drainer = { ...world.deps.drainer, uncordon: () => Promise.reject(error) };
    await actuate({ ...world.deps, drainer }, GROUP_JOB, { attempt: 1 });
    expect(world.group.desired).toBe(5);
    expect((await world.record('nodeGroup/g5'))?.lent).toHaveLength(1);
    await world.work(GROUP_JOB, 30);
    expect((await world.record('nodeGroup/g5'))?.lent).toBeUndefined();
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pacedGroups } from '../../lib/cluster-view/kubernetes-groups.ts';
import type { PacedGroups } from '../../lib/cluster-view/kubernetes-groups.ts';
import type { NodeGroupObservation, Snapshot } from '../../lib/core/types.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { busyNode, groupPolicy, observed, observedGroup } from '../core/builders.ts';

const g5 = groupPolicy({}, 'g5');
const quiet = observedGroup([busyNode('a'), busyNode('b')]);
/** Not throttled, which the SDK answers with long pauses. */
const UNREACHABLE = { kind: 'drop', service: 'eks' } as const;

type Seen = { readonly group?: NodeGroupObservation; readonly targets?: Snapshot['targets'] };

const waits = (): Seen => {
  const pods = observed(1, { ready: 0 }).pods.map((pod) => ({ ...pod, unschedulable: true }));
  return { targets: { llama: observed(3, { pods }) } };
};

describe('node groups at a bounded pace', () => {
  let cluster: Cluster;
  let groups: PacedGroups;
  beforeEach(async () => {
    cluster = await startCluster({ nodeGroups: [{ name: 'g5', desiredSize: 2 }] });
    groups = pacedGroups(cluster);
  });
  afterEach(() => cluster.close());

  type Asked = Parameters<PacedGroups['describe']>[1];

  /** One look: what it is told of the group, and what it then notes of it. */
  const look = async ({ group = quiet, targets = {} }: Seen = {}, of: Asked = {}) => {
    const described = (await groups.describe([g5], of)).get('g5');
    groups.note({ atMs: cluster.clock.nowMs(), targets, nodeGroups: { g5: group } });
    return described;
  };
  /** Calls of so long, with a look every 10 s. */
  const callsIn = async (sec: number, seen: Seen = {}): Promise<number> => {
    cluster.server.requests.clear();
    for (let passed = 0; passed < sec; passed += 10) {
      await cluster.pass(10);
      await look(seen);
    }
    return cluster.server.requests.of('DescribeNodegroup').length;
  };
  test('one in which nothing is under way is described every 5 minutes', async () => {
    await look();
    expect(await callsIn(290)).toBe(0);
    expect(await callsIn(10)).toBe(1);
    expect(await callsIn(600)).toBe(2);
  });

  test.each<readonly [string, () => Seen, number]>([
    ['a pod waits for a node', waits, 3],
    [
      'a node is closed to pods',
      () => ({ group: observedGroup([busyNode('a'), busyNode('b', { schedulable: false })]) }),
      3,
    ],
    [
      'a node is about to go',
      () => ({ group: observedGroup([busyNode('a'), busyNode('b', { leaving: 'rebalance' })]) }),
      3,
    ],
    ['a node is missing', () => ({ group: observedGroup([busyNode('a')], { desired: 2 }) }), 6],
    [
      'an update is under way',
      () => ({ group: observedGroup([busyNode('a'), busyNode('b')], { status: 'updating' }) }),
      6,
    ],
    [
      'the cloud says what is wrong',
      () => ({ group: observedGroup([busyNode('a')], { issues: [{ code: 'AccessDenied', message: '' }] }) }),
      6,
    ],
    ['it was not seen', () => ({ group: { kind: 'missing', reason: 'the nodes were not seen' } }), 6],
  ])('while %s it is described more often', async (_, seen, calls) => {
    await look(seen());
    await callsIn(60, seen());
    expect(await callsIn(60, seen())).toBe(calls);
  });

  test('nodes that are others than before bring a new description at the next look', async () => {
    await look();
    const replaced = { group: observedGroup([busyNode('a'), busyNode('c')]) };
    expect(await callsIn(10, replaced)).toBe(0);
    expect(await callsIn(10, replaced)).toBe(1);
    expect(await callsIn(100, replaced)).toBe(0);
  });

  test('who asks for nothing older than 30 s has it described when it is older, and is never shown what could not be', async () => {
    await look();
    const fresh = { groupsMsMax: 30_000 };
    expect(await callsIn(100)).toBe(0);
    expect(await look({}, fresh)).toMatchObject({ ok: true, asOfMs: cluster.clock.nowMs() });
    await cluster.pass(29);
    expect((await look({}, fresh))?.asOfMs).toBe(cluster.clock.nowMs() - 29_000);
    cluster.server.faults.add(UNREACHABLE);
    await callsIn(60);
    expect((await look())?.ok).toBe(true);
    expect(await look({}, fresh)).toMatchObject({ ok: false, reason: expect.stringMatching(/^Cannot /) });
    cluster.server.faults.clear();
    await cluster.pass(10);
    expect((await look({}, fresh))?.ok).toBe(true);
  });

  test('a busy one that cannot be described is shown for 45 s, a quiet one for 25 s from the first call that failed', async () => {
    const busy = { group: observedGroup([busyNode('a')], { desired: 2 }) };
    await look(busy);
    cluster.server.faults.add(UNREACHABLE);
    await callsIn(40, busy);
    expect((await look(busy))?.ok).toBe(true);
    await callsIn(10, busy);
    expect((await look(busy))?.ok).toBe(false);
    cluster.server.faults.clear();
    await callsIn(20);
    cluster.server.faults.add(UNREACHABLE);
    await callsIn(310);
    expect((await look())?.ok).toBe(true);
    await callsIn(30);
    expect((await look())?.ok).toBe(false);
  });

  test('names that nobody asks for any more are forgotten', async () => {
    const names = Array.from({ length: 20 }, (_, index) => groupPolicy({}, `gone-${index}`));
    await groups.describe(names);
    expect(groups.known()).toBe(20);
    await callsIn(610);
    expect(groups.known()).toBe(1);
  });
});

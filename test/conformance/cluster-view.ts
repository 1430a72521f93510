/** What every cluster view must do. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TransientError } from '../../lib/base/errors.ts';
import type { ClusterView } from '../../lib/cluster-view/contract.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../../lib/core/policy.ts';

export type ViewHarness = {
  readonly view: ClusterView;
  /** Names a target with 2 replicas, ready on the nodes of `group`. */
  readonly workload: ScalingPolicy;
  /** Names a group of 2 nodes. */
  readonly group: NodeGroupPolicy;
  /** Exist nowhere. */
  readonly unknownWorkload: ScalingPolicy;
  readonly unknownGroup: NodeGroupPolicy;
  nowMs(): number;
  pass(sec: number): Promise<void>;
  /** Nothing answers any more. */
  cut(): void;
  /** How long what was seen before counts as current [s]; default 0: every look is a fresh one. */
  readonly currentSec?: number;
  close(): Promise<void>;
};

/** Registers the suite for one implementation. */
export function clusterViewConformance(name: string, start: () => Promise<ViewHarness>): void {
  describe(`${name} is a cluster view`, () => {
    let harness: ViewHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    test('observe tells targets and node groups, with the time of the look', async () => {
      await harness.pass(10);
      const { view, workload, group } = harness;
      const snapshot = await view.observe({ workloads: [workload], nodeGroups: [group] });
      expect(snapshot.atMs).toBe(harness.nowMs());
      expect(snapshot.atMs - (snapshot.asOfMs ?? snapshot.atMs)).toBeLessThanOrEqual((harness.currentSec ?? 0) * 1000);
      const target = snapshot.targets[workload.metadata.name];
      expect(target).toMatchObject({ kind: 'observed', replicas: 2, ready: 2, scaledBy: null });
      const nodes = snapshot.nodeGroups[group.metadata.name];
      expect(nodes).toMatchObject({ kind: 'observed', desired: 2, status: 'active' });
      expect(nodes?.kind === 'observed' ? nodes.nodes.length : 0).toBe(2);
    });

    test('pods know their nodes', async () => {
      const { view, workload, group } = harness;
      const snapshot = await view.observe({ workloads: [workload], nodeGroups: [group] });
      const target = snapshot.targets[workload.metadata.name];
      const nodes = snapshot.nodeGroups[group.metadata.name];
      if (target?.kind !== 'observed' || nodes?.kind !== 'observed') throw new Error('not observed');
      expect(target.pods).toHaveLength(2);
      const names = new Set(nodes.nodes.map((node) => node.name));
      for (const pod of target.pods) expect(names.has(pod.nodeName ?? '')).toBe(true);
    });

    test('what does not exist is missing with a reason, and spoils nothing else', async () => {
      const { view, workload, group, unknownWorkload, unknownGroup } = harness;
      const snapshot = await view.observe({
        workloads: [unknownWorkload, workload],
        nodeGroups: [unknownGroup, group],
      });
      expect(snapshot.targets[unknownWorkload.metadata.name]).toEqual({
        kind: 'missing',
        reason: expect.stringMatching(/./),
      });
      expect(snapshot.nodeGroups[unknownGroup.metadata.name]).toEqual({
        kind: 'missing',
        reason: expect.stringMatching(/./),
      });
      expect(snapshot.targets[workload.metadata.name]?.kind).toBe('observed');
      expect(snapshot.nodeGroups[group.metadata.name]?.kind).toBe('observed');
    });

    test('asked for nothing, it answers nothing', async () => {
      const snapshot = await harness.view.observe({ workloads: [], nodeGroups: [] });
      expect(snapshot).toMatchObject({ targets: {}, nodeGroups: {} });
    });

    test('when nothing at all can be observed it says so, instead of an empty snapshot', async () => {
      harness.cut();
      const { view, workload, group } = harness;
      const blind = view.observe({ workloads: [workload], nodeGroups: [group] });
      await expect(blind).rejects.toBeInstanceOf(TransientError);
    });

    test('what was seen before an outage does not stand in for what is, beyond its time', async () => {
      const { view, workload, group } = harness;
      await view.observe({ workloads: [workload], nodeGroups: [group] });
      harness.cut();
      await harness.pass((harness.currentSec ?? 0) + 1);
      const blind = view.observe({ workloads: [workload], nodeGroups: [group] });
      await expect(blind).rejects.toBeInstanceOf(TransientError);
    });

    test('the snapshot is plain data', async () => {
      const { view, workload, group } = harness;
      const snapshot = await view.observe({ workloads: [workload], nodeGroups: [group] });
      expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    });
  });
}

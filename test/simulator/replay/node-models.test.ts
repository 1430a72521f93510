import { expect, test } from '@jest/globals';
import { nodeGroupPolicySchema } from '../../../lib/core/policy.ts';
import { NODE_REACTIONS } from '../../../lib/simulator/baselines/node-autoscalers/index.ts';
import {
  PEER_NODES,
  PENSTOCK_IDLE_SEC,
  PENSTOCK_PARALLEL,
  nodeModelOf,
  nodeSettings,
} from '../../../lib/simulator/replay/node-models.ts';

const of = { peerNodes: 'karpenter', leadTimeSec: 200, warmStartSec: 82, seed: 1 } as const;
const node = { emptySinceMs: 0, lastScaleUpMs: null, nodeCount: 9, emptyBeforeCount: 0 };

test("Penstock's nodes go as its default policy says", () => {
  const { spec } = nodeGroupPolicySchema.parse({
    apiVersion: 'penstock.dev/v1',
    kind: 'NodeGroupPolicy',
    metadata: { name: 'a' },
    spec: {
      provider: { kind: 'eksNodeGroup', cluster: 'c', nodeGroup: 'g' },
      nodes: { max: 9 },
      shape: { instanceType: 'g7e.2xlarge', gpus: { 'nvidia.com/gpu': 1 } },
    },
  });
  expect(spec.scaleDown).toMatchObject({ idleSec: PENSTOCK_IDLE_SEC, parallel: PENSTOCK_PARALLEL });
  const model = nodeModelOf('penstock', of);
  expect(model?.reaction.upDelayMs({ pendingSinceMs: 5 })).toBe(0);
  expect(model?.reaction.emptyNodeLifetimeMs(node)).toBe(300_000);
  expect(model?.reaction.emptyNodeLifetimeMs({ ...node, emptyBeforeCount: 2 })).toBe(360_000);
});

test('a warm start is a share of the lead time, at most all of it', () => {
  expect(nodeModelOf('peer', of)?.warmStartRatio).toBe(0.41);
  expect(nodeModelOf('peer', { ...of, leadTimeSec: 15 })?.warmStartRatio).toBe(1);
  expect(nodeModelOf('peer', { ...of, leadTimeSec: 0 })?.warmStartRatio).toBe(1);
});

test('none adds nothing to anybody', () => {
  for (const who of ['penstock', 'peer'] as const) {
    expect(nodeModelOf(who, { ...of, peerNodes: 'none' })).toBeNull();
    expect(nodeSettings(who, { ...of, peerNodes: 'none' })).toEqual({});
  }
});

test('every node autoscaler can be chosen', () => {
  expect([...PEER_NODES].toSorted()).toEqual(['none', ...Object.keys(NODE_REACTIONS)].toSorted());
});

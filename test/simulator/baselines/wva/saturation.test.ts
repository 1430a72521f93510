import { describe, expect, test } from '@jest/globals';
import { wvaCostAwareTargets } from '../../../../lib/simulator/baselines/wva/optimizer.ts';
import { wvaSaturationV1 } from '../../../../lib/simulator/baselines/wva/saturation-v1.ts';
import type {
  WvaV1Decision,
  WvaV1Input,
  WvaV1Settings,
} from '../../../../lib/simulator/baselines/wva/saturation-v1.ts';
import { wvaSaturationV2 } from '../../../../lib/simulator/baselines/wva/saturation-v2.ts';
import type {
  WvaV2Decision,
  WvaV2Input,
  WvaV2Replica,
  WvaV2Settings,
} from '../../../../lib/simulator/baselines/wva/saturation-v2.ts';
import { expectNear, testVectors } from '../../../support/vectors.ts';

testVectors<WvaV1Settings & Pick<WvaV2Settings, 'variants'>, Omit<WvaV1Input, 'costs'>, WvaV1Decision>(
  'wvaSaturationV1',
  ({ config, steps }) => {
    const costs = Object.fromEntries(config.variants.map(({ variant, cost }) => [variant, cost]));
    for (const { tMs, input, expect: wanted } of steps) {
      const { avgSpareKv, avgSpareQueue, ...exact } = wvaSaturationV1(config, { ...input, costs });
      const { avgSpareKv: kv, avgSpareQueue: queue, ...wantedExact } = wanted;
      expect({ tMs, ...exact }).toEqual({ tMs, ...wantedExact });
      expectNear(avgSpareKv, kv, { where: `avgSpareKv at ${tMs} ms` });
      expectNear(avgSpareQueue, queue, { where: `avgSpareQueue at ${tMs} ms` });
    }
  },
);

testVectors<WvaV2Settings, WvaV2Input, WvaV2Decision>('wvaSaturationV2', ({ config, steps }) => {
  const decide = wvaSaturationV2(config);
  for (const { tMs, input, expect: wanted } of steps) {
    const decision = decide(input);
    expect({ tMs, targets: decision.targets }).toEqual({ tMs, targets: wanted.targets });
    expect(Object.keys(decision.perReplicaCapacityTokens)).toEqual(Object.keys(wanted.perReplicaCapacityTokens));
    for (const [name, tokens] of Object.entries(numbersOf(wanted))) {
      expectNear(numbersOf(decision)[name] ?? null, tokens, { where: `${name} at ${tMs} ms` });
    }
  }
});

function numbersOf(decision: WvaV2Decision): Record<string, number> {
  const { totalSupplyTokens, totalDemandTokens, requiredCapacityTokens, spareCapacityTokens } = decision;
  const totals = { totalSupplyTokens, totalDemandTokens, requiredCapacityTokens, spareCapacityTokens };
  return { ...totals, ...decision.perReplicaCapacityTokens };
}

const v1: WvaV1Settings = { kvCacheThreshold: 0.8, queueLengthThreshold: 5, kvSpareTrigger: 0.1, queueSpareTrigger: 3 };

const running = (currentReplicas: number) => [
  { variant: 'a', currentReplicas, desiredReplicas: currentReplicas, pendingReplicas: 0 },
];

const threeAt = (kvUsage: number) => Array.from({ length: 3 }, () => ({ variant: 'a', kvUsage, queueLength: 0 }));

describe('wvaSaturationV1', () => {
  const variants = running(3);

  test('adds one below a tenth of spare memory, and takes one where the rest would still have it', () => {
    for (const { kvUsage, wanted } of [
      { kvUsage: 0.72, wanted: 4 },
      { kvUsage: 0.6, wanted: 3 },
      { kvUsage: 0.4, wanted: 2 },
    ]) {
      const decision = wvaSaturationV1(v1, { replicas: threeAt(kvUsage), variants, costs: { a: 10 } });
      expect(decision.targets).toEqual({ a: wanted });
    }
  });

  test('waits while a replica is pending or does not report', () => {
    const pending = variants.map((variant) => ({ ...variant, pendingReplicas: 1 }));
    expect(wvaSaturationV1(v1, { replicas: threeAt(0.9), variants: pending, costs: {} }).targets).toEqual({ a: 3 });
    const silent = { replicas: threeAt(0.9).slice(1), variants, costs: {} };
    expect(wvaSaturationV1(v1, silent).targets).toEqual({ a: 3 });
  });
});

const v2: WvaV2Settings = {
  kvCacheThreshold: 0.8,
  queueLengthThreshold: 5,
  scaleUpThreshold: 0.85,
  scaleDownBoundary: 0.7,
  variants: [{ variant: 'a', cost: 10, totalKvTokens: 100_000, accelerator: 'h100' }],
};

const replica = (fields: Partial<WvaV2Replica>): WvaV2Replica => ({
  variant: 'a',
  queueLength: 0,
  tokensInUse: 0,
  avgInputTokens: 1000,
  avgOutputTokens: 200,
  prefixCacheHitRate: 0,
  ...fields,
});

describe('wvaSaturationV2', () => {
  test('three replicas at 75 % of their memory become four, at 30 % two', () => {
    for (const { tokensInUse, wanted } of [
      { tokensInUse: 75_000, wanted: 4 },
      { tokensInUse: 30_000, wanted: 2 },
    ]) {
      const replicas = Array.from({ length: 3 }, () => replica({ tokensInUse }));
      expect(wvaSaturationV2(v2)({ replicas, variants: running(3) }).targets).toEqual({ a: wanted });
    }
  });

  test('a full queue teaches what a replica can compute, and later decisions use it', () => {
    const decide = wvaSaturationV2(v2);
    const full = { replicas: [replica({ tokensInUse: 20_000, queueLength: 8 })], variants: running(1) };
    expect(decide(full).perReplicaCapacityTokens).toEqual({ a: 20_000 });
    const later = { replicas: [replica({ tokensInUse: 15_000 })], variants: running(1) };
    expect(decide(later).perReplicaCapacityTokens).toEqual({ a: 20_000 });
  });

  test('known engine arguments bound the capacity before anything was learned', () => {
    const variants = v2.variants.map((variant) => ({ ...variant, engine: { maxBatchedTokens: 8192, maxSeqs: 10 } }));
    const decide = wvaSaturationV2({ ...v2, variants });
    const decision = decide({ replicas: [replica({ tokensInUse: 100 })], variants: running(1) });
    expect(decision.perReplicaCapacityTokens).toEqual({ a: 11_000 });
  });
});

describe('wvaCostAwareTargets', () => {
  const option = { currentReplicas: 2, cost: 10, capacityTokens: 100 };

  test('grows the variant that is cheapest for its capacity', () => {
    const options = [
      { ...option, variant: 'a' },
      { ...option, variant: 'b', cost: 5 },
    ];
    expect(wvaCostAwareTargets(options, { requiredCapacityTokens: 150, spareCapacityTokens: 0 })).toEqual({
      a: 2,
      b: 4,
    });
  });

  test('shrinks the dearest first and leaves one replica in all', () => {
    const options = [
      { ...option, variant: 'a' },
      { ...option, variant: 'b', cost: 5 },
    ];
    expect(wvaCostAwareTargets(options, { requiredCapacityTokens: 0, spareCapacityTokens: 9999 })).toEqual({
      a: 0,
      b: 1,
    });
  });
});

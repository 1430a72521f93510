/** Lead times of node groups are learned from what happened, and used where a node is given up and told. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { nodeLeadSecOf, nodeLeadText, nodeStartMsMax } from '../../../lib/core/nodes/lead.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { NodeLead, NodeObservation, Plan } from '../../../lib/core/types.ts';
import {
  busyNode,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  poolWorkload,
  T0,
  wants,
} from '../builders.ts';

const EVERY_SEC = 10;
const GROUP = 'g5-od';

/** Nodes asked for at a time [s], of which each is Ready with GPUs so much later [s]; undefined: never. */
type Ask = { readonly atSec: number; readonly tookSec: readonly (number | undefined)[]; readonly warm?: number };

type Watch = {
  readonly asks: readonly Ask[];
  readonly untilSec: number;
  readonly policySec?: number;
  readonly backoff?: readonly [fromSec: number, toSec: number];
  /** Nodes that are lost without anybody lowering desired, and back after so long: `[at, for]` [s]. */
  readonly flakes?: readonly (readonly [number, number])[];
  /** What changes in the cluster is not seen between these [s]. */
  readonly blind?: readonly [fromSec: number, toSec: number];
};

const policy = (policySec = 180) => groupPolicy({ leadTimeSec: policySec, nodes: { max: 500, surgeMax: 100 } });

/** The plan after the group was watched every ten seconds. Four nodes are there from the start. */
function watch(of: Watch): Plan {
  let plan: Plan | undefined;
  for (let sec = 0; sec <= of.untilSec; sec += EVERY_SEC) {
    const isBlind = of.blind !== undefined && sec >= of.blind[0] && sec < of.blind[1];
    const seenSec = isBlind ? (of.blind?.[0] ?? sec) : sec;
    const asked = of.asks.filter((ask) => ask.atSec < sec);
    const nodes: NodeObservation[] = Array.from({ length: 4 }, (_, index) => busyNode(`old-${index}`));
    for (const [index, [atSec, forSec]] of (of.flakes ?? []).entries()) {
      if (sec >= atSec && sec < atSec + forSec) nodes[index] = { ...busyNode(`old-${index}`), ready: false };
    }
    for (const { atSec, tookSec } of asked) {
      for (const [index, took] of tookSec.entries()) {
        if (took !== undefined && seenSec >= atSec + took) nodes.push(node(`new-${atSec}-${index}`, { podCount: 1 }));
      }
    }
    const desired = 4 + asked.reduce((sum, { tookSec }) => sum + tookSec.length, 0);
    // The plan before the ask wants the nodes.
    const next = of.asks.find((ask) => ask.atSec >= sec && ask.atSec < sec + EVERY_SEC);
    const warm = next?.warm ?? 0;
    const nowMs = T0 + sec * 1000;
    const isBackedOff = of.backoff !== undefined && sec >= of.backoff[0] && sec < of.backoff[1];
    const group = poolGroup(observedGroup(nodes, { desired, max: 500, ...(warm === 0 ? {} : { warm }) }), {
      policy: policy(of.policySec),
      backoffUntilMs: isBackedOff ? nowMs + 60_000 : 0,
    });
    const workloads = [poolWorkload({ wanted: 4, target: observed(4), outcome: wants(4) })];
    const input = poolInput({ nowMs, workloads, nodeGroups: [group], previous: plan });
    const snapshot = isBlind ? { ...input.snapshot, asOfMs: T0 + seenSec * 1000 } : input.snapshot;
    plan = planPool({ ...input, snapshot }).plan;
  }
  if (plan === undefined) throw new Error('nothing was planned');
  return plan;
}

const leadOf = (plan: Plan): NodeLead | undefined => plan.groupWatch?.[GROUP]?.lead;
const cold = (plan: Plan, policySec = 180) => nodeLeadSecOf(leadOf(plan), { policySec, where: 'cold' });
const asksEvery = (sec: number, of: { readonly count: number; readonly tookSec: number }): Ask[] =>
  Array.from({ length: of.count }, (_, index) => ({ atSec: 20 + index * sec, tookSec: [of.tookSec] }));

describe('the lead time of a node group', () => {
  test('is the policy’s figure until starts were seen, and nothing is remembered of a quiet group', () => {
    const plan = watch({ asks: [], untilSec: 60 });
    expect(plan.groupWatch).toBeUndefined();
    expect(cold(plan)).toEqual({ p50: 180, p90: 180 });
    expect(nodeLeadText(undefined, { policy: policy(), where: 'cold' })).toBe(
      "a node takes 180 s (the policy's figure)",
    );
  });

  test('follows what happened: quicker nodes, slower nodes', () => {
    const quick = cold(watch({ asks: asksEvery(200, { count: 16, tookSec: 70 }), untilSec: 3_500 })).p90;
    expect(Math.abs(quick - 70)).toBeLessThanOrEqual(EVERY_SEC);
    const slow = cold(watch({ asks: asksEvery(500, { count: 3, tookSec: 400 }), untilSec: 1_600 }));
    expect(slow.p90).toBeGreaterThan(380);
    expect(slow.p50).toBe(180);
  });

  test('starts after the policy’s figure was changed from that figure', () => {
    const plan = watch({ asks: asksEvery(200, { count: 16, tookSec: 70 }), untilSec: 3_500 });
    expect(nodeLeadSecOf(leadOf(plan), { policySec: 240, where: 'cold' })).toEqual({ p50: 240, p90: 240 });
  });

  test('a warm pool is told apart: its nodes come sooner, the cold ones keep their own figure', () => {
    const asks = Array.from({ length: 14 }, (_, index) => ({
      atSec: 20 + index * 300,
      tookSec: [40, 200],
      warm: 1,
    }));
    const plan = watch({ asks, untilSec: 4_300 });
    expect(nodeLeadSecOf(leadOf(plan), { policySec: 180, where: 'warm' }).p90).toBeLessThan(60);
    expect(cold(plan).p90).toBeGreaterThan(170);
    expect(nodeLeadText(leadOf(plan), { policy: policy(), where: 'warm' })).toMatch(
      /^a node from the warm pool takes \d+ s(, p90 \d+ s)? \(learned from 14 starts\)$/,
    );
  });

  test('a node that never comes teaches nothing, and once it is overdue those after it do not pass for it', () => {
    const asks = asksEvery(200, { count: 20, tookSec: 70 }).map((ask, index) =>
      index === 0 ? { ...ask, tookSec: [undefined] } : { ...ask, atSec: ask.atSec + 800 },
    );
    expect(cold(watch({ asks, untilSec: 4_900 })).p90).toBeLessThanOrEqual(80);
  });

  test('what waited for capacity, and what was lost and came back, teaches nothing', () => {
    const stockOut = watch({ asks: [{ atSec: 20, tookSec: [700, 700] }], untilSec: 900, backoff: [60, 600] });
    expect(leadOf(stockOut)?.starts).toEqual([]);
    const flaky = watch({
      asks: [],
      untilSec: 900,
      flakes: [
        [100, 400],
        [150, 60],
      ],
    });
    expect(leadOf(flaky)?.starts ?? []).toEqual([]);
  });

  test('a node is given up later where nodes take long, and sooner once many have shown to be quick', () => {
    expect(nodeStartMsMax(undefined, 180)).toBe(900_000);
    expect(nodeStartMsMax(undefined, 600)).toBe(1_800_000);
    const start = [70, 1, 'cold'] as const;
    const lead = (starts: number): NodeLead => ({
      seenMs: T0,
      awaited: [],
      starts: Array.from({ length: starts }, () => start),
      policySec: 180,
      cold: { p50: 70, p90: 70 },
    });
    expect(nodeStartMsMax(lead(8), 180)).toBe(900_000);
    expect(nodeStartMsMax(lead(30), 180)).toBe(300_000);
    expect(nodeStartMsMax({ ...lead(30), cold: { p50: 500, p90: 660 } }, 180)).toBe(1_980_000);
  });

  test('a start that takes longer than many have shown is learned as well, so that such nodes are not given up for good', () => {
    const quick = asksEvery(200, { count: 28, tookSec: 70 });
    const slow = asksEvery(1_000, { count: 12, tookSec: 400 }).map((ask) => ({ ...ask, atSec: ask.atSec + 6_000 }));
    expect(nodeStartMsMax(leadOf(watch({ asks: quick, untilSec: 5_900 })), 180)).toBe(300_000);
    const plan = watch({ asks: [...quick, ...slow], untilSec: 18_500 });
    expect(cold(plan).p90).toBeGreaterThan(380);
    expect(nodeStartMsMax(leadOf(plan), 180)).toBeGreaterThan(900_000);
  });

  test('a clock that was far ahead gives no node up, and keeps a group from nothing', () => {
    const before = watch({ asks: [{ atSec: 20, tookSec: [undefined] }], untilSec: 1_000 });
    const { missing = [], trouble } = before.groupWatch?.[GROUP] ?? {};
    if (trouble === undefined) throw new Error('nothing was given up');
    const aheadMs = 86_400_000;
    const ahead = {
      missing: missing.map((each) => ({ ...each, sinceMs: each.sinceMs + aheadMs })),
      trouble: { ...trouble, sinceMs: trouble.sinceMs + aheadMs, untilMs: trouble.untilMs + aheadMs },
    };
    const nodes = Array.from({ length: 4 }, (_, index) => busyNode(`old-${index}`));
    const { plan } = planPool(
      poolInput({
        nowMs: T0 + 1_010_000,
        workloads: [poolWorkload({ wanted: 6, target: observed(4), outcome: wants(6) })],
        nodeGroups: [poolGroup(observedGroup(nodes, { desired: 4, max: 500 }), { policy: policy() })],
        previous: { ...before, atMs: before.atMs + aheadMs, groupWatch: { [GROUP]: ahead } },
      }),
    );
    expect(plan.nodeGroups[GROUP]?.nodes).toBe(6);
  });

  test('an old view gives no node up and teaches nothing', () => {
    const asks = [{ atSec: 20, tookSec: [200] }];
    const of = { asks, untilSec: 1_800, blind: [60, 1_700] } as const;
    expect(watch({ ...of, untilSec: 1_690 }).groupWatch?.[GROUP]?.trouble).toBeUndefined();
    expect(leadOf(watch(of))?.starts).toEqual([]);
  });

  test('the memory stays bounded, whatever is asked for and comes', () => {
    const ask = fc.record({
      atSec: fc.integer({ min: 0, max: 1_000 }),
      tookSec: fc.array(fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }), {
        minLength: 1,
        maxLength: 9,
      }),
      warm: fc.integer({ min: 0, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 20 }), (asks) => {
        const lead = leadOf(watch({ asks, untilSec: 1_200 }));
        expect(lead?.awaited.length ?? 0).toBeLessThanOrEqual(10);
        expect(JSON.stringify(lead ?? {}).length).toBeLessThan(2_500);
        const missing = (lead?.awaited ?? []).reduce((sum, [, nodes]) => sum + nodes, 0);
        const never = asks
          .filter((one) => one.atSec < 1_200)
          .flatMap((one) => one.tookSec.filter((took) => took === undefined || one.atSec + took > 1_200)).length;
        expect(missing).toBe(never);
      }),
      { numRuns: 5 },
    );
  });
});

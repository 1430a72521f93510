/** A pool of many workloads and nodes, for the benchmark of the decision core. */
import type { PoolInput } from '../../lib/core/decide-types.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import {
  fleet,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  T0,
  wants,
  workloadPolicy,
} from '../core/builders.ts';

/** steady: nobody moves. growth: every third wants two more, which need new nodes. shortage: more is wanted than may be ordered, so it is shared out. */
export const POOL_CASES = ['steady', 'growth', 'shortage'] as const;
export type PoolCase = (typeof POOL_CASES)[number];

const GPU = 'nvidia.com/gpu';
const GPUS_PER_NODE = 8;
const GROUPS = 5;

export function poolOf(of: { readonly name: PoolCase; readonly workloads: number; readonly nodes: number }): PoolInput {
  const groupNames = Array.from({ length: GROUPS }, (_, index) => `g${index}`);
  const running = Math.floor((of.nodes * GPUS_PER_NODE * 0.95) / of.workloads);
  const more = { steady: 0, growth: 2, shortage: 40 }[of.name];
  const workloads = Array.from({ length: of.workloads }, (_, index) => {
    const name = `model-${index}`;
    const [first, second] = [groupNames[index % GROUPS], groupNames[(index + 1) % GROUPS]];
    return {
      policy: workloadPolicy(
        { nodeGroups: [first, second], replicas: { min: 1, max: 200 }, priority: { tier: 1 + (index % 3) } },
        name,
      ),
      target: observed(running, { pods: [] }),
      outcome: wants(running + (index % 3 === 0 ? more : 0)),
    };
  });
  const perGroup = of.nodes / GROUPS;
  const nodeGroups = groupNames.map((name) => {
    const nodes = Array.from({ length: perGroup }, (_, index) => {
      const used = index % 20 === 0 ? 0 : GPUS_PER_NODE;
      return node(`${name}-${index}`, {
        gpusAllocatable: { [GPU]: GPUS_PER_NODE },
        gpusUsed: { [GPU]: used },
        podCount: used,
        createdMs: T0 - 3_600_000,
      });
    });
    const limits = { min: 0, max: Math.min(1_000, perGroup + (of.name === 'shortage' ? 20 : 200)), surgeMax: 200 };
    return poolGroup(observedGroup(nodes), {
      policy: groupPolicy(
        { nodes: limits, shape: { instanceType: 'p4d.24xlarge', gpus: { [GPU]: GPUS_PER_NODE }, usdPerHour: 32 } },
        name,
      ),
    });
  });
  const input = poolInput({ workloads, nodeGroups, fleet: fleet({ allocation: 'fair' }) });
  return { ...input, nowMs: T0 + 10_000, previous: planPool(input).plan };
}

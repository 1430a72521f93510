/** Ownership `buffer`: how many placeholder pods hold a place for replicas that are foreseen and do not exist yet. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import type { GpuCounts } from '../types.ts';
import { plus } from './gpus.ts';
import type { GroupFacts } from './groups.ts';
import { heldPods, replicaShapeOf } from './replica-pods.ts';
import type { Bin, Supply } from './supply.ts';

/**
 * Placeholder pods by group, each of one unit of the first resource of the group's shape: the GPUs that this plan found there for replicas without a
 * node, less those whose pods exist or are created with this plan (they ask the scaler themselves), and the spare nodes. At most what `nodes.max`
 * leaves. Source: low-priority pods as capacity buffers, as of Cluster Autoscaler's FAQ on overprovisioning.
 */
export function placeholdersOf(
  input: PoolInput,
  of: { readonly supply: Supply; readonly existingOf: (workload: PoolWorkload) => number },
): ReadonlyMap<string, number> {
  const groups = [...of.supply.groups.values()].filter(({ policy }) => policy.spec.ownership === 'buffer');
  if (groups.length === 0) return new Map();
  const comeByThemselves = new Map(input.workloads.map((workload) => [workload, gpusWithoutNode(workload, of)]));
  return new Map(groups.map((group) => [group.name, placeholders(input, { ...of, group, comeByThemselves })]));
}

const NO_NODES: ReadonlySet<string> = new Set();

type Parts = {
  readonly supply: Supply;
  readonly group: GroupFacts;
  /** GPUs of pods that exist and have no node; what one group takes over is no other's. */
  readonly comeByThemselves: Map<PoolWorkload, GpuCounts>;
};

function placeholders(input: PoolInput, { supply, group, comeByThemselves }: Parts): number {
  const { shape, nodes } = group.policy.spec;
  const [resource, perNode] = Object.entries(shape.gpus)[0] ?? [];
  if (resource === undefined || perNode === undefined) return 0;
  const bins = [supply.bins.free, supply.bins.pending, supply.bins.new].flatMap((by) => by.get(group.name) ?? []);
  let missing = bins.flatMap((bin) => bin.content).reduce((sum, { gpus }) => sum + (gpus[resource] ?? 0), 0);
  for (const workload of input.workloads) {
    if (!workload.policy.spec.nodeGroups.includes(group.name)) continue;
    const own = comeByThemselves.get(workload) ?? {};
    const taken = Math.min(missing, own[resource] ?? 0);
    comeByThemselves.set(workload, { ...own, [resource]: (own[resource] ?? 0) - taken });
    missing -= taken;
  }
  const used = group.observed.nodes.reduce((sum, node) => sum + (node.gpusUsed[resource] ?? 0), 0);
  const spare = bins.filter((bin: Bin) => bin.isSpare).length * perNode;
  return Math.max(0, Math.min(Math.ceil(missing + spare), Math.floor(nodes.max * perNode - used)));
}

function gpusWithoutNode(
  workload: PoolWorkload,
  of: { readonly existingOf: (workload: PoolWorkload) => number },
): GpuCounts {
  const { target } = workload;
  if (target.kind === 'missing') return {};
  const shape = replicaShapeOf(workload);
  const held = heldPods(target, { shape, leaving: NO_NODES });
  return plus({}, shape.gpusPerPod, Math.max(0, of.existingOf(workload) * shape.gpuPods - held));
}

/** Node groups, from settings to records, with their nodes of the beginning. */
import { createInstance } from '../aws/instance-lifecycle.ts';
import { prepareWarmPool } from '../aws/warm-pool.ts';
import { joinNode, offerGpus, setNodeReady } from '../kubernetes/nodes.ts';
import type { NodeGroupSettings, WarmPoolSettings } from '../settings.ts';
import { drawUuid } from '../state/draws.ts';
import type { NodeGroupRecord, WarmPoolRecord } from '../state/records.ts';
import { planIn } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

/** Adds a node group with its desired nodes Ready, GPUs allocatable. */
export function addNodeGroup(state: WorldState, settings: NodeGroupSettings): NodeGroupRecord {
  const group = groupOf(state, settings);
  state.groups.set(group.name, group);
  for (let count = 0; count < group.size.desiredSize; count++) {
    const instance = createInstance(state, group);
    instance.lifecycle = 'InService';
    const node = joinNode(state, instance);
    setNodeReady(state, node, true);
    offerGpus(state, node);
  }
  prepareWarmPool(state, group);
  for (const { atSec, capacity } of settings.capacityOverTime ?? []) {
    planIn(state, atSec * 1000, () => {
      group.capacity = capacity;
    });
  }
  return group;
}

function groupOf(state: WorldState, settings: NodeGroupSettings): NodeGroupRecord {
  return {
    name: settings.name,
    scalingGroupName: `eks-${settings.name}-${drawUuid(state.draws.names)}`,
    createdMs: state.nowMs,
    instanceType: settings.instanceType ?? 'g5.xlarge',
    gpusPerNode: settings.gpusPerNode ?? 1,
    usdPerHour: settings.usdPerHour ?? 1.006,
    market: settings.market ?? 'ON_DEMAND',
    zones: settings.zones ?? ['eu-west-1a'],
    labels: settings.labels ?? {},
    taints: settings.taints ?? [],
    bootSec: settings.bootSec ?? 60,
    gpuReadySec: settings.gpuReadySec ?? 10,
    inServiceSec: settings.inServiceSec ?? 15,
    reclaimsPerInstanceHour: settings.reclaimsPerInstanceHour ?? 0,
    warmPool: warmPoolOf(settings.warmPool),
    size: {
      minSize: settings.minSize ?? 0,
      maxSize: settings.maxSize ?? 10,
      desiredSize: settings.desiredSize ?? settings.minSize ?? 0,
    },
    capacity: settings.capacity ?? Infinity,
    freeAddresses: settings.freeAddresses ?? Infinity,
    launchTemplateBroken: false,
    bootFault: undefined,
    nextLaunchMs: 0,
    instancesChanged: false,
    reconcilePlanned: false,
    retryPlanned: false,
    instances: new Map(),
    launchedCount: 0,
    issues: new Map(),
    activities: [],
    updates: new Map(),
    updatesByToken: new Map(),
    updateInProgress: undefined,
    nextUpdateFault: undefined,
    stoppedGpuMs: 0,
    stoppedInstanceMs: 0,
  };
}

function warmPoolOf(settings: WarmPoolSettings | undefined): WarmPoolRecord | undefined {
  if (settings === undefined) return undefined;
  return {
    minSize: settings.minSize ?? 0,
    maxPrepared: settings.maxPrepared,
    poolState: settings.poolState ?? 'Stopped',
    reuseOnScaleIn: settings.reuseOnScaleIn ?? false,
    startSec: settings.startSec ?? 25,
    keepsNodes: settings.keepsNodes ?? false,
    nextLaunchMs: 0,
  };
}

/** Policies and fleets for tests of the whole loop, with times short enough to watch. */
import type { DeploymentSettings, NodeGroupSettings } from '../../lib/simulator/world/settings.ts';

export const NAMESPACE = 'inference';

export type WorkloadScene = {
  readonly name: string;
  readonly mode?: 'act' | 'observe';
  /** Default 1 and 8. */
  readonly min?: number;
  readonly max?: number;
  readonly nodeGroups?: readonly string[];
  /** GPUs a replica needs; default 1 with node groups, else 0. */
  readonly more?: string;
};

/** A pool of its own; 8 requests in flight a replica, 5 s of stabilization. */
export function workloadPolicy(scene: WorkloadScene): string {
  const { name, mode = 'act', min = 1, max = 8, nodeGroups = [] } = scene;
  return `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: ${name} }
spec:
  mode: ${mode}
  target: { namespace: ${NAMESPACE}, name: ${name} }
  pool: ${name}
  replicas: { min: ${min}, max: ${max} }
${nodeGroups.length > 0 ? `  gpusPerReplica: { nvidia.com/gpu: 1 }\n  nodeGroups: [${nodeGroups.join(', ')}]\n` : ''}  signals: [{ kind: inFlight, perReplica: 8 }]
  scaleDown: { windowSec: 5, maxPerMinute: 100%, allowShortGrace: true }
  leadTimeSec: 4
${scene.more ?? ''}`;
}

/** One GPU a node; a node may go after 2 s without work. */
export function groupPolicy(
  name: string,
  options: { mode?: 'act' | 'observe'; usdPerHour?: number; min?: number } = {},
): string {
  const { mode = 'act', usdPerHour = 1, min = 1 } = options;
  return `apiVersion: penstock.dev/v1
kind: NodeGroupPolicy
metadata: { name: ${name} }
spec:
  mode: ${mode}
  provider: { kind: eksNodeGroup, cluster: test, nodeGroup: ${name} }
  ownership: own
  nodes: { min: ${min}, max: 8, surgeMax: 8 }
  shape: { instanceType: g6.xlarge, gpus: { nvidia.com/gpu: 1 }, usdPerHour: ${usdPerHour}, zones: [eu-west-1a] }
  leadTimeSec: 3
  scaleDown: { idleSec: 2, parallel: 4 }
`;
}

/** Loads in half a second. */
export function deployment(settings: Partial<DeploymentSettings> & { readonly name: string }): DeploymentSettings {
  return {
    namespace: NAMESPACE,
    replicas: 1,
    gpusPerPod: 1,
    modelLoadSec: 0.5,
    imagePullSec: 0.1,
    terminationGracePeriodSec: 2,
    ...settings,
  };
}

/** Boots in a second. */
export function nodeGroup(settings: Partial<NodeGroupSettings> & { readonly name: string }): NodeGroupSettings {
  return {
    instanceType: 'g6.xlarge',
    gpusPerNode: 1,
    usdPerHour: 1,
    minSize: 0,
    maxSize: 8,
    desiredSize: 1,
    bootSec: 1,
    gpuReadySec: 0.2,
    inServiceSec: 0.5,
    ...settings,
  };
}

/** Everything about the world that is not a Deployment or a node group: quick reactions. */
export const QUICK_WORLD = {
  cluster: 'test',
  launchRetrySec: 5,
  shutdownSec: 0.5,
  scalingDelaySec: 0.2,
  updateApplySec: 0.2,
  updateSec: 1,
  billedSecMin: 0,
} as const;

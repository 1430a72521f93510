/** Policies for the laws of a pool, parsed once: the schemas take longer than a plan. */
import type { FleetPolicy, NodeGroupPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import { fleet, groupPolicy, workloadPolicy } from './builders.ts';

const POLICY = workloadPolicy({
  replicas: { min: 0, max: 40 },
  signals: [{ kind: 'requestRate', perReplicaPerSec: 1 }],
});
const GROUP = groupPolicy();
const FLEET = fleet();

/** `spec` is as parsed: whole fields, with their defaults. */
export function lawWorkload(name: string, spec: Partial<ScalingPolicy['spec']>): ScalingPolicy {
  return { ...POLICY, metadata: { name }, spec: { ...POLICY.spec, ...spec } };
}

export function lawPriority(priority: Partial<ScalingPolicy['spec']['priority']>): ScalingPolicy['spec']['priority'] {
  return { ...POLICY.spec.priority, ...priority };
}

export function lawReplicas(replicas: Partial<ScalingPolicy['spec']['replicas']>): ScalingPolicy['spec']['replicas'] {
  return { ...POLICY.spec.replicas, ...replicas };
}

type GroupSpec = NodeGroupPolicy['spec'];

export function lawGroup(
  name: string,
  {
    nodes,
    shape,
    scaleDown,
    ...spec
  }: Partial<Omit<GroupSpec, 'nodes' | 'shape' | 'scaleDown'>> & {
    readonly nodes?: Partial<GroupSpec['nodes']>;
    readonly shape?: Partial<GroupSpec['shape']>;
    readonly scaleDown?: Partial<GroupSpec['scaleDown']>;
  },
): NodeGroupPolicy {
  return {
    ...GROUP,
    metadata: { name },
    spec: {
      ...GROUP.spec,
      ...spec,
      nodes: { ...GROUP.spec.nodes, ...nodes },
      shape: { ...GROUP.spec.shape, ...shape },
      scaleDown: { ...GROUP.spec.scaleDown, ...scaleDown },
    },
  };
}

/** `nodes` as the schema reads them. */
export function parsedNodes(nodes: Readonly<Record<string, unknown>>): GroupSpec['nodes'] {
  return groupPolicy({ nodes: { min: 0, max: 7, ...nodes } }).spec.nodes;
}

export function lawFleet(spec: Partial<FleetPolicy['spec']>): FleetPolicy {
  return { ...FLEET, spec: { ...FLEET.spec, ...spec } };
}

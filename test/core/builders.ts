/** Full defaults, so that what a test sets is what it is about. */
import { EMPTY_CONTROL } from '../../lib/core/carried-outcome.ts';
import { fleetSchema, nodeGroupPolicySchema, scalingPolicySchema } from '../../lib/core/policy.ts';
import type { FleetPolicy, NodeGroupPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import type {
  PoolInput,
  PoolNodeGroup,
  PoolWorkload,
  WorkloadInput,
  WorkloadOutcome,
} from '../../lib/core/decide-types.ts';
import type {
  NodeGroupObservation,
  NodeObservation,
  Reading,
  Readings,
  SignalName,
  TargetObservation,
} from '../../lib/core/types.ts';

export const T0 = 1_763_920_800_000;

export function value(number: number, over: Partial<Extract<Reading, { kind: 'value' }>> = {}): Reading {
  return { kind: 'value', value: number, coverageRatio: 1, ageMs: 900, ...over };
}

export function missing(reason = 'no source reported', ageMs: number | null = 45_000): Reading {
  return { kind: 'missing', reason, ageMs };
}

const NAMES: readonly SignalName[] = [
  'inFlight',
  'queued',
  'requestRate',
  'surgeRate',
  'lateRatio',
  'completionRate',
  'inputTokenRate',
  'outputTokenRate',
  'queueDepth',
  'queueWork',
  'queueAge',
  'gpuRatio',
  'kvCacheRatio',
];

/** Everything never heard but what is given. */
export function readings(given: Partial<Record<SignalName, Reading>>): Readings {
  const silent = Object.fromEntries(NAMES.map((name) => [name, missing('never reported', null)]));
  return { ...silent, ...given } as Readings;
}

export function workloadPolicy(spec: Record<string, unknown> = {}, name = 'llama-8b-chat'): ScalingPolicy {
  return scalingPolicySchema.parse({
    apiVersion: 'penstock.dev/v1',
    kind: 'ScalingPolicy',
    metadata: { name },
    spec: {
      mode: 'act',
      target: { name },
      replicas: { min: 1, max: 40 },
      signals: [{ kind: 'inFlight', perReplica: 8 }],
      ...spec,
    },
  });
}

export function groupPolicy(spec: Record<string, unknown> = {}, name = 'g5-od'): NodeGroupPolicy {
  return nodeGroupPolicySchema.parse({
    apiVersion: 'penstock.dev/v1',
    kind: 'NodeGroupPolicy',
    metadata: { name },
    spec: {
      mode: 'act',
      ownership: 'own',
      provider: { kind: 'eksNodeGroup', cluster: 'prod', nodeGroup: name },
      nodes: { min: 0, max: 20 },
      shape: { instanceType: 'g5.xlarge', gpus: { 'nvidia.com/gpu': 1 }, usdPerHour: 1.006 },
      ...spec,
    },
  });
}

export function observed(
  replicas: number,
  over: Partial<Extract<TargetObservation, { kind: 'observed' }>> = {},
): Extract<TargetObservation, { kind: 'observed' }> {
  const ready = over.ready ?? replicas;
  return {
    kind: 'observed',
    replicas,
    ready,
    generation: 3,
    resourceVersion: '1001',
    gpusPerReplica: { 'nvidia.com/gpu': 1 },
    pods: Array.from({ length: replicas }, (_, index) => ({
      name: `pod-${index}`,
      nodeName: index < ready ? `node-${index}` : null,
      ready: index < ready,
      createdMs: T0 - 600_000,
      unschedulable: false,
      terminating: false,
      terminationGraceSec: 30,
      ip: null,
    })),
    rolloutInProgress: false,
    scaledBy: null,
    ...over,
  };
}

export function node(name: string, over: Partial<NodeObservation> = {}): NodeObservation {
  return {
    name,
    instanceId: `i-${name}`,
    zone: 'eu-west-1a',
    ready: true,
    schedulable: true,
    gpusAllocatable: { 'nvidia.com/gpu': 1 },
    gpusUsed: { 'nvidia.com/gpu': 0 },
    podCount: 0,
    createdMs: T0 - 3_600_000,
    ...over,
  };
}

/** A node whose GPUs are all in use. */
export function busyNode(name: string, over: Partial<NodeObservation> = {}): NodeObservation {
  return node(name, { gpusUsed: { 'nvidia.com/gpu': 1 }, podCount: 1, ...over });
}

export function observedGroup(
  nodes: readonly NodeObservation[],
  over: Partial<Extract<NodeGroupObservation, { kind: 'observed' }>> = {},
): Extract<NodeGroupObservation, { kind: 'observed' }> {
  return { kind: 'observed', min: 0, max: 20, desired: nodes.length, status: 'active', nodes, issues: [], ...over };
}

export function workloadInput(over: Partial<WorkloadInput> = {}): WorkloadInput {
  return {
    policy: workloadPolicy(),
    kind: 'full',
    nowMs: T0,
    readings: readings({ inFlight: value(32), queued: value(0) }),
    holdUntilMs: 0,
    warmRatio: 1,
    target: observed(4),
    snapshotAgeMs: 0,
    control: undefined,
    ...over,
  };
}

/** An outcome that wants so many replicas, without a hold. */
export function wants(wanted: number, over: Partial<WorkloadOutcome> = {}): WorkloadOutcome {
  return {
    control: { ...EMPTY_CONTROL, lastWanted: wanted, lastAtMs: T0 },
    wanted,
    demand: wanted,
    hold: null,
    trail: [],
    binding: 'demand',
    inputs: [],
    ...over,
  };
}

export function poolWorkload(
  over: Partial<PoolWorkload> & { readonly wanted: number; readonly name?: string },
): PoolWorkload {
  const { wanted, name, ...rest } = over;
  return {
    policy: workloadPolicy({ nodeGroups: ['g5-od'] }, name ?? 'llama-8b-chat'),
    target: observed(4),
    outcome: wants(wanted),
    ...rest,
  };
}

export function poolGroup(observation: NodeGroupObservation, over: Partial<PoolNodeGroup> = {}): PoolNodeGroup {
  const { policy = groupPolicy(), ...rest } = over;
  return { policy, observed: observation, backoffUntilMs: 0, backoffCause: null, ...rest };
}

export function fleet(spec: Record<string, unknown> = {}): FleetPolicy {
  return fleetSchema.parse({ apiVersion: 'penstock.dev/v1', kind: 'Fleet', metadata: { name: 'prod' }, spec });
}

export function poolInput(over: Partial<PoolInput> = {}): PoolInput {
  const workloads = over.workloads ?? [poolWorkload({ wanted: 4 })];
  const nodeGroups = over.nodeGroups ?? [
    poolGroup(observedGroup(Array.from({ length: 4 }, (_, i) => busyNode(`node-${i}`)))),
  ];
  return {
    pool: 'default',
    kind: 'full',
    nowMs: T0,
    policyVersion: 'v1',
    previous: undefined,
    ...over,
    fleet: over.fleet ?? fleet(),
    workloads,
    nodeGroups,
    snapshot: over.snapshot ?? {
      atMs: over.nowMs ?? T0,
      targets: Object.fromEntries(workloads.map((w) => [w.policy.metadata.name, w.target])),
      nodeGroups: Object.fromEntries(nodeGroups.map((g) => [g.policy.metadata.name, g.observed])),
    },
  };
}

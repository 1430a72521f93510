/** Replicas of several pods: GPUs for all pods of one or for none, whatever of them is there already. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { allot } from '../../../lib/core/allocation/allot.ts';
import type { PoolInput } from '../../../lib/core/decide-types.ts';
import { readyReplicas, replicaShapeOf } from '../../../lib/core/nodes/replica-pods.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import { leadTimesAfter } from '../../../lib/core/scaling/lead-time.ts';
import type { NodeObservation, PodObservation, TargetObservation } from '../../../lib/core/types.ts';
import {
  T0,
  busyNode,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  poolWorkload,
  wants,
  workloadInput,
  workloadPolicy,
} from '../builders.ts';
import { lawRuns } from '../law-runs.ts';

const GPU = 'nvidia.com/gpu';
const LWS = { kind: 'LeaderWorkerSet', name: 'lws' };

const member = (replica: number, index: number, over: Partial<PodObservation> = {}): PodObservation => ({
  name: index === 0 ? `lws-${replica}` : `lws-${replica}-${index}`,
  nodeName: `node-${replica}-${index}`,
  ready: true,
  createdMs: T0 - 600_000,
  unschedulable: false,
  terminating: false,
  terminationGraceSec: 30,
  ip: null,
  replica: String(replica),
  ...over,
});

/** `replicas` groups of `size` pods with one GPU each; `pods` where some are missing. */
function grouped(
  replicas: number,
  over: { readonly size?: number; readonly pods?: readonly PodObservation[] } & Partial<
    Extract<TargetObservation, { kind: 'observed' }>
  > = {},
) {
  const { size = 4, ...rest } = over;
  const pods = Array.from({ length: replicas * size }, (_, at) => member(Math.floor(at / size), at % size));
  const given = rest.pods ?? pods;
  return observed(replicas, {
    gpusPerReplica: { [GPU]: size },
    replicaShape: { pods: size, gpuPods: size, gpusPerPod: { [GPU]: 1 } },
    ready: readyReplicas(given, size),
    pods,
    ...rest,
  });
}

const policy = workloadPolicy({ target: LWS, nodeGroups: ['g5-od'] }, 'lws');

/** Nodes of one GPU: those of the pods, and some free ones; at most `max`. */
const nodesOf = (target: TargetObservation, of: { readonly free?: number; readonly max: number }) => {
  const names = target.kind === 'observed' ? target.pods.flatMap(({ nodeName }) => nodeName ?? []) : [];
  const free = Array.from({ length: of.free ?? 0 }, (_, index) => node(`free-${index}`));
  const nodes: NodeObservation[] = [...names.map((name) => busyNode(name)), ...free];
  return poolGroup(observedGroup(nodes), { policy: groupPolicy({ nodes: { max: of.max, surgeMax: 20 } }) });
};

const plan = (
  target: TargetObservation,
  of: { readonly wanted: number; readonly free?: number; readonly max: number },
) => {
  const outcome = planPool(
    poolInput({ workloads: [poolWorkload({ wanted: of.wanted, policy, target })], nodeGroups: [nodesOf(target, of)] }),
  );
  return {
    replicas: outcome.plan.targets['lws']?.replicas,
    nodes: outcome.plan.nodeGroups['g5-od']?.nodes,
    unmet: outcome.unmet['lws'] ?? 0,
    because: outcome.decisions[0]?.trail.find(({ rule }) => rule === 'allocation')?.because,
  };
};

const lost = (at: PodObservation): PodObservation => ({ ...at, nodeName: null, ready: false, unschedulable: true });

describe('a plan of replicas of several pods', () => {
  test('nodes come for all pods of a new replica, each on one of its own', () => {
    expect(plan(grouped(1), { wanted: 3, free: 1, max: 20 })).toMatchObject({ replicas: 3, nodes: 12, unmet: 0 });
  });

  test('no replica is half placed: with nodes for seven more pods one replica of four comes, and nothing of the next', () => {
    const outcome = plan(grouped(1), { wanted: 3, max: 11 });
    expect(outcome).toMatchObject({ replicas: 2, nodes: 8, unmet: 1 });
    expect(outcome.because).toContain('1 of 3 replicas cannot have GPUs: g5-od is at nodes.max 11');
    expect(outcome.because).toContain('4 pods with GPUs a replica');
  });

  test('a pod that is larger than a node keeps the whole replica from coming', () => {
    const target = grouped(1, {
      size: 2,
      replicaShape: { pods: 2, gpuPods: 2, gpusPerPod: { [GPU]: 8 } },
      gpusPerReplica: { [GPU]: 16 },
    });
    expect(plan(target, { wanted: 2, max: 20 })).toMatchObject({ replicas: 1, unmet: 1 });
  });

  test('pods without GPUs need no node of ours', () => {
    const shape = { pods: 4, gpuPods: 3, gpusPerPod: { [GPU]: 1 } };
    const pods = [0, 1, 2, 3].map((index) =>
      member(0, index, index === 0 ? { withoutGpus: true, nodeName: 'elsewhere' } : {}),
    );
    const target = grouped(1, { replicaShape: shape, gpusPerReplica: { [GPU]: 3 }, pods });
    const nodes = poolGroup(observedGroup([1, 2, 3].map((index) => busyNode(`node-0-${index}`))));
    const outcome = planPool(
      poolInput({ workloads: [poolWorkload({ wanted: 2, policy, target })], nodeGroups: [nodes] }),
    );
    expect(outcome.plan.nodeGroups['g5-od']?.nodes).toBe(6);
  });

  test('of two replicas that lost pods, the one that misses least is made whole first', () => {
    const pods = [
      ...[0, 1, 2].map((index) => member(0, index)),
      lost(member(0, 3)),
      member(1, 0),
      ...[1, 2, 3].map((index) => lost(member(1, index))),
    ];
    const target = grouped(2, { pods });
    expect(target.ready).toBe(0);
    // One node more is of use to the first; two of the three for the second would be of none.
    expect(plan(target, { wanted: 2, max: 7 })).toMatchObject({ nodes: 5, unmet: 1 });
    expect(plan(target, { wanted: 2, max: 8 })).toMatchObject({ nodes: 8, unmet: 0 });
  });
});

const at = (sec: number, pods: readonly PodObservation[], control?: ReturnType<typeof leadTimesAfter>) =>
  leadTimesAfter(
    workloadInput({
      policy,
      nowMs: T0 + sec * 1000,
      target: grouped(2, { pods: [...grouped(1).pods, ...pods], size: 4 }),
      control: control === undefined ? undefined : { ...wants(2).control, leadTimes: control },
    }),
  );
const young = (index: number, readySec: number, nowSec: number): PodObservation =>
  member(1, index, { createdMs: T0 + 1000 + index * 5000, ready: nowSec >= readySec });

describe('what is known of replicas of several pods', () => {
  test('ready are those whose pods are all there and ready', () => {
    const pods = [member(0, 0), member(0, 1), member(1, 0), member(1, 1, { ready: false }), member(2, 0)];
    expect(readyReplicas(pods, 2)).toBe(1);
    expect(readyReplicas([...pods, member(2, 1)], 2)).toBe(2);
    expect(readyReplicas([...pods, member(2, 1, { terminating: true })], 2)).toBe(1);
  });

  test('pods that do not say of which replica they are make as many as they could', () => {
    const loose = [0, 1, 2, 3, 4].map((index) => {
      const { replica: _, ...pod } = member(0, index);
      return pod;
    });
    expect(readyReplicas(loose, 2)).toBe(2);
    expect(readyReplicas(loose, 1)).toBe(5);
  });

  test('the policy is right about pods and GPUs, the object where it says nothing', () => {
    const target = grouped(1);
    expect(replicaShapeOf({ policy, target })).toEqual({ pods: 4, gpuPods: 4, gpusPerPod: { [GPU]: 1 } });
    const spoken = workloadPolicy({ target: { ...LWS, podsPerReplica: 2 }, gpusPerReplica: { [GPU]: 16 } }, 'lws');
    expect(replicaShapeOf({ policy: spoken, target })).toEqual({ pods: 2, gpuPods: 2, gpusPerPod: { [GPU]: 8 } });
    expect(replicaShapeOf({ policy: workloadPolicy(), target: observed(1) })).toMatchObject({ pods: 1, gpuPods: 1 });
  });

  test('the lead time is that of the last pod of a replica, from its first', () => {
    let state = at(0, []);
    for (let sec = 5; sec <= 140; sec += 5) {
      const pods = [0, 1, 2, 3]
        .filter((index) => 1 + index * 5 <= sec)
        .map((index) => young(index, index === 3 ? 121 : 41, sec));
      state = at(sec, pods, state);
      expect(state?.starts.length).toBe(sec >= 125 ? 1 : 0);
    }
    expect(state?.starts[0]?.[0]).toBeGreaterThan(115);
    expect(state?.starts[0]?.[0]).toBeLessThan(126);
  });
});

const shrink = (kind: string, inFlightByPod: Record<string, number>) => {
  const target = grouped(3, { size: 2 });
  const spec = { target: { kind, name: 'lws', apiVersion: 'example.com/v1' }, nodeGroups: ['g5-od'] };
  const workload = poolWorkload({ wanted: 1, policy: workloadPolicy(spec, 'lws'), target, inFlightByPod });
  return planPool(poolInput({ workloads: [workload], nodeGroups: [nodesOf(target, { max: 20 })] })).plan.targets['lws']
    ?.goFirst;
};

describe('which replicas of several pods go first', () => {
  test('those with the least in flight in all their pods, with all their pods', () => {
    const inFlight = { 'lws-0': 1, 'lws-0-1': 5, 'lws-1': 2, 'lws-1-1': 1, 'lws-2': 0, 'lws-2-1': 4 };
    expect(shrink('Engine', inFlight)).toEqual(['lws-1', 'lws-1-1', 'lws-2', 'lws-2-1']);
  });

  test('none of a LeaderWorkerSet: it lets the highest group go, whatever it does', () => {
    expect(shrink('LeaderWorkerSet', { 'lws-0': 0 })).toBeUndefined();
  });

  test('none of a StatefulSet', () => {
    const target = observed(3);
    const spec = { target: { kind: 'StatefulSet', name: 'set' }, nodeGroups: ['g5-od'] };
    const workload = poolWorkload({
      wanted: 1,
      policy: workloadPolicy(spec, 'set'),
      target,
      inFlightByPod: { 'pod-0': 0 },
    });
    expect(planPool(poolInput({ workloads: [workload] })).plan.targets['set']?.goFirst).toBeUndefined();
  });
});

describe('the policy', () => {
  test.each([
    [{ target: { kind: 'Deployment', name: 'lws', podsPerReplica: 2 } }, 'a replica of a Deployment is one pod'],
    [{ target: { ...LWS, podsPerReplica: 3 }, gpusPerReplica: { [GPU]: 8 } }, 'multiples of target.podsPerReplica (3)'],
    [{ target: { ...LWS, podsPerReplica: 65 } }, '64'],
  ])('refuses what cannot be meant', (spec, words) => {
    expect(() => workloadPolicy(spec, 'lws')).toThrow(words);
  });
});

const drawnArb = fc.record({
  pods: fc.integer({ min: 2, max: 4 }),
  gpus: fc.integer({ min: 1, max: 3 }),
  wanted: fc.integer({ min: 0, max: 5 }),
  /** By replica: which of its pods sit on a node. */
  bound: fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { maxLength: 3 }),
  rival: fc.nat(4),
  free: fc.array(fc.nat(4), { maxLength: 4 }),
  more: fc.nat(6),
});
type Drawn = typeof drawnArb extends fc.Arbitrary<infer T> ? T : never;
const POLICY = workloadPolicy({ target: LWS, replicas: { min: 1, max: 40 }, nodeGroups: ['g5-od'] }, 'lws');
const RIVAL = workloadPolicy({ nodeGroups: ['g5-od'] }, 'rival');
const GROUP = groupPolicy({ nodes: { max: 40, surgeMax: 40 }, shape: { instanceType: 'g', gpus: { [GPU]: 4 } } });

const inputOf = ({ pods, gpus, wanted, bound, rival, free, more }: Drawn): PoolInput => {
  const members = bound.flatMap((nodes, replica) =>
    nodes
      .slice(0, pods)
      .map((isBound, index) => member(replica, index, isBound ? {} : { nodeName: null, ready: false })),
  );
  const shape = { pods, gpuPods: pods, gpusPerPod: { [GPU]: gpus } };
  const target = grouped(bound.length, {
    replicaShape: shape,
    gpusPerReplica: { [GPU]: pods * gpus },
    pods: members,
  });
  const nodes = free.map((count, index) =>
    node(`n-${index}`, { gpusAllocatable: { [GPU]: 4 }, gpusUsed: { [GPU]: 4 - count }, podCount: 1 }),
  );
  const group = {
    ...GROUP,
    spec: { ...GROUP.spec, nodes: { ...GROUP.spec.nodes, max: Math.max(1, nodes.length + more) } },
  };
  return poolInput({
    workloads: [
      { policy: POLICY, target, outcome: wants(wanted) },
      { policy: RIVAL, target: observed(0), outcome: wants(rival) },
    ],
    nodeGroups: [poolGroup(observedGroup(nodes), { policy: group })],
  });
};

describe('laws', () => {
  test('pods are placed replica by replica, each whole or not at all, and all granted ones are', () => {
    fc.assert(
      fc.property(drawnArb, (drawn) => {
        const input = inputOf(drawn);
        const { supply, granted } = allot(input);
        const { pods, wanted } = drawn;
        const bins = [supply.bins.free, supply.bins.pending, supply.bins.new].flatMap((by) => by.get('g5-od') ?? []);
        const placed = bins.flatMap(({ content }) => content).filter(({ gpus }) => gpus[GPU] === drawn.gpus).length;
        const rival = drawn.gpus === 1 ? (granted.get('rival') ?? 0) : 0;
        const parts = drawn.bound.map((replica) => replica.slice(0, pods).filter(Boolean).length);
        const held = Math.min(
          wanted * pods,
          parts.reduce((sum, count) => sum + count, 0),
        );
        const have = held + placed - rival;
        const healing = parts
          .filter((count) => count > 0 && count < pods)
          .map((count) => pods - count)
          .toSorted((a, b) => a - b);
        const whole = healing.map(
          (_, index) => held + healing.slice(0, index + 1).reduce((sum, count) => sum + count, 0),
        );
        const isWhole = have === held || have % pods === 0 || whole.includes(have);
        return isWhole && have <= wanted * pods && granted.get('lws') === Math.floor(have / pods);
      }),
      { numRuns: lawRuns(1_000) },
    );
  });
});

/** A small cluster that carries plans out: pods that take time to go, a scheduler that takes the first node with room. Time moves in ticks. */
import { planPool } from '../../lib/core/plan-pool.ts';
import type { PoolInput, PoolOutcome, PoolWorkload } from '../../lib/core/decide-types.ts';
import type { FleetPolicy, NodeGroupPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import type { NodeObservation, Plan, PodObservation } from '../../lib/core/types.ts';
import { node, observed, observedGroup, poolInput, T0, wants } from './builders.ts';

export const GPU = 'nvidia.com/gpu';
/** As often as the schedule evaluates. */
export const TICK_MS = 10_000;
const GOING_MS = 20_000;

/** Parsed once: the schemas take longer than a plan. */
const INPUT = poolInput();

type Pod = {
  readonly name: string;
  readonly workload: string;
  nodeName: string | null;
  readonly createdMs: number;
  goneMs: number;
};

export type ToyFleet = {
  nowMs: number;
  readonly wanted: Map<string, number>;
  readonly pods: Pod[];
  /** Plans, newest last. */
  readonly outcomes: PoolOutcome[];
  readonly input: (over?: Partial<PoolInput>) => PoolInput;
  /** Plans, carries it out, and lets a tick pass. */
  readonly tick: (over?: Partial<PoolInput>, tickMs?: number) => PoolOutcome;
  readonly bound: (workload: string) => number;
  /** Pods without a node. */
  readonly pending: () => number;
};

/** One node group "a" that cannot grow; `running` replicas of each policy are placed first fit and have run for an hour. */
export function toyFleet(of: {
  readonly fleet: FleetPolicy;
  readonly group: NodeGroupPolicy;
  readonly nodes: number;
  readonly workloads: readonly { readonly policy: ScalingPolicy; readonly running: number; readonly wanted: number }[];
}): ToyFleet {
  const limits = { ...of.group.spec.nodes, max: of.nodes };
  const base = {
    policy: { ...of.group, spec: { ...of.group.spec, nodes: limits } },
    backoffUntilMs: 0,
    backoffCause: null,
  };
  const gpusPerNode = of.group.spec.shape.gpus[GPU] ?? 0;
  const nodeNames = Array.from({ length: of.nodes }, (_, index) => `n${index}`);
  const policies = new Map(of.workloads.map(({ policy }) => [policy.metadata.name, policy]));
  const gpusOf = (workload: string): number => policies.get(workload)?.spec.gpusPerReplica?.[GPU] ?? 1;
  const wanted = new Map(of.workloads.map((each) => [each.policy.metadata.name, each.wanted]));
  const pods: Pod[] = [];
  const counts = new Map<string, number>();
  let made = 0;
  const usedOn = (name: string): number =>
    pods.filter((pod) => pod.nodeName === name).reduce((sum, pod) => sum + gpusOf(pod.workload), 0);
  const schedule = (): void => {
    for (const pod of pods) {
      if (pod.nodeName !== null || pod.goneMs < Infinity) continue;
      pod.nodeName = nodeNames.find((name) => gpusPerNode - usedOn(name) >= gpusOf(pod.workload)) ?? null;
    }
  };
  const create = (workload: string, createdMs: number): void =>
    void pods.push({ name: `${workload}-${made++}`, workload, nodeName: null, createdMs, goneMs: Infinity });
  for (const { policy, running } of of.workloads) {
    for (let each = 0; each < running; each++) create(policy.metadata.name, T0 - 3_600_000);
    counts.set(policy.metadata.name, running);
  }
  schedule();

  const seen = (pod: Pod): PodObservation => ({
    name: pod.name,
    nodeName: pod.nodeName,
    ready: pod.nodeName !== null,
    createdMs: pod.createdMs,
    unschedulable: pod.nodeName === null,
    terminating: pod.goneMs < Infinity,
    terminationGraceSec: 30,
    ip: null,
  });
  const nodeSeen = (name: string): NodeObservation =>
    node(name, {
      gpusAllocatable: { [GPU]: gpusPerNode },
      gpusUsed: { [GPU]: usedOn(name) },
      podCount: pods.filter((pod) => pod.nodeName === name).length,
    });
  const workloadOf = (policy: ScalingPolicy): PoolWorkload => {
    const { name } = policy.metadata;
    const own = pods.filter((pod) => pod.workload === name).map(seen);
    const ready = own.filter((pod) => pod.ready && !pod.terminating).length;
    const target = observed(counts.get(name) ?? 0, { pods: own, ready, gpusPerReplica: { [GPU]: gpusOf(name) } });
    return { policy, target, outcome: wants(wanted.get(name) ?? 0) };
  };
  const carryOut = (plan: Plan): void => {
    for (const target of Object.values(plan.targets)) {
      const { workload, replicas, goFirst = [] } = target;
      counts.set(workload, replicas);
      const own = pods.filter((pod) => pod.workload === workload && pod.goneMs === Infinity);
      const first = own.toSorted((a, b) => Number(goFirst.includes(b.name)) - Number(goFirst.includes(a.name)));
      for (const pod of first.slice(0, Math.max(0, own.length - replicas))) pod.goneMs = toy.nowMs + GOING_MS;
      for (let more = own.length; more < replicas; more++) create(workload, toy.nowMs);
    }
  };
  const toy: ToyFleet = {
    nowMs: T0,
    wanted,
    pods,
    outcomes: [],
    input: (over = {}) => {
      const workloads = [...policies.values()].map(workloadOf);
      const group = { ...base, observed: observedGroup(nodeNames.map(nodeSeen)) };
      const { nowMs } = toy;
      return {
        ...INPUT,
        nowMs,
        fleet: of.fleet,
        workloads,
        nodeGroups: [group],
        snapshot: { ...INPUT.snapshot, atMs: nowMs },
        previous: toy.outcomes.at(-1)?.plan,
        ...over,
      };
    },
    tick: (over, tickMs = TICK_MS) => {
      const outcome = planPool(toy.input(over));
      toy.outcomes.push(outcome);
      carryOut(outcome.plan);
      schedule();
      toy.nowMs += tickMs;
      pods.splice(0, Infinity, ...pods.filter((pod) => pod.goneMs > toy.nowMs));
      schedule();
      return outcome;
    },
    bound: (workload) =>
      pods.filter((pod) => pod.workload === workload && pod.nodeName !== null && pod.goneMs === Infinity).length,
    pending: () => pods.filter((pod) => pod.nodeName === null).length,
  };
  return toy;
}

/** The actuate stage with everything in memory, and a virtual clock. */
import type { ActionJob, StepResult } from '../../../lib/action-queue/contract.ts';
import type { AlertHook } from '../../../lib/alert-hooks/contract.ts';
import { VirtualClock } from '../../../lib/base/clock.ts';
import type { LogFields, Logger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import type { NodeGroupPolicy, PolicySet, ScalingPolicy } from '../../../lib/core/policy.ts';
import type { Plan, PlannedNodeGroup, PlannedTarget } from '../../../lib/core/types.ts';
import { actuate } from '../../../lib/loop/actuate/actuate.ts';
import type { ActuateDeps } from '../../../lib/loop/deps.ts';
import { memoryNodes } from '../../../lib/node-provisioners/memory.ts';
import type { ActuationRecord } from '../../../lib/state/contract.ts';
import { memoryStateStores } from '../../../lib/state/memory.ts';
import { memoryTargets } from '../../../lib/targets/memory.ts';
import { fleet, groupPolicy, workloadPolicy } from '../../core/builders.ts';

export const LLAMA = { kind: 'Deployment', namespace: 'default', name: 'llama' } as const;
export const TARGET_JOB: ActionJob = { kind: 'target', pool: 'default', id: 'llama' };
export const GROUP_JOB: ActionJob = { kind: 'nodeGroup', pool: 'default', id: 'g5' };

export type ActuateWorld = ReturnType<typeof actuateWorld>;

/** A Deployment `llama` of 3 replicas and a group `g5` of `nodes` nodes, both in mode `act`, without a plan. */
export function actuateWorld(options: { readonly nodes?: number; readonly min?: number } = {}) {
  const clock = new VirtualClock();
  const state = memoryStateStores();
  const targets = memoryTargets();
  const nodes = memoryNodes({ clock });
  const metrics = memoryMetrics();
  const evaluated: (readonly string[])[] = [];
  const logged: { readonly message: string; readonly fields: LogFields }[] = [];
  const hooks = new Map<string, AlertHook>();
  const policies = { workload: workloadPolicy({ nodeGroups: ['g5'] }, 'llama'), group: groupPolicy({}, 'g5') };
  targets.put(LLAMA, 3);
  const group = nodes.group('g5', { min: options.min ?? 0, max: 10, desired: options.nodes ?? 3 });

  const deps: ActuateDeps = {
    clock,
    log: logger(logged),
    metrics,
    state,
    policies: {
      current: async () => policySet(policies),
      refresh: async () => ({ changed: false, problems: [] }),
    },
    queue: { wake: async () => {}, depth: async () => 0, close: async () => {} },
    targets: new Map([['*', targets]]),
    provisioners: new Map([['eksNodeGroup', nodes.provisioner]]),
    drainer: nodes.drainer,
    wake: {
      evaluate: async (workloads) => void evaluated.push(workloads),
      actuate: async () => {},
      notify: async () => {},
    },
    hooks: async () => hooks,
  };

  const run = (job: ActionJob, attempt = 1): Promise<StepResult> => actuate(deps, job, { attempt });
  const storePlan = async (plan: Plan): Promise<void> => {
    const stored = await state.plans.read(plan.pool);
    await state.plans.compareAndSet(plan.pool, plan, stored?.version);
  };
  const record = async (id: string): Promise<ActuationRecord | undefined> => (await state.actuation.read(id))?.value;

  return {
    clock,
    state,
    targets,
    nodes,
    group,
    metrics,
    evaluated,
    logged,
    hooks,
    policies,
    deps,
    run,
    record,
    /** Replaces the newest plan. What is not given is as it was observed now. */
    plan: async (of: PlanParts = {}): Promise<Plan> => {
      const nowMs = clock.nowMs();
      const before = (await state.plans.read('default'))?.value;
      const seen = await targets.read(LLAMA).catch(() => undefined);
      const plan: Plan = {
        pool: 'default',
        seq: Math.max((before?.seq ?? 0) + 1, nowMs),
        atMs: nowMs,
        kind: of.kind ?? 'full',
        targets: { llama: plannedTarget(seen, of) },
        nodeGroups: { g5: plannedGroup(group, of) },
      };
      await storePlan(plan);
      return plan;
    },
    storePlan,
    /** Runs the job as the queue would, until it is done or `sec` have passed. Returns how many steps ran. */
    work: async (job: ActionJob, sec = 3_600): Promise<number> => {
      const endMs = clock.nowMs() + sec * 1000;
      for (let steps = 1; ; steps++) {
        const result = await run(job);
        if (result.done || clock.nowMs() + result.againInMs > endMs) return steps;
        await clock.advance(result.againInMs);
      }
    },
  };
}

export type PlanParts = {
  readonly kind?: Plan['kind'];
  readonly replicas?: number;
  readonly nodes?: number;
  readonly victims?: PlannedNodeGroup['victims'];
  readonly target?: Partial<PlannedTarget>;
  readonly nodeGroup?: Partial<PlannedNodeGroup>;
};

function plannedTarget(
  seen: { readonly replicas: number; readonly generation: number } | undefined,
  of: PlanParts,
): PlannedTarget {
  return {
    workload: 'llama',
    ref: LLAMA,
    mode: 'act',
    replicas: of.replicas ?? seen?.replicas ?? 3,
    observed: seen === undefined ? null : { replicas: seen.replicas, generation: seen.generation },
    bounds: { min: 1, max: 40 },
    decision: 'd_1',
    ...of.target,
  };
}

function plannedGroup(
  group: { readonly desired: number; readonly min: number; readonly max: number },
  of: PlanParts,
): PlannedNodeGroup {
  return {
    name: 'g5',
    mode: 'act',
    ownership: 'own',
    nodes: of.nodes ?? group.desired,
    observed: { desired: group.desired, min: group.min, max: group.max },
    bounds: { min: 0, max: 20 },
    victims: of.victims ?? [],
    decision: 'd_1',
    ...of.nodeGroup,
  };
}

function policySet(of: { readonly workload: ScalingPolicy; readonly group: NodeGroupPolicy }): PolicySet {
  return {
    workloads: new Map([[of.workload.metadata.name, of.workload]]),
    nodeGroups: new Map([[of.group.metadata.name, of.group]]),
    fleet: fleet(),
    version: 'v1',
  };
}

function logger(into: { readonly message: string; readonly fields: LogFields }[]): Logger {
  const write = (message: string, fields: LogFields = {}): void => void into.push({ message, fields });
  return { debug: write, info: write, warn: write, error: write };
}

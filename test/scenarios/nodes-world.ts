/** A pool on the simulated cloud: real adapters over HTTP, the real planner and actuator, a virtual clock, and a timeline of what happened. */
import type { ActionJob } from '../../lib/action-queue/contract.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { alertRules } from '../../lib/core/alert-rules/index.ts';
import { advanceAlerts } from '../../lib/core/alert-rules/lifecycle.ts';
import type { ActuationSummary, PoolInput } from '../../lib/core/decide-types.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../../lib/core/policy.ts';
import type { AlertBook, Plan, Snapshot } from '../../lib/core/types.ts';
import { actuate } from '../../lib/loop/actuate/actuate.ts';
import type { ActuateDeps } from '../../lib/loop/deps.ts';
import { autoScalingGroup } from '../../lib/node-provisioners/auto-scaling-group.ts';
import { eksNodeGroup } from '../../lib/node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../../lib/node-provisioners/kubernetes-drainer.ts';
import type { World } from '../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../lib/simulator/world/settings.ts';
import type { ActuationRecord } from '../../lib/state/contract.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import { fleet, wants } from '../core/builders.ts';
import { actuateWorld } from '../loop/actuate/world.ts';

/** One plan in so many seconds; the schedule of full evaluations is closer in production, and a scenario of an hour shall stay quick. */
const PLAN_SEC = 30;
const STEP_SEC = 5;

export type NodesWorld = {
  readonly world: World;
  /** `[s since the start, what]`, whenever something that people see changed. */
  readonly timeline: (readonly [number, string])[];
  /** What the decision core wants from now on. */
  readonly want: (workload: string, replicas: number) => void;
  readonly run: (sec: number, options?: { readonly planSec?: number }) => Promise<void>;
  readonly plan: () => Plan;
  /** First time from `fromSec` on that a line of the timeline matched [s]; NaN when none did. */
  readonly when: (text: RegExp, fromSec?: number) => number;
  readonly close: () => Promise<void>;
};

/** Workloads are Deployments of the same name; node groups have the name of their policy. */
export async function nodesWorld(of: {
  readonly settings: WorldSettings;
  readonly workloads: readonly ScalingPolicy[];
  readonly nodeGroups: readonly NodeGroupPolicy[] | ((world: World) => readonly NodeGroupPolicy[]);
  /** Others who act on the world, every 5 s: `sec` since the start. */
  readonly others?: (world: World, sec: number) => void;
  readonly fleet?: Readonly<Record<string, unknown>>;
}): Promise<NodesWorld> {
  const cluster = await startCluster(of.settings);
  const { clock, kubernetes, world } = cluster;
  const policies = typeof of.nodeGroups === 'function' ? of.nodeGroups(world) : of.nodeGroups;
  const startMs = clock.nowMs();
  const memory = actuateWorld();
  const view = kubernetesEksView(cluster);
  const wanted = new Map<string, number>();
  const timeline: (readonly [number, string])[] = [];
  const told = new Map<string, string>();
  const due = new Map<string, { readonly job: ActionJob; readonly atMs: number }>();
  let book: AlertBook = {};
  let current: Plan | undefined;

  const deps: ActuateDeps = {
    ...memory.deps,
    clock,
    policies: {
      current: async () => ({
        workloads: new Map(of.workloads.map((policy) => [policy.metadata.name, policy])),
        nodeGroups: new Map(policies.map((policy) => [policy.metadata.name, policy])),
        fleet: fleet(of.fleet),
        version: 'v1',
      }),
      refresh: async () => ({ changed: false, problems: [] }),
    },
    targets: new Map([['*', kubernetesScale(kubernetes)]]),
    provisioners: new Map([
      ['eksNodeGroup', eksNodeGroup(cluster.aws)],
      ['autoScalingGroup', autoScalingGroup(cluster.aws)],
    ]),
    drainer: kubernetesDrainer(kubernetes, { clock }),
  };
  const tell = (key: string, text: string): void => {
    if (told.get(key) === text) return;
    told.set(key, text);
    timeline.push([Math.round((clock.nowMs() - startMs) / 1000), text]);
  };
  const recordOf = async (id: string): Promise<ActuationRecord | undefined> =>
    (await deps.state.actuation.read(id))?.value;

  const inputOf = async (snapshot: Snapshot): Promise<PoolInput> => ({
    pool: 'default',
    kind: 'full',
    nowMs: clock.nowMs(),
    policyVersion: 'v1',
    fleet: fleet(of.fleet),
    snapshot,
    previous: current,
    workloads: of.workloads.map((policy) => {
      const target = snapshot.targets[policy.metadata.name] ?? { kind: 'missing', reason: 'not seen' };
      const running = target.kind === 'observed' ? target.replicas : 0;
      return { policy, target, outcome: wants(wanted.get(policy.metadata.name) ?? running) };
    }),
    nodeGroups: await Promise.all(
      policies.map(async (policy) => {
        const record = await recordOf(`nodeGroup/${policy.metadata.name}`);
        return {
          policy,
          observed: snapshot.nodeGroups[policy.metadata.name] ?? { kind: 'missing', reason: 'not seen' },
          backoffUntilMs: record?.capacityBackoff?.untilMs ?? 0,
          backoffCause: record?.capacityBackoff?.cause ?? null,
        };
      }),
    ),
  });

  const evaluate = async (): Promise<void> => {
    const input = await inputOf(await view.observe({ workloads: of.workloads, nodeGroups: policies }));
    const outcome = planPool(input);
    const stored = await deps.state.plans.read('default');
    await deps.state.plans.compareAndSet('default', outcome.plan, stored?.version);
    const snapshot = await deps.state.snapshots.read('default');
    await deps.state.snapshots.compareAndSet('default', input.snapshot, snapshot?.version);
    current = outcome.plan;
    const actuation: Record<string, ActuationSummary> = {};
    for (const { policy } of input.nodeGroups) {
      const id = `nodeGroup/${policy.metadata.name}`;
      const record = await recordOf(id);
      if (record !== undefined) actuation[id] = summaryOf(record);
    }
    const conditions = Object.values(alertRules).flatMap((rule) =>
      rule({ nowMs: input.nowMs, pool: input, outcome, actuation }),
    );
    const advanced = advanceAlerts(book, conditions, input.nowMs);
    book = advanced.book;
    for (const { alert } of advanced.transitions)
      tell(`alert/${alert.key}`, `${alert.state} ${alert.key}: ${alert.title} | ${alert.detail}`);
    for (const group of Object.values(outcome.plan.nodeGroups)) {
      tell(`plan/${group.name}`, `${group.name} planned ${group.nodes}`);
      const id = `nodeGroup/${group.name}`;
      const isBusy = ((await recordOf(id))?.drains ?? []).length > 0;
      const desired = group.observed?.desired ?? group.nodes;
      const { ownership, observed } = group;
      const isHeld =
        (ownership === 'buffer' && group.placeholders !== observed?.placeholders) ||
        (ownership === 'floor' && group.nodes !== observed?.min);
      const going = group.victims.length + (group.ghosts ?? []).length + (group.undelivered ?? 0);
      if (!isHeld && !isBusy && going === 0 && group.nodes <= desired) continue;
      due.set(id, { job: { kind: 'nodeGroup', pool: 'default', id: group.name }, atMs: 0 });
    }
    for (const target of Object.values(outcome.plan.targets)) {
      if (target.observed?.replicas === target.replicas) continue;
      due.set(`target/${target.workload}`, { job: { kind: 'target', pool: 'default', id: target.workload }, atMs: 0 });
    }
  };

  const act = async (): Promise<void> => {
    for (const [key, { job, atMs }] of due) {
      if (atMs > clock.nowMs()) continue;
      due.delete(key);
      const result = await actuate(deps, job, { attempt: 1 }).catch(() => ({ done: true }) as const);
      if (!result.done) due.set(key, { job, atMs: clock.nowMs() + result.againInMs });
    }
  };

  const look = (): void => {
    for (const { name } of of.settings.nodeGroups ?? []) {
      const group = world.group(name);
      const ready = world.readyNodes(name).filter((node) => node.gpusAllocatable > 0).length;
      tell(`size/${name}`, `${name} desired ${group.size.desiredSize}`);
      tell(`ready/${name}`, `${name} ready ${ready}`);
    }
    for (const { name, namespace = 'default' } of of.settings.deployments ?? []) {
      const exists = world.state.deployments.has(`${namespace}/${name}`);
      tell(`pods/${name}`, `${name} serving ${exists ? world.readyPods({ name, namespace }).length : 0}`);
    }
    const cordoned = [...world.state.nodes.values()].filter((node) => node.unschedulable).map(({ name }) => name);
    tell('cordoned', `cordoned: ${cordoned.join(', ')}`);
  };

  return {
    world,
    timeline,
    want: (workload, replicas) => void wanted.set(workload, replicas),
    run: async (sec, { planSec = PLAN_SEC } = {}) => {
      const endMs = clock.nowMs() + sec * 1000;
      while (clock.nowMs() < endMs) {
        await evaluate();
        for (let step = 0; step < planSec / STEP_SEC; step++) {
          await act();
          await cluster.pass(STEP_SEC);
          of.others?.(world, Math.round((clock.nowMs() - startMs) / 1000));
          look();
        }
      }
    },
    plan: () => {
      if (current === undefined) throw new Error('nothing was planned yet');
      return current;
    },
    when: (text, fromSec = 0) =>
      timeline.find(([atSec, line]) => atSec >= fromSec && text.test(line))?.[0] ?? Number.NaN,
    close: () => cluster.close(),
  };
}

function summaryOf(record: ActuationRecord): ActuationSummary {
  const { failures, detail, outcome, foreignWrite = null, capacityBackoff } = record;
  const capacityShortage =
    capacityBackoff === undefined ? null : { untilMs: capacityBackoff.untilMs, cause: capacityBackoff.cause };
  return { failures, detail, outcome, foreignWrite, capacityShortage };
}

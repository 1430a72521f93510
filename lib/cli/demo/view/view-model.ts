/** From what the controller says and the cluster shows to what the screen draws. */
import type { World } from '../../../simulator/world/world.ts';
import { usdPerHour } from '../report/bill.ts';
import type { ControllerView } from '../processes/controller-client.ts';
import { quantileOf, sumOf } from '../processes/controller-client.ts';
import { readyPods } from '../cluster/fleet.ts';
import type { FleetView } from '../cluster/fleet.ts';
import { nodeGroups } from '../scene.ts';
import type { DecisionView, DemoView } from './types.ts';
import { chapterAt } from '../story.ts';
import type { Traffic } from '../traffic.ts';

export type ViewInput = {
  readonly traffic: Traffic;
  readonly fleet: FleetView;
  readonly cloud: World;
  readonly controller: ControllerView | undefined;
  readonly doneRatio: number;
  readonly servers: string;
  readonly livePage: string;
  readonly hints: readonly string[];
  readonly eventsProduced: number;
  readonly eventsPerSec: number;
  readonly patches: number;
  readonly decisions: readonly DecisionView[];
  readonly alerts: DemoView['alerts'];
};

/** One picture. */
export function viewOf(input: ViewInput): DemoView {
  const { cloud, controller, fleet } = input;
  const metrics = controller?.metrics ?? new Map<string, number>();
  return {
    hour: input.traffic.hour(),
    doneRatio: input.doneRatio,
    servers: input.servers,
    chapter: chapterAt(input.traffic.hour()),
    livePage: input.livePage,
    hints: input.hints,
    eventsProduced: input.eventsProduced,
    eventsPerSec: input.eventsPerSec,
    eventsDeadLettered: sumOf(metrics, 'penstock_ingest_dead_lettered_total'),
    patches: input.patches,
    eventToPatchP50Ms: quantileOf(metrics, 'penstock_event_to_patch_ms', 0.5),
    usdPerHour: usdPerHour(cloud),
    lateShare: input.traffic.unservedShare(),
    models: input.traffic.models.map((model) => {
      const { pods, replicas } = fleet.deployment(model.scene.name);
      const ready = readyPods(fleet, model.scene.name).length;
      const status = controller?.status.workloads.find((workload) => workload.workload === model.scene.name);
      return {
        name: model.scene.name,
        history: model.history,
        requestsPerSec: model.requestsPerSec,
        inFlight: model.last.inFlight,
        queued: model.last.queued,
        ready,
        starting: pods.length - ready,
        wanted: status?.wanted ?? replicas,
        max: model.scene.maxReplicas,
      };
    }),
    nodeGroups: nodeGroups.map((group) => {
      const record = cloud.group(group.name);
      const status = controller?.status.nodeGroups.find((other) => other.nodeGroup === group.name);
      const ready = fleet.nodes(group.name).filter((node) => node.ready);
      return {
        name: group.name,
        shape: group.shape,
        ready: ready.length,
        launching: Math.max(0, record.instances.size - ready.length),
        draining: ready.filter((node) => node.cordoned).length,
        wanted: status?.wanted ?? record.instances.size,
        max: group.maxNodes,
        shortage: status?.shortage ?? null,
      };
    }),
    decisions: input.decisions,
    alerts: input.alerts,
  };
}

/** Adds the decisions that are new since the last look; a decision counts when it changes the wanted count. */
export function newDecisions(
  controller: ControllerView,
  seen: { readonly wanted: Map<string, number>; readonly hour: number },
): DecisionView[] {
  return controller.status.workloads.flatMap((workload): DecisionView[] => {
    const before = seen.wanted.get(workload.workload);
    if (workload.wanted === null || workload.wanted === before) return [];
    seen.wanted.set(workload.workload, workload.wanted);
    const from = before ?? workload.current;
    return from === workload.wanted
      ? []
      : [{ hour: seen.hour, workload: workload.workload, from, to: workload.wanted, because: workload.because ?? '' }];
  });
}

/** The fleet model: Deployments on GPU nodes from node groups, driven by a clock from outside. Its laws: README.md. */
import { assert } from '../../base/assert.ts';
import { costOf } from './cost.ts';
import type { FleetCost } from './cost.ts';
import { setReplicas, settleSoon } from './kubernetes/deployment-controller.ts';
import { evictPod } from './kubernetes/disruption-budgets.ts';
import type { EvictOptions, Eviction } from './kubernetes/disruption-budgets.ts';
import { startUpdate } from './aws/node-group-updates.ts';
import type { SizeChange } from './aws/node-group-updates.ts';
import { findDeployment, findGroup, findNode, findPod } from './lookup.ts';
import type { Ref } from './lookup.ts';
import { setUnschedulable } from './kubernetes/nodes.ts';
import { deletePod } from './kubernetes/pod-lifecycle.ts';
import type { DeploymentRecord, NodeGroupRecord, NodeGroupUpdate, NodeRecord, PodRecord } from './state/records.ts';
import { scenarioOf } from './scenario.ts';
import type { Acting, Scenario } from './scenario.ts';
import { scaleSoon, terminateInstance } from './aws/scaling-group.ts';
import type { Answer } from './aws/scaling-group.ts';
import { createState } from './state/state.ts';
import type { Change, WorldState } from './state/state.ts';
import { addPodAutoscaler, addScaledObject } from './objects/autoscalers.ts';
import { addDeployment, startServing } from './objects/deployments.ts';
import { addDisruptionBudget } from './objects/disruption-budgets.ts';
import { addNodeGroup } from './objects/node-groups.ts';
import { WORLD_DEFAULTS } from './settings.ts';
import type { WorldSettings } from './settings.ts';

export type World = {
  /** The records; read them, never change them. */
  readonly state: WorldState;
  nowMs(): number;
  /** Processes what is due up to `nowMs`, in order. Earlier times than the world's change nothing. */
  advanceTo(nowMs: number): void;
  /** When something will happen next [epoch ms]; undefined when nothing is planned. */
  nextEventMs(): number | undefined;
  /** Calls `listener` at each change of a Kubernetes object; returns how to stop. */
  onChange(listener: (change: Change) => void): () => void;

  /** Sets a Deployment's replicas (whole, ≥ 0), as the scale subresource does. */
  scale(deployment: Ref, replicas: number): void;
  evict(pod: PodRecord, options?: EvictOptions): Eviction;
  deletePod(pod: PodRecord, graceSec?: number): void;
  /** Runs a change of the records, then wakes the controllers that have to react to it (for the API server). */
  act: Acting;
  cordon(node: NodeRecord, unschedulable: boolean): void;
  /** As UpdateNodegroupConfig. */
  updateNodeGroup(group: string, change: SizeChange): Answer<NodeGroupUpdate>;
  /** As TerminateInstanceInAutoScalingGroup. */
  terminateInstance(instanceId: string, options: { readonly decrement: boolean }): ReturnType<typeof terminateInstance>;

  /** Throw {@link NotFoundError} when there is none. */
  deployment(ref: Ref): DeploymentRecord;
  pod(ref: Ref): PodRecord;
  node(name: string): NodeRecord;
  group(name: string): NodeGroupRecord;
  /** Ready pods that are not terminating: those that take new work. */
  readyPods(deployment: Ref): PodRecord[];
  /** Terminating pods that still finish work. */
  drainingPods(deployment: Ref): PodRecord[];
  readyNodes(group: string): NodeRecord[];
  cost(): FleetCost;
} & Scenario;

/** Events processed per call of `advanceTo`: far above any real run (a week of a 100-node fleet has under a million). */
const EVENTS_MAX = 50_000_000;

/** A world of `settings` that begins at `nowMs` [epoch ms], with its initial nodes and pods Ready.
 *  The same settings and the same calls at the same times give the same world. */
export function createWorld(settings: WorldSettings, nowMs: number): World {
  const state = createState({ ...WORLD_DEFAULTS, ...settings }, nowMs);
  for (const group of settings.nodeGroups ?? []) addNodeGroup(state, group);
  for (const deployment of settings.deployments ?? []) startServing(state, addDeployment(state, deployment));
  for (const budget of settings.disruptionBudgets ?? []) addDisruptionBudget(state, budget);
  for (const autoscaler of settings.podAutoscalers ?? []) addPodAutoscaler(state, autoscaler);
  for (const scaled of settings.scaledObjects ?? []) addScaledObject(state, scaled);
  settleSoon(state);
  const acting = actor(state);
  return {
    state,
    ...time(state),
    ...queries(state),
    ...scenarioOf(state, acting),
    scale: (ref, replicas) => {
      assert(Number.isSafeInteger(replicas) && replicas >= 0, 'replicas are a whole number from 0');
      acting(() => setReplicas(state, findDeployment(state, ref), replicas));
    },
    act: acting,
    evict: (pod, options) => acting(() => evictPod(state, pod, options)),
    deletePod: (pod, graceSec) => acting(() => deletePod(state, pod, graceSec)),
    cordon: (node, unschedulable) => acting(() => setUnschedulable(state, node, unschedulable)),
    updateNodeGroup: (name, change) => acting(() => startUpdate(state, findGroup(state, name), change)),
    terminateInstance: (id, options) => acting(() => terminateInstance(state, id, options)),
  };
}

function actor(state: WorldState): Acting {
  return (change) => {
    const result = change();
    settleSoon(state);
    wakeGroups(state);
    return result;
  };
}

function wakeGroups(state: WorldState): void {
  for (const group of state.groups.values()) {
    if (group.instancesChanged) scaleSoon(state, group);
    group.instancesChanged = false;
  }
}

function time(state: WorldState): Pick<World, 'nowMs' | 'advanceTo' | 'nextEventMs' | 'onChange'> {
  return {
    nowMs: () => state.nowMs,
    nextEventMs: () => state.agenda.nextMs(),
    onChange: (listener) => {
      state.listeners.add(listener);
      return () => void state.listeners.delete(listener);
    },
    advanceTo: (nowMs) => {
      for (let processed = 0; ; processed++) {
        assert(processed < EVENTS_MAX, 'the world comes to rest within its bound of events');
        const event = state.agenda.takeDue(nowMs);
        if (event === undefined) break;
        state.nowMs = Math.max(state.nowMs, event.atMs);
        event.run();
        settleSoon(state);
        wakeGroups(state);
      }
      state.nowMs = Math.max(state.nowMs, nowMs);
    },
  };
}

type Queries = 'deployment' | 'pod' | 'node' | 'group' | 'readyPods' | 'drainingPods' | 'readyNodes' | 'cost';

function queries(state: WorldState): Pick<World, Queries> {
  const podsOf = (ref: Ref): PodRecord[] => [...findDeployment(state, ref).pods];
  return {
    deployment: (ref) => findDeployment(state, ref),
    pod: (ref) => findPod(state, ref),
    node: (name) => findNode(state, name),
    group: (name) => findGroup(state, name),
    readyPods: (ref) => podsOf(ref).filter((pod) => pod.ready && pod.deletion === undefined),
    drainingPods: (ref) => podsOf(ref).filter((pod) => pod.loaded && pod.deletion !== undefined),
    readyNodes: (name) =>
      [...state.nodes.values()].filter((node) => node.ready && node.instance.group === findGroup(state, name)),
    cost: () => costOf(state),
  };
}

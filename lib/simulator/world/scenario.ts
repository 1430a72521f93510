/** Hooks with which a demo, a test or a fault plan makes things happen to the world. */
import { drawOne } from './state/draws.ts';
import { NOTICE_TAINTS, endInstance, isAlive, reclaimInstance } from './aws/instance-lifecycle.ts';
import { findDeployment, findGroup, findNode, keyOfRef } from './lookup.ts';
import type { Ref } from './lookup.ts';
import { endUpdate } from './aws/node-group-updates.ts';
import { addTaint, setNodeReady } from './kubernetes/nodes.ts';
import { deletePod, endPod } from './kubernetes/pod-lifecycle.ts';
import type {
  BootFault,
  DeploymentRecord,
  DisruptionBudgetRecord,
  NodeGroupRecord,
  PodAutoscalerRecord,
  PodRecord,
  ScalingConfig,
} from './state/records.ts';
import { startRollout } from './kubernetes/rollout.ts';
import { findInstance, setSize } from './aws/scaling-group.ts';
import { keyOf, touch } from './state/state.ts';
import type { WorldState } from './state/state.ts';
import { addPodAutoscaler } from './objects/autoscalers.ts';
import { addDeployment } from './objects/deployments.ts';
import { addDisruptionBudget } from './objects/disruption-budgets.ts';
import { addNodeGroup } from './objects/node-groups.ts';
import type {
  DeploymentSettings,
  DisruptionBudgetSettings,
  NodeGroupSettings,
  PodAutoscalerSettings,
} from './settings.ts';

export type Scenario = {
  /** Instances the cloud can give the group from now on; running ones stay. Infinity = no limit. */
  setCapacity(group: string, instances: number): void;
  /** Subnet addresses left. */
  setFreeAddresses(group: string, addresses: number): void;
  /** Every launch fails, because the launch template names an image that is gone; or works again. */
  breakLaunchTemplate(group: string, broken: boolean): void;
  /** The next `count` launched instances do this. */
  failBoots(group: string, options: { readonly fault: BootFault; readonly count?: number }): void;
  /** The next `count` starts of the Deployment's pods crash, or a share of all later ones. */
  failStarts(deployment: Ref, options: { readonly count?: number; readonly ratio?: number }): void;
  /** The group's next update stays InProgress until {@link Scenario.releaseUpdate}. */
  hangUpdate(group: string): void;
  /** The group's next update ends Failed and changes nothing. */
  failUpdate(group: string, error: { readonly errorCode: string; readonly errorMessage: string }): void;
  /** Ends the update in progress. */
  releaseUpdate(group: string, status: 'Successful' | 'Failed' | 'Cancelled'): void;
  /** Sizes changed by somebody else (console, Cluster Autoscaler), without an update. */
  editGroup(group: string, size: Partial<ScalingConfig>): void;
  /** Spot: takes `count` random instances back after the warning time; returns their ids. */
  reclaim(group: string, count: number): string[];
  /** Spot: takes this instance back after the warning time. */
  reclaimInstance(instanceId: string): void;
  /** Spot: recommends to leave this node; it stays as it is. */
  recommendRebalance(node: string): void;
  /** Hardware failure: the instance and everything on it is gone now; its group replaces it. */
  failInstance(instanceId: string): void;
  setNodeReady(node: string, ready: boolean): void;
  /** Work in flight of a pod deleted from now on [s]. */
  setDrainSec(deployment: Ref, drainSec: number): void;
  /** A terminating pod has finished its work now, before its time. */
  finishDrain(pod: PodRecord): void;
  setLeadTimes(group: string, times: { readonly bootSec?: number; readonly gpuReadySec?: number }): void;
  addDeployment(settings: DeploymentSettings): DeploymentRecord;
  /** Changes the pod template: its pods are replaced step by step. */
  rollOut(deployment: Ref): void;
  /** The Deployment is gone; its pods terminate. */
  removeDeployment(deployment: Ref): void;
  addNodeGroup(settings: NodeGroupSettings): NodeGroupRecord;
  addDisruptionBudget(settings: DisruptionBudgetSettings): DisruptionBudgetRecord;
  removeDisruptionBudget(budget: Ref): void;
  addPodAutoscaler(settings: PodAutoscalerSettings): PodAutoscalerRecord;
  removePodAutoscaler(autoscaler: Ref): void;
};

/** Runs a change from outside, then wakes the controllers that have to react to it. */
export type Acting = <T>(change: () => T) => T;

/** The hooks of the world of `state`. */
export function scenarioOf(state: WorldState, acting: Acting): Scenario {
  return { ...cloudHooks(state, acting), ...podHooks(state, acting), ...objectHooks(state, acting) };
}

type CloudHook =
  | 'setCapacity'
  | 'setFreeAddresses'
  | 'breakLaunchTemplate'
  | 'failBoots'
  | 'hangUpdate'
  | 'failUpdate'
  | 'releaseUpdate'
  | 'editGroup'
  | 'reclaim'
  | 'reclaimInstance'
  | 'recommendRebalance'
  | 'failInstance'
  | 'setLeadTimes';

function cloudHooks(state: WorldState, acting: Acting): Pick<Scenario, CloudHook> {
  const group = (name: string): NodeGroupRecord => findGroup(state, name);
  return {
    setCapacity: (name, instances) => void (group(name).capacity = instances),
    setFreeAddresses: (name, addresses) => void (group(name).freeAddresses = addresses),
    breakLaunchTemplate: (name, broken) => void (group(name).launchTemplateBroken = broken),
    failBoots: (name, { fault, count = 1 }) => void (group(name).bootFault = { fault, remaining: count }),
    hangUpdate: (name) => void (group(name).nextUpdateFault = { kind: 'hang' }),
    failUpdate: (name, error) => void (group(name).nextUpdateFault = { kind: 'fail', ...error }),
    releaseUpdate: (name, status) => endUpdate(group(name), status),
    editGroup: (name, size) => acting(() => setSize(state, group(name), { ...group(name).size, ...size })),
    reclaim: (name, count) => acting(() => reclaimRandom(state, group(name), count)),
    reclaimInstance: (instanceId) =>
      acting(() => {
        const instance = findInstance(state, instanceId);
        if (instance !== undefined) reclaimInstance(state, instance);
      }),
    recommendRebalance: (name) => acting(() => addTaint(state, findNode(state, name), NOTICE_TAINTS.rebalance)),
    failInstance: (instanceId) =>
      acting(() => {
        const instance = findInstance(state, instanceId);
        if (instance !== undefined) endInstance(state, instance);
      }),
    setLeadTimes: (name, times) => void Object.assign(group(name), times),
  };
}

function reclaimRandom(state: WorldState, group: NodeGroupRecord, count: number): string[] {
  const ids: string[] = [];
  for (let taken = 0; taken < count; taken++) {
    const instance = drawOne(state.draws.victims, [...group.instances.values()].filter(isAlive));
    if (instance === undefined) break;
    reclaimInstance(state, instance);
    ids.push(instance.id);
  }
  return ids;
}

type PodHook = 'failStarts' | 'setNodeReady' | 'setDrainSec' | 'finishDrain';

function podHooks(state: WorldState, acting: Acting): Pick<Scenario, PodHook> {
  return {
    failStarts: (ref, { count, ratio }) => {
      const deployment = findDeployment(state, ref);
      deployment.failNextStarts = count ?? deployment.failNextStarts;
      deployment.failedStartRatio = ratio ?? deployment.failedStartRatio;
    },
    setNodeReady: (name, ready) => acting(() => setNodeReady(state, findNode(state, name), ready)),
    setDrainSec: (ref, drainSec) => void (findDeployment(state, ref).drainSec = drainSec),
    finishDrain: (pod) => acting(() => endPod(state, pod)),
  };
}

type ObjectHook = Exclude<keyof Scenario, CloudHook | PodHook>;

function objectHooks(state: WorldState, acting: Acting): Pick<Scenario, ObjectHook> {
  return {
    addDeployment: (settings) => acting(() => addDeployment(state, settings)),
    rollOut: (ref) => acting(() => startRollout(state, findDeployment(state, ref))),
    removeDeployment: (ref) =>
      acting(() => {
        const deployment = findDeployment(state, ref);
        state.deployments.delete(keyOf(deployment));
        deployment.replicas = 0;
        touch(state, deployment, 'DELETED');
        for (const pod of deployment.pods) deletePod(state, pod);
      }),
    addNodeGroup: (settings) => acting(() => addNodeGroup(state, settings)),
    addDisruptionBudget: (settings) => addDisruptionBudget(state, settings),
    removeDisruptionBudget: (ref) => removeFrom(state, state.budgets, ref),
    addPodAutoscaler: (settings) => addPodAutoscaler(state, settings),
    removePodAutoscaler: (ref) => removeFrom(state, state.podAutoscalers, ref),
  };
}

function removeFrom<T extends DisruptionBudgetRecord | PodAutoscalerRecord>(
  state: WorldState,
  store: Map<string, T>,
  ref: Ref,
): void {
  const record = store.get(keyOfRef(ref));
  if (record === undefined) return;
  store.delete(keyOfRef(ref));
  touch(state, record, 'DELETED');
}

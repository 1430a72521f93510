/** Node groups and nodes in memory: updates that take a while, one at a time, tokens, capacity, and pods that leave when evicted. */
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { ConflictError, NotFoundError } from '../base/errors.ts';
import { groupNameOf } from '../core/nodes/provider.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { NodeGroupIssue } from '../core/types.ts';
import type { NodeDrainer, NodeGroupState, NodeProvisioner, UpdateState } from './contract.ts';

export type MemoryNode = {
  readonly nodeName: string;
  readonly instanceId: string;
  cordoned: boolean;
  /** Pods that must leave. */
  pods: string[];
  /** Why no pod leaves; undefined when they do. */
  blockedBy: string | undefined;
};

export type MemoryNodeGroup = {
  min: number;
  max: number;
  desired: number;
  status: NodeGroupState['status'];
  issues: NodeGroupIssue[];
  capacityShortage: string | null;
  readonly nodes: MemoryNode[];
};

export type MemoryCall =
  | {
      readonly call: 'resize';
      readonly min: number;
      readonly max: number;
      readonly desired: number;
      readonly token: string;
    }
  | { readonly call: 'terminate'; readonly instanceId: string; readonly podsLeft: number; readonly cordoned: boolean }
  | { readonly call: 'cordon' | 'uncordon' | 'evict'; readonly nodeName: string };

export type MemoryNodes = {
  readonly provisioner: NodeProvisioner;
  readonly drainer: NodeDrainer;
  /** Every mutating call that was accepted, oldest first. A repeated token is not accepted again. */
  readonly calls: readonly MemoryCall[];
  /** Creates the group or gives it back, to be changed as the cloud or somebody else would. */
  group(name: string, initial?: Partial<Pick<MemoryNodeGroup, 'min' | 'max' | 'desired'>>): MemoryNodeGroup;
  /** The next call of this method throws `error`, before anything is done; after it when `applied`. */
  failNext(method: FaultMethod, fault: { readonly error: Error; readonly applied?: boolean }): void;
  /** How the next update ends; `successful` when nothing is set. */
  nextUpdateEnds(end: UpdateState): void;
};

type FaultMethod = 'describe' | 'resize' | 'pollUpdate' | 'terminate' | 'cordon' | 'drainStep';
type Update = { readonly id: string; readonly group: string; readonly endsMs: number; readonly end: UpdateState };

/** `updateMs`: how long an update takes (EKS: some seconds). Pods leave one per drain step. */
export function memoryNodes(options: { readonly clock: Clock; readonly updateMs?: number }): MemoryNodes {
  const { clock, updateMs = 5_000 } = options;
  const groups = new Map<string, MemoryNodeGroup>();
  const updates = new Map<string, Update>();
  const calls: MemoryCall[] = [];
  const faults: { method: FaultMethod; error: Error; applied: boolean }[] = [];
  let nextEnd: UpdateState = { state: 'successful', errors: [] };

  const group = (name: string, initial: Partial<Pick<MemoryNodeGroup, 'min' | 'max' | 'desired'>> = {}) => {
    const { min = 0, max = 10, desired = 0 } = initial;
    const made = groups.get(name) ?? emptyGroup({ min, max, desired });
    if (!groups.has(name)) {
      groups.set(name, made);
      for (let index = 0; index < desired; index++) made.nodes.push(nodeOf(name, index));
    }
    return made;
  };
  const existing = (policy: NodeGroupPolicy): MemoryNodeGroup => {
    const found = groups.get(groupNameOf(policy));
    if (found === undefined) throw new NotFoundError(`Cannot find node group "${groupNameOf(policy)}"`);
    return found;
  };
  const fault = (method: FaultMethod, applied = false): void => {
    const index = faults.findIndex((one) => one.method === method && one.applied === applied);
    const [due] = index === -1 ? [] : faults.splice(index, 1);
    if (due !== undefined) throw due.error;
  };
  const running = (policy: NodeGroupPolicy): Update | undefined =>
    [...updates.values()].find((one) => one.group === groupNameOf(policy) && one.endsMs > clock.nowMs());
  const node = (nodeName: string): MemoryNode => {
    const found = [...groups.values()].flatMap((one) => one.nodes).find((one) => one.nodeName === nodeName);
    if (found === undefined) throw new NotFoundError(`Cannot find node "${nodeName}"`);
    return found;
  };

  const provisioner: NodeProvisioner = {
    describe: async (policy) => {
      fault('describe');
      const { nodes: _, ...state } = existing(policy);
      return { ...state, status: running(policy) === undefined ? state.status : 'updating' };
    },
    resize: async (policy, change) => {
      const state = existing(policy);
      const { min, max, desired, token, undelivered } = change;
      assert(
        min >= 0 && min <= desired && desired <= max && max >= 1,
        `min ${min} <= desired ${desired} <= max ${max}`,
      );
      fault('resize');
      const isLowering = undelivered === true;
      const mayLower = isLowering && desired > state.nodes.length;
      if ((desired < state.desired && !mayLower) || (isLowering && desired > state.desired)) {
        throw new ConflictError(`Cannot lower desired from ${state.desired} to ${desired}`);
      }
      const known = updates.get(token);
      if (known !== undefined) return { updateId: known.id };
      if (running(policy) !== undefined || state.status === 'updating') {
        throw new ConflictError('Cannot resize: an update is in flight');
      }
      calls.push({ call: 'resize', min, max, desired, token });
      const id = `update-${updates.size + 1}`;
      const name = groupNameOf(policy);
      updates.set(token, { id, group: name, endsMs: clock.nowMs() + updateMs, end: nextEnd });
      if (nextEnd.state === 'successful') Object.assign(state, { min, max, desired });
      nextEnd = { state: 'successful', errors: [] };
      fault('resize', true);
      return { updateId: id };
    },
    pollUpdate: async (_, updateId) => {
      fault('pollUpdate');
      const update = [...updates.values()].find((one) => one.id === updateId);
      if (update === undefined) throw new NotFoundError(`Cannot find update "${updateId}"`);
      return update.endsMs > clock.nowMs() ? { state: 'inProgress', errors: [] } : update.end;
    },
    terminate: async (policy, instanceId) => {
      const state = existing(policy);
      fault('terminate');
      const index = state.nodes.findIndex((one) => one.instanceId === instanceId);
      const victim = state.nodes[index];
      if (victim === undefined) return;
      if (state.desired <= state.min) throw new ConflictError(`Cannot terminate below min ${state.min}`);
      calls.push({ call: 'terminate', instanceId, podsLeft: victim.pods.length, cordoned: victim.cordoned });
      state.nodes.splice(index, 1);
      state.desired--;
      fault('terminate', true);
    },
  };

  const drainer: NodeDrainer = {
    cordon: async (nodeName) => {
      fault('cordon');
      if (!node(nodeName).cordoned) calls.push({ call: 'cordon', nodeName });
      node(nodeName).cordoned = true;
    },
    uncordon: async (nodeName) => {
      if (node(nodeName).cordoned) calls.push({ call: 'uncordon', nodeName });
      node(nodeName).cordoned = false;
    },
    drainStep: async (nodeName) => {
      fault('drainStep');
      const found = node(nodeName);
      if (found.pods.length === 0) return { state: 'empty' };
      const podsLeft = found.pods.length;
      if (found.blockedBy !== undefined) {
        return { state: 'blocked', podsLeft, detail: `${found.pods[0]} cannot be evicted: ${found.blockedBy}` };
      }
      found.pods.shift();
      calls.push({ call: 'evict', nodeName });
      return { state: 'draining', podsLeft, detail: `${podsLeft} pods are leaving ${nodeName}` };
    },
  };

  return {
    provisioner,
    drainer,
    calls,
    group,
    failNext: (method, { error, applied = false }) => {
      faults.push({ method, error, applied });
    },
    nextUpdateEnds: (end) => {
      nextEnd = end;
    },
  };
}

function emptyGroup(sizes: { readonly min: number; readonly max: number; readonly desired: number }): MemoryNodeGroup {
  return { ...sizes, status: 'active', issues: [], capacityShortage: null, nodes: [] };
}

function nodeOf(group: string, index: number): MemoryNode {
  return {
    nodeName: `${group}-node-${index}`,
    instanceId: `i-${group}-${index}`,
    cordoned: false,
    pods: [],
    blockedBy: undefined,
  };
}

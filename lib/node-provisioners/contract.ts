/**
 * To add a node provisioner (say, plain Auto Scaling groups):
 * 1. implement {@link NodeProvisioner} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/node-provisioner.ts` against it.
 */
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { NodeGroupIssue } from '../core/types.ts';

export type NodeGroupState = {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly status: 'active' | 'updating' | 'degraded' | 'creating' | 'deleting' | 'failed';
  readonly issues: readonly NodeGroupIssue[];
  /** Set when an issue or the newest launch says that no machines start: the cause in the cloud's words (lib/core/nodes/trouble.ts names the state). */
  readonly capacityShortage: string | null;
  /** Only of a group whose instances go back to a warm pool when it shrinks: those in service or on their way there now, so that one that comes back is known. */
  readonly reusedIds?: readonly string[];
};

export type UpdateState = {
  readonly state: 'inProgress' | 'successful' | 'failed' | 'cancelled';
  readonly errors: readonly string[];
};

export type SizeChange = {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly token: string;
  readonly undelivered?: true;
};

/** Resizes a group of nodes. All calls take the policy, so that one provisioner serves many groups. */
export type NodeProvisioner = {
  /** Throws NotFoundError, DeniedError, TransientError. */
  describe(group: NodeGroupPolicy): Promise<NodeGroupState>;
  /**
   * Sends min, max and desired together (min <= desired <= max is asserted). The same `token` never makes two updates. Never lowers `desired`: nodes go
   * through `terminate`. But with `undelivered` it does, by nodes that were never launched: the instances are counted just before, and desired stays above them by at least one,
   * so that one that comes meanwhile makes the cloud end none. Throws ConflictError while another update is in flight or when a size does not fit what is there, CapacityError, DeniedError, ConfigError, TransientError.
   */
  resize(group: NodeGroupPolicy, change: SizeChange): Promise<{ readonly updateId: string }>;
  pollUpdate(group: NodeGroupPolicy, updateId: string): Promise<UpdateState>;
  /** Ends this very instance and lowers desired by one. Idempotent: an instance that is gone is fine. Throws like `resize`. */
  terminate(group: NodeGroupPolicy, instanceId: string): Promise<void>;
};

export type DrainStep =
  | { readonly state: 'empty' }
  | { readonly state: 'draining'; readonly podsLeft: number; readonly detail: string }
  /** Some pod can't be evicted now (a PodDisruptionBudget, no controller): named in `detail`. */
  | { readonly state: 'blocked'; readonly podsLeft: number; readonly detail: string };

/** Empties nodes gently, through the orchestrator. */
export type NodeDrainer = {
  /** Marks unschedulable. Throws NotFoundError when the node is gone. */
  cordon(nodeName: string): Promise<void>;
  uncordon(nodeName: string): Promise<void>;
  /**
   * Evicts what can be evicted now through the Eviction API (DaemonSet and mirror pods stay) and says what is left. One call is one step of under 2 s.
   * `mayWrite` is asked before every few evictions; what it throws ends the step.
   */
  drainStep(nodeName: string, mayWrite?: () => Promise<void>): Promise<DrainStep>;
};

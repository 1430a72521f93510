/**
 * To add a target kind (say, a Nomad job):
 * 1. implement {@link Target} in a file of its own,
 * 2. name it in `index.ts`, and in `lib/hosts/orchestrators.ts` when it has a connection of its own,
 * 3. run `test/conformance/target.ts` against it.
 */
import type { TargetRef } from '../core/types.ts';

export type TargetState = {
  readonly replicas: number;
  /** Another after every change of the spec, and after nothing else. Only compared for being the same. */
  readonly generation: number;
  /** Another after every write: the precondition of the next one. */
  readonly resourceVersion: string;
  /** Of the object, not of its name, where the orchestrator tells them apart. */
  readonly uid: string;
};

/** Pods marked in one step: each costs a read and perhaps a write, and a step has 3 s. */
export const VICTIMS_MAX = 20;

/** What is resized in an orchestrator. */
export type Target = {
  /** Throws NotFoundError, DeniedError, TransientError (also on a timeout). */
  read(ref: TargetRef): Promise<TargetState>;
  /**
   * Sets the count if the object is still as read. Idempotent. Throws ConflictError when it changed since `expected` (read again), NotFoundError,
   * DeniedError, TransientError (with `retryAfterMs` when the other side says so), ConfigError when the value itself is refused.
   */
  scale(
    ref: TargetRef,
    change: { readonly replicas: number; readonly expected: TargetState; readonly planSeq: number },
  ): Promise<TargetState>;
  /**
   * Asks that these pods go first when the count is lowered (Kubernetes: pod-deletion-cost); `release` takes the wish back. Writes only what changes
   * something; `mayWrite` is asked before every write, what it throws ends the call. At most {@link VICTIMS_MAX} pods in all. Throws DeniedError, TransientError.
   */
  preferVictims?(
    ref: TargetRef,
    pods: {
      readonly first: readonly string[];
      readonly release: readonly string[];
      readonly mayWrite?: () => Promise<void>;
    },
  ): Promise<void>;
};

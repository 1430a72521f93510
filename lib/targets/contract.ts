/**
 * To add a target kind (say, a Swarm service):
 * 1. implement {@link Target} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/target.ts` against it.
 */
import type { TargetRef } from '../core/types.ts';

export type TargetState = {
  readonly replicas: number;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly uid: string;
};

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
   * Asks that these pods go first when the count is lowered (Kubernetes: pod-deletion-cost); `release` takes the wish back. Best effort, bounded.
   */
  preferVictims?(
    ref: TargetRef,
    pods: { readonly first: readonly string[]; readonly release: readonly string[] },
  ): Promise<void>;
};

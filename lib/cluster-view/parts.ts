/** Parts of an observation: each whole, or with the reason why it is not there. */
import { TransientError, messageOf } from '../base/errors.ts';
import type { Snapshot } from '../core/types.ts';

/** A whole answer, or why there is none. */
export type Part<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string; readonly error?: unknown };

/** Runs `work`; what it throws becomes the reason. */
export async function attempt<T>(work: () => Promise<T>): Promise<Part<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, reason: messageOf(error), error };
  }
}

const UNSEEN = 'Cannot observe the cluster: ';

/** Nothing seen at all is an outage, not an observation: throws TransientError. */
export function refuseNothing(snapshot: Snapshot): void {
  const all = [...Object.values(snapshot.targets), ...Object.values(snapshot.nodeGroups)];
  const [first] = all;
  if (first?.kind !== 'missing' || all.some((one) => one.kind === 'observed')) return;
  // Asked of each orchestrator and of all together: the reason is told once.
  throw new TransientError(first.reason.startsWith(UNSEEN) ? first.reason : `${UNSEEN}${first.reason}`);
}

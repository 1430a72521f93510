/** The dry run: reads go through, writes are told and not done. */
import type { TargetRef } from '../core/types.ts';
import type { Target } from './contract.ts';

/** Wraps a target so that nothing is ever written; `onSkipped` hears what would have been. The answer of `scale` is the state as read. */
export function observeOnly(
  target: Target,
  onSkipped: (ref: TargetRef, change: { readonly from: number; readonly to: number }) => void = () => {},
): Target {
  return {
    read: (ref) => target.read(ref),
    scale: (ref, { expected, replicas }) => {
      onSkipped(ref, { from: expected.replicas, to: replicas });
      return Promise.resolve(expected);
    },
  };
}

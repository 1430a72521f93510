/** How current something kept by a watch is: what was proven, and when. */
import type { Clock } from '../../base/clock.ts';

export type Proof = {
  /** Everything up to `version` is known, which was all there was at `sinceMs` (monotonic). */
  prove(version: string, sinceMs: number): void;
  /** The version of the last proof. */
  version(): string | undefined;
  /** Since the last proof [ms]; undefined before the first. */
  ageMs(): number | undefined;
  /** As before the first. */
  forget(): void;
};

/** Nothing is proven yet. */
export function unproven(clock: Clock): Proof {
  let last: { readonly version: string; readonly sinceMs: number } | undefined;
  return {
    prove: (version, sinceMs) => {
      last = { version, sinceMs: Math.max(sinceMs, last?.sinceMs ?? sinceMs) };
    },
    version: () => last?.version,
    forget: () => {
      last = undefined;
    },
    ageMs: () => (last === undefined ? undefined : Math.max(0, clock.monotonicMs() - last.sinceMs)),
  };
}

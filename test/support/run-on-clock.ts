/** Drives a virtual clock until some work has ended. */
import type { VirtualClock } from '../../lib/base/clock.ts';

/** Moves `clock` on in steps until `work` has ended, for at most `msMax` of virtual time. Returns (or throws) what `work` does; throws when it does not end. */
export async function runOnClock<T>(
  clock: VirtualClock,
  work: Promise<T>,
  options: { readonly stepMs?: number; readonly msMax?: number } = {},
): Promise<T> {
  const { stepMs = 100, msMax = 120_000 } = options;
  const state = { ended: false };
  const end = (): void => {
    state.ended = true;
  };
  work.then(end, end);
  // Lets the work reach its first sleep before time moves.
  await clock.advance(0);
  for (let ms = 0; ms < msMax && !state.ended; ms += stepMs) await clock.advance(stepMs);
  if (!state.ended) throw new Error(`Cannot finish the work: expected it to end within ${msMax} ms of virtual time`);
  return work;
}

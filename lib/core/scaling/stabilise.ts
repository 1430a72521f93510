/** Down only to the most that was wanted in the stabilization window: what comes back within the time a replica takes to start is not worth dropping. */
import type { WorkloadControl } from '../decide-types.ts';
import type { ScalingPolicy } from '../policy.ts';

/** Shortest automatic window [ms]: below a minute, noise of the readings themselves would show. */
const WINDOW_MS_MIN = 60_000;

/** Slots a window is divided into: the memory is bounded, and a peak is held at most 1/32 of the window longer. */
const SLOTS = 32;

/** Entries kept: the slots of one window, and as many again of a window that was shortened meanwhile. */
const WANTS_MAX = 2 * SLOTS;

/** No evaluation for so long means that nobody saw what was wanted meanwhile [ms]; the standing count starts a new window. */
const GAP_MS_MIN = 120_000;

export type Wants = WorkloadControl['wants'];

/** Length of the stabilization window [ms]; auto = the lead time, at least a minute. Source: break-even (ski rental), Lu and Chen 2013. */
export function stabilizationMs(policy: ScalingPolicy): number {
  const { windowSec } = policy.spec.scaleDown;
  return windowSec === 'auto' ? Math.max(policy.spec.leadTimeSec * 1000, WINDOW_MS_MIN) : windowSec * 1000;
}

/** Adds a want, keeping the largest of each slot of the window and dropping what is older than the window. */
export function rememberWant(
  wants: Wants,
  want: { readonly nowMs: number; readonly replicas: number; readonly windowMs: number },
): Wants {
  const slotMs = Math.max(1, want.windowMs / SLOTS);
  const kept = wants.filter((one) => want.nowMs - one[0] <= want.windowMs);
  const last = kept.at(-1);
  const sameSlot = last !== undefined && Math.floor(last[0] / slotMs) === Math.floor(want.nowMs / slotMs);
  if (sameSlot) kept.pop();
  kept.push([want.nowMs, sameSlot ? Math.max(last[1], want.replicas) : want.replicas]);
  return kept.length <= WANTS_MAX ? kept : bounded(kept);
}

/** Two oldest become one with the larger count and the later time: held longer, never forgotten early. */
function bounded(wants: Wants): Wants {
  const [first, second, ...rest] = wants;
  if (wants.length <= WANTS_MAX || first === undefined || second === undefined) return wants;
  return bounded([[second[0], Math.max(first[1], second[1])], ...rest]);
}

/** True when a window must be started with the count that stands: at first, and after nobody looked for a while. */
export function startsAfresh(
  control: WorkloadControl | undefined,
  now: { readonly nowMs: number; readonly windowMs: number },
): boolean {
  if (control === undefined || control.lastWanted === null || control.wants.length === 0) return true;
  return now.nowMs - control.lastAtMs > Math.max(GAP_MS_MIN, now.windowMs);
}

/** The largest want of the window and when it was; the newest of equals. */
export function peakWant(wants: Wants): { readonly atMs: number; readonly replicas: number } {
  let [atMs, replicas] = [0, 0];
  for (const want of wants) if (want[1] >= replicas) [atMs, replicas] = want;
  return { atMs, replicas };
}

/** Arithmetic on GPU counts by resource name; a name that is absent counts 0. */
import type { GpuCounts } from '../types.ts';

/** Counts this close are equal: slices such as 0.1 do not add up exactly in binary. */
const TOLERANCE = 1e-9;

/** True when every resource of `need` is free. */
export function fits(free: GpuCounts, need: GpuCounts): boolean {
  // Loops over keys here: thousands of nodes are asked for each plan, and lists of entries would be most of its garbage.
  for (const name in need) if (!((free[name] ?? 0) + TOLERANCE >= (need[name] ?? 0))) return false;
  return true;
}

/** a − b, not below 0. */
export function minus(a: GpuCounts, b: GpuCounts): GpuCounts {
  const left: Record<string, number> = {};
  for (const name in a) left[name] = Math.max(0, (a[name] ?? 0) - (b[name] ?? 0));
  return left;
}

/** a + times · b. */
export function plus(a: GpuCounts, b: GpuCounts, times = 1): GpuCounts {
  const sum: Record<string, number> = { ...a };
  for (const name in b) sum[name] = (a[name] ?? 0) + times * (b[name] ?? 0);
  return sum;
}

/** All resource names together. */
export function total(gpus: GpuCounts): number {
  let sum = 0;
  for (const name in gpus) sum += gpus[name] ?? 0;
  return sum;
}

/** Arithmetic on GPU counts by resource name; a name that is absent counts 0. */
import type { GpuCounts } from '../types.ts';

/** Counts this close are equal: slices such as 0.1 do not add up exactly in binary. */
const TOLERANCE = 1e-9;

/** True when every resource of `need` is free. */
export function fits(free: GpuCounts, need: GpuCounts): boolean {
  return Object.entries(need).every(([name, gpus]) => (free[name] ?? 0) + TOLERANCE >= gpus);
}

/** a − b, not below 0. */
export function minus(a: GpuCounts, b: GpuCounts): GpuCounts {
  return Object.fromEntries(Object.entries(a).map(([name, gpus]) => [name, Math.max(0, gpus - (b[name] ?? 0))]));
}

/** a + times · b. */
export function plus(a: GpuCounts, b: GpuCounts, times = 1): GpuCounts {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(names.map((name) => [name, (a[name] ?? 0) + times * (b[name] ?? 0)]));
}

/** All resource names together. */
export function total(gpus: GpuCounts): number {
  return Object.values(gpus).reduce((sum, value) => sum + value, 0);
}

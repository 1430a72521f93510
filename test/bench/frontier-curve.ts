/** A policy's frontier, misses against GPU-hours, and what is read from it at another policy's misses or GPU-hours. */
import type { Point } from './frontier-results.ts';

export type Measured = Pick<Point, 'gpuHours' | 'sloMissCount' | 'requestCount'>;

/** `between`: interpolated, or measured. `atMost`: the end of the sweep does no worse than the other policy in what it is read at. `beyond`: the sweep does not get there. */
export type Read = { readonly kind: 'between' | 'atMost'; readonly value: number } | { readonly kind: 'beyond' };

/** Misses of a fluid are fractions: less than half a request is none, and none is drawn and compared as half a one. */
const MISSES_MIN = 0.5;

/** Share of the requests that were missed, at least half a request: its logarithm exists. A fluid adds its requests up in another order for each policy: they are rounded. */
export function missShareOf({ sloMissCount, requestCount }: Measured): number {
  return Math.max(MISSES_MIN, sloMissCount) / Math.max(1, Math.round(requestCount));
}

/** Whether not one whole request was missed. */
export function missesNone({ sloMissCount }: Measured): boolean {
  return sloMissCount < MISSES_MIN;
}

/** The points that no other one beats in both, the cheapest first: GPU-hours rise and misses fall from each to the next. */
export function frontierOf<T extends Measured>(points: readonly T[]): T[] {
  const byHours = points.toSorted(
    (one, other) => one.gpuHours - other.gpuHours || missShareOf(one) - missShareOf(other),
  );
  let least = Infinity;
  return byHours.filter((point) => {
    const share = missShareOf(point);
    if (share >= least) return false;
    least = share;
    return true;
  });
}

/** GPU-hours with which a frontier misses no more than `share`; the logarithm of the share is linear in GPU-hours between two points. */
export function hoursAtMisses(frontier: readonly Measured[], share: number): Read {
  const first = frontier[0];
  if (first === undefined) return { kind: 'beyond' };
  if (missShareOf(first) < share) return { kind: 'atMost', value: first.gpuHours };
  const at = frontier.findIndex((point) => missShareOf(point) <= share);
  const [before, after] = [frontier[at - 1], frontier[at]];
  if (after === undefined) return { kind: 'beyond' };
  if (before === undefined) return { kind: 'between', value: after.gpuHours };
  const [high, low] = [Math.log(missShareOf(before)), Math.log(missShareOf(after))];
  const part = (high - Math.log(share)) / (high - low);
  return { kind: 'between', value: before.gpuHours + part * (after.gpuHours - before.gpuHours) };
}

/** Share that a frontier misses with `gpuHours`, interpolated as in {@link hoursAtMisses}. */
export function missesAtHours(frontier: readonly Measured[], gpuHours: number): Read {
  const last = frontier.at(-1);
  if (last === undefined) return { kind: 'beyond' };
  if (gpuHours > last.gpuHours) return { kind: 'atMost', value: missShareOf(last) };
  const at = frontier.findLastIndex((point) => point.gpuHours <= gpuHours);
  const [before, after] = [frontier[at], frontier[at + 1]];
  if (before === undefined) return { kind: 'beyond' };
  if (after === undefined) return { kind: 'between', value: missShareOf(before) };
  const part = (gpuHours - before.gpuHours) / (after.gpuHours - before.gpuHours);
  const [high, low] = [Math.log(missShareOf(before)), Math.log(missShareOf(after))];
  return { kind: 'between', value: Math.exp(high + part * (low - high)) };
}

/** What was read, over the other policy's figure (above 0). */
export function over(read: Read, other: number): Read {
  return read.kind === 'beyond' ? read : { kind: read.kind, value: read.value / other };
}

/** What Ray Serve knows of the requests: the last report of each handle, until it is too old. */

/** One report: means over the look-back window. */
export type RayHandleReport = {
  readonly handle: string;
  readonly queuedRequests: number;
  readonly runningRequestsByReplica?: Readonly<Record<string, number>>;
};

/** Least age at which a silent handle is dropped [ms]. */
const HANDLE_TIMEOUT_MIN_MS = 10_000;

/** Collects reports. `total` adds what waits at the handles and what they say runs on replicas that still run;
 *  a handle counts until it was silent for max(2 × interval, 10 s). Times in ms; returns requests. */
export function rayHandles(metricsIntervalMs: number): {
  report(report: RayHandleReport, nowMs: number): void;
  total(runningReplicaIds: readonly string[], nowMs: number): number;
} {
  const timeoutMs = Math.max(2 * metricsIntervalMs, HANDLE_TIMEOUT_MIN_MS);
  const latest = new Map<string, { readonly atMs: number; readonly report: RayHandleReport }>();
  return {
    report: (report, nowMs) => void latest.set(report.handle, { atMs: nowMs, report }),
    total(runningReplicaIds, nowMs) {
      let total = 0;
      for (const [handle, { atMs, report }] of latest) {
        if (nowMs - atMs > timeoutMs) latest.delete(handle);
        else total += report.queuedRequests + runningOn(report, runningReplicaIds);
      }
      return total;
    },
  };
}

function runningOn({ runningRequestsByReplica = {} }: RayHandleReport, replicaIds: readonly string[]): number {
  return replicaIds.reduce((sum, id) => sum + (runningRequestsByReplica[id] ?? 0), 0);
}

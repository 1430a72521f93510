/**
 * kafkajs 2.2.4 wakes up every millisecond for as long as a connection is open, to look whether throttled requests may go out
 * (its issue 1751): about 5 % of a core per idle client. With nothing pending there is nothing to look for, so no timer is set.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let isCalm = false;

/** Stops the busy timer of all kafkajs connections of this process. Later calls do nothing. */
export function calmRequestQueue(): void {
  if (isCalm) return;
  isCalm = true;
  const queue = RequestQueue.prototype;
  // oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function scheduleWhenPending(this: typeof queue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/**
 * Requests in the slots of ready replicas, as a fluid: dF/dt = admitted - F / S(F/R). S is the time of a request in a server that holds F/R of them, so after some seconds of a
 * steady load F is what {@link concurrencyAt} says (Little's law); but it gets there no faster than requests come and go. A policy that reads concurrency sees that delay in
 * every real server; without it, a second of noise in the arrivals would look like a change of the load.
 */
import type { ServiceLevel } from '../capacity.ts';

export type InFlight = {
  /** Requests in slots now. */
  readonly requests: number;
  /** Moves on by `spanMs` [ms] > 0 with `ready` replicas that admit `workMs` [replica-ms] meanwhile. Returns the mean of the span. */
  advance(span: { readonly spanMs: number; readonly ready: number; readonly workMs: number }): number;
  /** A replica of `ready` ones takes no more requests; those in it are its own. */
  leave(ready: number): void;
};

/** Short against the time of a request [ms]. */
const STEP_MS = 1_000;

/** Nothing runs at first. */
export function createInFlight(level: ServiceLevel): InFlight {
  const { a } = level.replicaClass;
  const slopeMs = (level.stepMs - a) / level.concurrency;
  /** Time of a request in a server with `running` of them [s]. */
  const serviceSec = (running: number): number =>
    level.replicaClass.serial ? level.serviceSec : (level.mix.outputTokens * (a + slopeMs * running)) / 1000;
  let requests = 0;

  return {
    get requests() {
      return requests;
    },
    advance: ({ spanMs, ready, workMs }) => {
      if (ready === 0) {
        requests = 0;
        return 0;
      }
      const perSec = (workMs / spanMs) * level.requestsPerSec;
      const steps = Math.ceil(spanMs / STEP_MS);
      const sec = spanMs / steps / 1000;
      let sum = 0;
      for (let step = 0; step < steps; step++) {
        const holdSec = serviceSec(requests / ready);
        const settled = perSec * holdSec;
        const left = Math.exp(-sec / holdSec);
        sum += settled + ((requests - settled) * (1 - left) * holdSec) / sec;
        requests = settled + (requests - settled) * left;
      }
      return sum / steps;
    },
    leave: (ready) => {
      requests -= requests / ready;
    },
  };
}

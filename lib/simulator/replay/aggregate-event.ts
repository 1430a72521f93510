/** What the fleet did in one interval, as an event: Penstock's view of the plant. */
import type { InferenceLoad } from '../../../events/schema/index.ts';
import type { LoadSample } from '../baselines/contract.ts';

/** What an aggregate of the whole fleet is to the window: one source that sees everything, as a gateway is. */
const SOURCE = 'gateway/replay';

/** Fractions of requests and tokens that no event has told yet, 0 ≤ each < 1. */
export type Carry = {
  readonly arrived: number;
  readonly completed: number;
  readonly input: number;
  readonly output: number;
};

export const NOTHING_CARRIED: Carry = { arrived: 0, completed: 0, input: 0, output: 0 };

/** One aggregate event of the fleet for the time since the last one. Counters are whole; what is left of a fluid comes with the next event. */
export function aggregateEvent(
  sample: LoadSample,
  of: { readonly workload: string; readonly startMs: number; readonly carry: Carry },
): { readonly event: InferenceLoad; readonly rest: Carry } {
  const spanSec = (sample.atMs - of.startMs) / 1000;
  const exact: Carry = {
    arrived: of.carry.arrived + sample.arrivalsPerSec * spanSec,
    completed: of.carry.completed + sample.completedPerSec * spanSec,
    input: of.carry.input + sample.inputTokensPerSec * spanSec,
    output: of.carry.output + sample.outputTokensPerSec * spanSec,
  };
  const event: InferenceLoad = {
    schema: 'penstock.inference-load/1',
    workload: of.workload,
    source: SOURCE,
    intervalStartMs: of.startMs,
    intervalEndMs: sample.atMs,
    inFlight: sample.running,
    queued: sample.queued,
    requests: { arrived: whole(exact.arrived), completed: whole(exact.completed) },
    tokens: { input: whole(exact.input), output: whole(exact.output) },
    utilization: { kvCacheRatio: Math.min(1, Math.max(0, sample.kvRatio)) },
    ...(sample.ttftMs === undefined
      ? {}
      : { ttftMs: { bounds: [...sample.ttftMs.bounds], counts: [...sample.ttftMs.counts] } }),
  };
  const rest: Carry = {
    arrived: exact.arrived - whole(exact.arrived),
    completed: exact.completed - whole(exact.completed),
    input: exact.input - whole(exact.input),
    output: exact.output - whole(exact.output),
  };
  return { event, rest };
}

/** 2.9999999999 requests are three: the fluid's sums are not exact in binary. */
function whole(value: number): number {
  return Math.max(0, Math.floor(value + 1e-9));
}

/** Gateways whose load doubles at a random moment, live: what they publish, and which PATCHes follow. For the benchmark of a step. */
import { systemClock } from '../../lib/base/clock.ts';
import type { Random } from '../../lib/base/random.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import type { StreamProducer } from '../../lib/stream/contract.ts';
import { poisson, reported } from '../core/scaling/poisson.ts';
import type { Rig } from './rig.ts';

export type StepCase = {
  readonly name: string;
  /** Of the policy. */
  readonly signal: Readonly<Record<string, unknown>>;
  readonly perSec: number;
  readonly serviceSec: number;
  /** Replicas the load fills before the step. */
  readonly replicas: number;
  readonly goalSec: number;
};

/** The two loads of the goal. */
export const STEP_CASES: readonly StepCase[] = [
  {
    name: '100 requests/s',
    signal: { kind: 'requestRate', perReplicaPerSec: 5 },
    perSec: 100,
    serviceSec: 3,
    replicas: 20,
    goalSec: 3,
  },
  {
    name: '10 requests/s, in flight',
    signal: { kind: 'inFlight', perReplica: 8 },
    perSec: 10,
    serviceSec: 3,
    replicas: 4,
    goalSec: 10,
  },
];

export type Gateway = {
  readonly workload: string;
  readonly of: StepCase;
  readonly everySec: number;
  /** When the load doubles, on the clock that never jumps [ms]. */
  readonly stepMs: number;
};

/** How long after the last step the gateways go on [ms]. */
export const AFTER_MS = 20_000;

/** Reports until `untilMs` (monotonic). Each is handed to the producer when its interval has ended, as a gateway would do. Returns when [monotonic ms]. */
export async function runGateway(
  gateway: Gateway,
  via: { readonly producer: StreamProducer; readonly random: Random; readonly untilMs: number },
): Promise<readonly number[]> {
  const { workload, of, everySec, stepMs } = gateway;
  const sentMs: number[] = [];
  const draw = poisson(via.random);
  // Any phase of the buckets, of the other gateways and of the evaluations.
  await systemClock.sleep(via.random() * everySec * 1_000);
  const [startMs, wallMs] = [systemClock.monotonicMs(), systemClock.nowMs()];
  const arrivals = { ...of, factor: 2, stepSec: (stepMs - startMs) / 1_000 };
  let inFlight = of.perSec * of.serviceSec;
  for (let index = 0; startMs + index * everySec * 1_000 < via.untilMs; index++) {
    const [fromSec, toSec] = [index * everySec, (index + 1) * everySec];
    const { says, inFlightAfter } = reported(arrivals, { fromSec, toSec, inFlight, draw });
    inFlight = inFlightAfter;
    await systemClock.sleep(Math.max(0, startMs + toSec * 1_000 - systemClock.monotonicMs()));
    const event = {
      schema: 'penstock.inference-load/1',
      workload,
      source: 'gateway/bench',
      intervalStartMs: wallMs + fromSec * 1_000,
      intervalEndMs: wallMs + toSec * 1_000,
      ...says,
    };
    sentMs.push(systemClock.monotonicMs());
    await via.producer.send([{ topic: DEFAULT_TOPICS.inferenceLoad, key: workload, value: JSON.stringify(event) }]);
  }
  return sentMs;
}

/** What a step did. Seconds from it to the arrived PATCH; Infinity when there was none. */
export type Reaction = {
  /** To the first PATCH of a higher count. */
  readonly raisedSec: number;
  /** Of that, from the last report before it; the rest is waiting until a report holds enough of the step. */
  readonly pathSec: number;
  /** To the PATCH of as many replicas as twice the load fills. */
  readonly servedSec: number;
  /** Raises in the minute before the step, when the load was steady. */
  readonly steadyRaises: number;
};

const STEADY_MS = 60_000;

/** From the PATCHes of a workload, and when its gateway reported. */
export function reactionOf(
  gateway: Gateway,
  { cluster, sentMs }: { readonly cluster: Rig['cluster']; readonly sentMs: readonly number[] },
): Reaction {
  const { stepMs, of } = gateway;
  let [count, raisedMs, servedMs, steadyRaises] = [0, Infinity, Infinity, 0];
  for (const { monotonicMs, path, body, status } of cluster.requests.of('patch deployments/scale')) {
    if (status >= 300 || !path.endsWith(`/deployments/${gateway.workload}/scale`)) continue;
    const { replicas } = (JSON.parse(body) as { spec: { replicas: number } }).spec;
    const isRaise = replicas > count;
    count = replicas;
    if (monotonicMs < stepMs) {
      if (isRaise && monotonicMs >= stepMs - STEADY_MS) steadyRaises++;
      continue;
    }
    if (isRaise) raisedMs = Math.min(raisedMs, monotonicMs);
    if (replicas >= 2 * of.replicas) servedMs = Math.min(servedMs, monotonicMs);
  }
  const lastMs = Math.max(...sentMs.filter((ms) => ms <= raisedMs));
  return {
    raisedSec: (raisedMs - stepMs) / 1_000,
    pathSec: (raisedMs - lastMs) / 1_000,
    servedSec: (servedMs - stepMs) / 1_000,
    steadyRaises,
  };
}

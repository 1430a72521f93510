/** What a miss and a replica cost, and the share of requests that may meet too little which follows from it. */
import type { Forecast } from '../forecast/forecast.ts';
import { MISS_RATIO } from '../forecast/miss-ratio.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../policy.ts';
import type { TargetObservation } from '../types.ts';
import { sloMissRatioOf } from './objective.ts';

/** Where the share that may meet too little begins, and between which values it is steered [ratio of requests]; what a share in time is worth [the same share of the load that stands by]. */
export type MissLimits = { readonly begin: number; readonly min: number; readonly max: number; readonly worth: number };

/** What the share rests on: the policy, the work of a request [replica-seconds] and the price of a replica [USD/h]; null where not known. */
export type Priced = {
  readonly policy: ScalingPolicy;
  readonly perRequest: number | null;
  readonly usdPerReplicaHour: number | null;
};

/** How far it is steered from its begin: who is short waits behind all before him, so that with minutes of lead time a tenth of the begin cost least (docs/decision-core.md). */
const MIN_SHARE = 1 / 10;
const MAX_SHARE = 2.5;
/** Below, the measured bound rests on too few comparisons; above, it is hardly a bound [ratio]. */
const BEGIN_MIN = 0.0005;
const BEGIN_MAX = 0.1;

/**
 * With a price, the share at which one replica more costs what it saves: c/(c + m/w), c = price of a replica-second, m = price of a miss, w = replica-seconds of a request, so that a
 * replica-second that lacks costs m/w. Source: the critical ratio of the newsvendor (Arrow, Harris and Marschak 1951). Without one, by the risk.
 */
export function missLimitsOf(priced: Priced): MissLimits {
  return byPrice(priced) ?? byRisk(priced.policy);
}

/** The share of misses that {@link MISS_RATIO} tells the worth at. */
const USUAL_MISS_RATIO = 0.001;

/** A stricter objective makes a miss worth more. */
function byRisk(policy: ScalingPolicy): MissLimits {
  const limits = MISS_RATIO[policy.spec.risk];
  return { ...limits, worth: (limits.worth * USUAL_MISS_RATIO) / sloMissRatioOf(policy) };
}

function byPrice({ policy, perRequest, usdPerReplicaHour }: Priced): MissLimits | null {
  const usdPerMiss = policy.spec.price?.usdPerMiss;
  if (usdPerMiss === undefined || perRequest === null || perRequest <= 0 || usdPerReplicaHour === null) return null;
  const over = usdPerReplicaHour / 3600;
  const ratio = over / (over + usdPerMiss / perRequest);
  const begin = rounded(Math.max(BEGIN_MIN, Math.min(BEGIN_MAX, ratio)));
  return { begin, min: rounded(begin * MIN_SHARE), max: rounded(begin * MAX_SHARE), worth: 1 / begin };
}

/** Room above what is expected that counts, in parts of it: below, the noise of the measure; above, bursts whose tail is no exponential's. */
const ROOM_MIN = 0.05;
const ROOM_MAX = 4;
/** Misses are measured by looks at a queue: fewer than one in a hundred thousand are not told from none, and above a fifth nothing is served well. */
const TARGET_MIN = 1e-5;
const TARGET_MAX = 0.2;

/**
 * The share of misses that is steered for. With a price, as many as cost what the room costs, over ln(1/begin): where the tail of demand is exponential, so it is at the critical ratio, and
 * misses are measured with all who wait behind the one too many. The objective's ratio is a promise the price takes the place of. Without one, what the objective leaves.
 */
export function missTargetOf(priced: Priced, forecast: Forecast | null): number {
  const limits = byPrice(priced);
  if (limits === null || forecast === null) return sloMissRatioOf(priced.policy);
  const room = forecast.bound / Math.max(1e-9, forecast.expected) - 1;
  const counted = Math.max(ROOM_MIN, Math.min(ROOM_MAX, room));
  return Math.max(TARGET_MIN, Math.min(TARGET_MAX, (limits.begin * counted) / Math.log(1 / limits.begin)));
}

function rounded(ratio: number): number {
  return Math.round(ratio * 1e6) / 1e6;
}

/** The risk whose begin is nearest, by which what is not measured yet is staffed. */
export function riskOf(priced: Priced): ScalingPolicy['spec']['risk'] {
  const limits = byPrice(priced);
  if (limits === null) return priced.policy.spec.risk;
  const far = (risk: keyof typeof MISS_RATIO): number => Math.abs(Math.log(MISS_RATIO[risk].begin / limits.begin));
  return (['low', 'balanced', 'cheap'] as const).reduce((best, risk) => (far(risk) < far(best) ? risk : best));
}

/**
 * The price of a replica [USD/h]: the policy's, else its part of a node of the first of its groups that has a price (the larger part where it takes several kinds of GPU);
 * null when neither is known.
 */
export function usdPerReplicaHourOf(
  { spec }: ScalingPolicy,
  of: { readonly target: TargetObservation; readonly nodeGroups: readonly NodeGroupPolicy[] },
): number | null {
  if (spec.price?.usdPerReplicaHour !== undefined) return spec.price.usdPerReplicaHour;
  const need = spec.gpusPerReplica ?? (of.target.kind === 'observed' ? of.target.gpusPerReplica : {});
  for (const name of spec.nodeGroups) {
    const shape = of.nodeGroups.find(({ metadata }) => metadata.name === name)?.spec.shape;
    if (shape?.usdPerHour === undefined) continue;
    const parts = Object.entries(need).flatMap(([gpu, gpus]) => {
      const there = shape.gpus[gpu];
      return there === undefined ? [] : [gpus / there];
    });
    if (parts.length > 0) return shape.usdPerHour * Math.max(...parts);
  }
  return null;
}

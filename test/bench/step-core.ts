/** A step on the decision core alone, in virtual time, through the real window: how soon it is answered, and how often noise is taken for one. */
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import { workloadPolicy } from '../core/builders.ts';
import { arrivalsCourse, reactionsSec } from '../core/scaling/poisson.ts';
import { quantile } from './rig.ts';
import type { StepCase } from './step-gateways.ts';

export type Alarms = {
  readonly name: string;
  readonly everySec: number;
  readonly days: number;
  readonly looks: number;
  /** Times the surge rule raised a count; those within a minute are one. */
  readonly alarms: number;
  /** Times the count rose at all, after the first hour, whatever rule raised it. */
  readonly raises: number;
};

export type CoreReaction = {
  readonly name: string;
  readonly everySec: number;
  readonly jumps: number;
  readonly inTime: number;
  /** To the first higher count [s]. */
  readonly p50Sec: number;
  readonly p99Sec: number;
  readonly maxSec: number;
};

/** The load doubles `jumps` times. */
export function coreReactionOf(
  of: StepCase,
  over: { readonly everySec: number; readonly jumps: number },
): CoreReaction {
  const { everySec, jumps } = over;
  const { perSec, serviceSec } = of;
  const took = reactionsSec(policyOf(of), { perSec, serviceSec, factor: 2, everySec, fullSec: everySec, seeds: jumps });
  const at = (ratio: number): number => Math.round(quantile(took, ratio) * 100) / 100;
  const inTime = took.filter((sec) => sec <= of.goalSec).length;
  return { name: of.name, everySec, jumps, inTime, p50Sec: at(0.5), p99Sec: at(0.99), maxSec: at(1) };
}

const policyOf = ({ signal }: StepCase): ScalingPolicy =>
  workloadPolicy({ replicas: { min: 1, max: 200 }, signals: [signal] });

const DAY_SEC = 86_400;
const ONE_ALARM_SEC = 60;
const LEARNING_SEC = 3_600;

/** A full evaluation after every report, as the process host makes every 2 s. */
export function alarmsOf(of: StepCase, over: { readonly everySec: number; readonly days: number }): Alarms {
  const { everySec, days } = over;
  let [looks, alarms, raises, lastSec, before] = [0, 0, 0, -Infinity, Infinity];
  arrivalsCourse({
    policy: policyOf(of),
    seed: 11,
    perSec: of.perSec,
    serviceSec: of.serviceSec,
    everySec,
    fullSec: everySec,
    untilSec: days * DAY_SEC,
    look: ({ sec, wanted, rules }) => {
      looks++;
      if (sec > LEARNING_SEC && wanted > before) raises++;
      before = wanted;
      if (rules.includes('surge')) {
        if (sec - lastSec > ONE_ALARM_SEC) alarms++;
        lastSec = sec;
      }
      return false;
    },
  });
  return { name: of.name, everySec, days, looks, alarms, raises };
}

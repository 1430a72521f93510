/** How often noise is taken for a jump: steady Poisson arrivals for many days of virtual time, through the real window and the decision core. */
import { workloadPolicy } from '../core/builders.ts';
import { arrivalsCourse } from '../core/scaling/poisson.ts';
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

const DAY_SEC = 86_400;
const ONE_ALARM_SEC = 60;
const LEARNING_SEC = 3_600;

/** A full evaluation after every report, as the process host makes every 2 s. */
export function alarmsOf(of: StepCase, over: { readonly everySec: number; readonly days: number }): Alarms {
  const { everySec, days } = over;
  let [looks, alarms, raises, lastSec, before] = [0, 0, 0, -Infinity, Infinity];
  arrivalsCourse({
    policy: workloadPolicy({ replicas: { min: 1, max: 200 }, signals: [of.signal] }),
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

/** Plans of one pool are made by clocks that differ: nothing is lowered where they meet, because the age of what was read is not known. */
import type { Plan } from '../types.ts';
import { duration } from '../format.ts';
import { docOf, hooksFor } from './contract.ts';
import type { AlertRule, AlertRuleInput } from './contract.ts';

const RULE = 'clocks-apart';

/** Three times as far as two clocks may be apart before one of them lowers nothing, and more than any plan is late [ms]. */
const APART_MS_MAX = 30_000;

/** The plan itself is the proof. */
const PENDING_MS = 0;
/** 5 min: only the controller whose clock is behind sees it in its own plans, and the other one evaluates in between. */
const CLEAR_MS = 300_000;

/**
 * A plan's sequence is its maker's time unless an earlier plan had a later one: what it is ahead by is how far the clocks are apart. So both controllers see
 * it, the one behind in its own plans, the one ahead in those it finds. Also one clock that was set back, until it is where it was.
 */
export const clocksApart: AlertRule = (input) => {
  const apartMs = apartOf(input);
  if (apartMs <= APART_MS_MAX) return [];
  const { pool } = input.pool;
  return [
    {
      key: `${RULE}/${pool}`,
      severity: 'warning',
      title: `Clocks of the controllers of pool ${pool} are apart`,
      detail: `A plan of this pool was made by a clock that is ${duration(apartMs)} ahead of another (or that has been set back). Little is lowered while both plan, because neither can tell how old readings are; growth goes on. Synchronise the clocks (NTP, chrony).`,
      workloads: input.pool.workloads.map(({ policy }) => policy.metadata.name).slice(0, WORKLOADS_MAX),
      decision: null,
      doc: docOf(RULE),
      hooks: hooksFor(input, []),
      pendingMs: PENDING_MS,
      clearMs: CLEAR_MS,
    },
  ];
};

/** Named in the alert: a message is read by people. */
const WORKLOADS_MAX = 20;

function apartOf({ pool: { previous }, outcome }: AlertRuleInput): number {
  return Math.max(aheadBy(outcome.plan), previous === undefined ? 0 : aheadBy(previous));
}

/** How much later than its maker's clock said the plan has to count as [ms]. */
function aheadBy({ seq, atMs }: Plan): number {
  return seq - atMs;
}

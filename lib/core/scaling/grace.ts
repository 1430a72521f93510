/** Long requests get their grace: whether a pod that is told to go would be killed before its requests end. */
import type { WorkloadInput } from '../decide-types.ts';
import { figure } from '../format.ts';

/** The rule of the trail, where a shrink is refused for it. */
export const GRACE_RULE = 'grace';

/** What the grace is called where the user sets it [s]. */
const GRACE_FIELDS: Readonly<Record<string, string>> = {
  SwarmService: 'stop_grace_period',
  MarathonApp: 'taskKillGracePeriodSeconds',
};
const GRACE_FIELD_KUBERNETES = 'terminationGracePeriodSeconds';

/**
 * Why nothing may shrink: requests take longer than the pods' grace. Null when they do not, when the policy allows it, when nothing is in flight, and where nothing is known
 * of the pods or of the requests.
 */
export function graceReason(input: WorkloadInput): string | null {
  const { scaleDown, target: ref } = input.policy.spec;
  const graceSec = shortestGraceSec(input);
  if (scaleDown.allowShortGrace || graceSec === null || isIdle(input)) return null;
  const [longestSec, says] =
    scaleDown.longestRequestSec === undefined
      ? [input.longestRequestSec ?? 0, 'requests took at least']
      : [scaleDown.longestRequestSec, 'scaleDown.longestRequestSec is'];
  if (longestSec <= graceSec) return null;
  const field = GRACE_FIELDS[ref.kind] ?? GRACE_FIELD_KUBERNETES;
  return `${field} of the pods is ${figure(graceSec)} s and ${says} ${figure(longestSec)} s, which a shrink would cut off (set ${field} higher, or scaleDown.allowShortGrace: true)`;
}

function shortestGraceSec({ target }: WorkloadInput): number | null {
  if (target.kind === 'missing') return null;
  let shortest: number | null = null;
  for (const { terminating, terminationGraceSec } of target.pods)
    if (!terminating) shortest = Math.min(shortest ?? terminationGraceSec, terminationGraceSec);
  return shortest;
}

/** Everybody was heard and nobody has anything to end. */
function isIdle({ readings: { inFlight } }: WorkloadInput): boolean {
  return inFlight.kind === 'value' && inFlight.value === 0 && inFlight.coverageRatio >= 1;
}

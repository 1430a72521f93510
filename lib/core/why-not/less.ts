/** Why not less: what holds the count, or under which load and from when on there would be less. */
import type { WorkloadInput, WorkloadOutcome } from '../decide-types.ts';
import { decideWorkload } from '../decide-workload.ts';
import { listed } from '../format.ts';
import { GRACE_RULE } from '../scaling/grace.ts';
import { leadTimeSecOf } from '../scaling/lead-time.ts';
import type { ScalingDecision, SignalName, TrailStep } from '../types.ts';
import { amount, bare, clockTime, shown } from './clauses.ts';
import { askedFor, findStep } from './more.ts';
import { boundary, endOf, firstFall, valueNow } from './what-if.ts';
import type { Fall } from './what-if.ts';

/** Rules that hold a count the load does not ask for. */
const HOLDING_RULES = [
  'hold',
  GRACE_RULE,
  'last-replica',
  'keep-alive',
  'pre-warm',
  'fallback',
  'max-per-minute',
  'stabilise',
  'min',
  'leading',
] as const;

/** Looked at: twice the lead time or the scale-down window, and a quarter of an hour in which means forget [ms]. */
const HORIZON_MS = 900_000;

/** Thresholds are said for a fall that comes little later than it would without any load [ms]. */
const PATIENCE_MS = 60_000;

/** One clause; `next` null when only the record is left of the decision. */
export function whyNotLess(decision: ScalingDecision, next: WorkloadInput | null): string {
  if (decision.mode === 'paused') return 'mode is paused';
  if (next === null) return heldBy(decision) ?? askedFor(decision);
  const { min } = next.policy.spec.replicas;
  const { wanted } = decision.replicas;
  if (wanted <= min) return `replicas.min is ${min}`;
  const { hold } = decideWorkload(next);
  return hold === null ? underReading(decision, next) : `${hold}, and nothing shrinks while it is so`;
}

function heldBy(decision: ScalingDecision): string | null {
  const found = HOLDING_RULES.map((rule) => findStep(decision, rule)).find((step) => step !== undefined);
  return found === undefined ? null : found.because;
}

function underReading(decision: ScalingDecision, next: WorkloadInput): string {
  const replicas = decision.replicas.wanted;
  const { scaleDown } = next.policy.spec;
  const { p90: leadTimeSec } = leadTimeSecOf(next.control, { policySec: next.policy.spec.leadTimeSec });
  const windowSec = scaleDown.windowSec === 'auto' ? leadTimeSec : scaleDown.windowSec;
  const endMs = next.nowMs + 2 * Math.max(leadTimeSec, windowSec) * 1000 + HORIZON_MS;
  const asItIs = firstFall(next, { values: {}, replicas, endMs });
  if (asItIs !== null) return said(asItIs, next, { decision, under: 'if the load stays as it is', now: [] });
  const names = decision.inputs.flatMap(({ signal }) =>
    (valueNow(next, signal as SignalName) ?? 0) > 0 ? [signal as SignalName] : [],
  );
  // One reading alone where that is enough, else all of them together.
  for (const group of [...names.map((name) => [name]), names]) {
    const clause = group.length === 0 ? null : underShare(next, { decision, names: group, endMs });
    if (clause !== null) return clause;
  }
  const nothing = Object.fromEntries(names.map((name) => [name, 0]));
  const last = endOf(next, { values: nothing, replicas, endMs })?.trail.at(-1);
  return last === undefined ? 'not even without load' : `not even without load: ${last.because}`;
}

/** More than a shown figure is rounded up by, in parts of it. */
const BELOW = 1 - 3e-4;

/** The largest share of the readings now at which the count falls little later than it would at nothing. */
function underShare(
  next: WorkloadInput,
  of: { readonly decision: ScalingDecision; readonly names: readonly SignalName[]; readonly endMs: number },
): string | null {
  const replicas = of.decision.replicas.wanted;
  const fallAt = (share: number, endMs: number): Fall | null => {
    const values = Object.fromEntries(of.names.map((name) => [name, share * (valueNow(next, name) ?? 0)]));
    return firstFall(next, { values, replicas, endMs });
  };
  const soonest = fallAt(0, of.endMs);
  if (soonest === null) return null;
  const endMs = soonest.atMs + PATIENCE_MS;
  const isTrueAsShown = (ratio: number): boolean => {
    const values = Object.fromEntries(
      of.names.map((name) => [name, shown(name, ratio * (valueNow(next, name) ?? 0), 'down')]),
    );
    return firstFall(next, { values, replicas, endMs }) !== null;
  };
  const found = boundary({ low: 0, high: 1, isHigh: (value) => fallAt(value, endMs) === null }) * (1 - 3e-5);
  // At a whole number itself it may stay: then the figure is the one below.
  const share = isTrueAsShown(found) ? found : found * BELOW;
  const fall = fallAt(share, endMs) ?? soonest;
  const now = of.names.map((name) => valueNow(next, name) ?? 0);
  const under = of.names.map((name, index) => amount(name, share * (now[index] ?? 0), 'down'));
  const figures = of.names.map((name, index) => bare(name, now[index] ?? 0));
  return said(fall, next, { decision: of.decision, under: `with at most ${listed(under)} until then`, now: figures });
}

/** `one less at 18:03:10 with at most 35.1 requests in flight until then (now 41; 7 replicas wanted 10 s ago)`. */
function said(
  { atMs, first }: Fall,
  next: WorkloadInput,
  of: { readonly decision: ScalingDecision; readonly under: string; readonly now: readonly string[] },
): string {
  const held = heldUntil(first, of);
  const aside = [
    ...(of.now.length === 0 ? [] : [`now ${listed(of.now)}`]),
    ...(held === undefined ? [] : [held.because]),
  ];
  const when = first === null ? 'at the next evaluation' : `at ${clockTime(atMs, next.nowMs)}`;
  return `one less ${when} ${of.under}${aside.length === 0 ? '' : ` (${aside.join('; ')})`}`;
}

/** What holds the count until it falls, as the decision itself said it where it did. */
function heldUntil(
  first: WorkloadOutcome | null,
  of: { readonly decision: ScalingDecision; readonly now: readonly string[] },
): TrailStep | undefined {
  const holding = first?.trail.findLast((step) => HOLDING_RULES.some((rule) => rule === step.rule));
  if (holding !== undefined) return findStep(of.decision, holding.rule) ?? holding;
  return of.now.length === 0 ? first?.trail.at(-1) : undefined;
}

/** Why not more: what stands against it, or from which reading on there would be more. */
import type { WorkloadInput } from '../decide-types.ts';
import { decideWorkload } from '../decide-workload.ts';
import { count, figure } from '../format.ts';
import type { ScalingDecision, SignalName, TrailStep } from '../types.ts';
import { amount, bare, clockTime } from './clauses.ts';
import { leastFor, valueNow } from './what-if.ts';

/** One clause; `next` null when only the record is left of the decision. */
export function whyNotMore(decision: ScalingDecision, next: WorkloadInput | null): string {
  return blockedBy(decision, next) ?? (next === null ? askedFor(decision) : fromReadingOn(decision, next));
}

export function findStep(decision: ScalingDecision, rule: string): TrailStep | undefined {
  return decision.trail.findLast((step) => step.rule === rule);
}

/** What no load would change. */
function blockedBy(decision: ScalingDecision, next: WorkloadInput | null): string | null {
  if (decision.mode === 'paused') return 'mode is paused';
  const short = findStep(decision, 'allocation');
  // What the strategy made of it is a in the step itself.
  if (short !== undefined) return short.because.split('; ')[0] ?? short.because;
  const limited = findStep(decision, 'max');
  const max = next?.policy.spec.replicas.max;
  if (limited === undefined && (max === undefined || decision.replicas.wanted < max)) return null;
  const asks = limited === undefined || limited.from === null ? '' : ` (the load asks for ${figure(limited.from)})`;
  return `${limited?.because ?? `replicas.max is ${max ?? decision.replicas.wanted}`}${asks}`;
}

/** The number after the last rule that looked at the load. */
export function askedFor({ trail, replicas }: ScalingDecision): string {
  const asked = trail.findLast((step) => step.unit === 'replicas' && LOAD_RULES.has(step.rule))?.to ?? null;
  if (asked === null) return 'no reading asks for any';
  return asked === replicas.wanted
    ? `the load asks for ${figure(asked)} and no more`
    : `the load asks for ${figure(asked)} only`;
}

/** Rules that say what the load asks for; the others limit it or hold what stands. */
const LOAD_RULES: ReadonlySet<string> = new Set(['demand', 'headroom', 'rounding', 'forecast']);

type Threshold = { readonly name: SignalName; readonly now: number; readonly value: number };

/** The reading that is nearest, by its own size, to one more replica. */
function fromReadingOn(decision: ScalingDecision, next: WorkloadInput): string {
  const replicas = decision.replicas.wanted + 1;
  const { wanted, trail } = decideWorkload(next);
  if (wanted >= replicas) return `the next evaluation wants ${wanted}: ${trail.at(-1)?.because ?? 'unknown'}`;
  const found = decision.inputs.flatMap(({ signal }): Threshold[] => {
    const name = signal as SignalName;
    const now = valueNow(next, name);
    const value = now === null ? null : leastFor(next, { name, replicas });
    return now === null || value === null ? [] : [{ name, now, value }];
  });
  const [first] = found.toSorted((a, b) => growthOf(a) - growthOf(b));
  if (first === undefined) return unknownLoad(next);
  return `one more replica from ${amount(first.name, first.value, 'up')} on (now ${bare(first.name, first.now)})`;
}

function growthOf({ now, value }: Threshold): number {
  return value / Math.max(now, 1e-3);
}

/** Nothing that is read could raise it; a fallback may. */
function unknownLoad(next: WorkloadInput): string {
  const { fallback } = next.policy.spec;
  const sinceMs = next.control?.unknownSinceMs ?? null;
  const dueMs = fallback === undefined || sinceMs === null ? null : sinceMs + fallback.afterSec * 1000;
  if (fallback === undefined || dueMs === null) return 'nothing that is heard asks for more';
  if (dueMs <= next.nowMs) return `the load is unknown, and the fallback of ${fallback.replicas} is in force`;
  return `the load is unknown; at least ${count(fallback.replicas, 'replica')} from ${clockTime(dueMs, next.nowMs)} on if it stays so (fallback)`;
}

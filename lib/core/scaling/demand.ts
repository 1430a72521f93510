/** From what the signals ask for to a whole number of replicas, before limits. */
import { figure } from '../format.ts';
import type { ScalingPolicy } from '../policy.ts';
import type { SignalDemand } from '../signals/contract.ts';
import { EMPTY_DRAFT, step } from '../trail.ts';
import type { Draft } from '../trail.ts';
import { headroomReplicas, STAFFING_BETA } from './headroom.ts';

/** Demand this much above a whole number is still that number: 3 · 0.1 is not 0.3 in binary. */
const CEIL_TOLERANCE = 1e-9;

export type Sized = {
  /** Largest demand of any signal that has a value; null when the load is unknown (guards alone do not make it known) [replicas]. */
  readonly demand: number | null;
  /** Its way to a whole number; `replicas` is null when no signal has a value. */
  readonly draft: Draft;
};

/** The largest need of all signals. Load gets headroom; a queue has its deadline and a guard its target ratio instead. */
export function sizeDemand(
  signals: readonly SignalDemand[],
  {
    risk,
    foreseen,
  }: {
    readonly risk: ScalingPolicy['spec']['risk'];
    /** Set once forecasts are measured: what a rate really needs now, over its reading. */
    readonly foreseen: { readonly easeRatio: number } | null;
  },
): Sized {
  const beta = STAFFING_BETA[risk];
  const needs: Need[] = [];
  let largest: Need | undefined;
  for (const signal of signals) {
    if (signal.demand === null) continue;
    // Once forecasts are measured, their factor is the headroom of a rate: both would count the same noise twice.
    const isForeseen = foreseen !== null && signal.isRate;
    const room =
      signal.role === 'load' && !isForeseen
        ? headroomReplicas(signal.demand, { beta, slotsPerReplica: signal.slotsPerReplica })
        : 0;
    const need = { signal, demand: signal.demand * (isForeseen ? foreseen.easeRatio : 1), room };
    needs.push(need);
    if (largest === undefined || need.demand + need.room > largest.demand + largest.room) largest = need;
  }
  if (largest === undefined) return { demand: null, draft: EMPTY_DRAFT };
  const known = signals.some((signal) => signal.role !== 'guard' && signal.demand !== null);
  const draft = step(EMPTY_DRAFT, { rule: 'demand', to: largest.demand, because: becauseOf(largest.signal, needs) });
  return {
    demand: known ? largest.demand : null,
    draft: roundUp(draft, { demand: largest.demand, room: largest.room, beta, risk }),
  };
}

type Need = { readonly signal: SignalDemand; readonly demand: number; readonly room: number };

function becauseOf(largest: SignalDemand, needs: readonly Need[]): string {
  let { because } = largest;
  for (const { signal, demand } of needs) {
    if (signal !== largest) because = `${because}; ${signal.kind} asks for ${figure(demand)}`;
  }
  return because;
}

function roundUp(
  draft: Draft,
  need: { readonly demand: number; readonly room: number; readonly beta: number; readonly risk: string },
): Draft {
  const to = Math.ceil(need.demand + need.room - CEIL_TOLERANCE);
  if (to === need.demand) return draft;
  if (need.room === 0)
    return { ...step(draft, { rule: 'rounding', to, because: 'whole replicas' }), binding: 'demand' };
  return step(draft, {
    rule: 'headroom',
    to,
    because: `square-root staffing: ${figure(need.demand)} + ${figure(need.room)} replicas (beta ${need.beta}, risk ${need.risk}), rounded up`,
  });
}

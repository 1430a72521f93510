/** Room above the mean: arrivals come in clumps, and a system run at its mean makes half of them wait. */
import type { ScalingPolicy } from '../policy.ts';

/**
 * Quality-of-service grade of square-root staffing by risk: P(wait) about 1 %, 10 % and 50 %.
 * P = 1 / (1 + β·Φ(β)/φ(β)) gives β = 2.37, 1.42 and 0.51. Source: Halfin and Whitt 1981; Whitt's 2019 guide.
 */
export const STAFFING_BETA: Readonly<Record<ScalingPolicy['spec']['risk'], number>> = {
  low: 2.37,
  balanced: 1.42,
  cheap: 0.51,
};

/**
 * Extra replicas for a mean demand: β·√(demand·slots) slots, in replicas = β·√(demand/slots). 0 at demand 0, grows with demand.
 * demand ≥ 0 [replicas], slotsPerReplica ≥ 1 → [replicas], unrounded. One request on replicas of 8 slots: 1.42·√(0.125/8) = 0.18.
 */
export function headroomReplicas(
  demand: number,
  options: { readonly beta: number; readonly slotsPerReplica: number },
): number {
  return options.beta * Math.sqrt(Math.max(0, demand) / Math.max(1, options.slotsPerReplica));
}

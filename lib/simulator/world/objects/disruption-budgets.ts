/** PodDisruptionBudgets, from settings to records. */
import type { DisruptionBudgetSettings } from '../settings.ts';
import type { DisruptionBudgetRecord } from '../state/records.ts';
import { keyOf, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';
import { identity } from './identity.ts';

/** Adds a PodDisruptionBudget. */
export function addDisruptionBudget(state: WorldState, settings: DisruptionBudgetSettings): DisruptionBudgetRecord {
  const budget: DisruptionBudgetRecord = {
    kind: 'poddisruptionbudgets',
    ...identity(state, settings),
    matchLabels: settings.matchLabels,
    minAvailable: settings.minAvailable,
    maxUnavailable: settings.maxUnavailable,
    generation: 1,
  };
  state.budgets.set(keyOf(budget), budget);
  touch(state, budget, 'ADDED');
  return budget;
}

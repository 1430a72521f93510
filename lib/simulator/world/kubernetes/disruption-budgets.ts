/** PodDisruptionBudgets and the Eviction API. */
import { hasLabels } from '../state/labels.ts';
import { deletePod } from './pod-lifecycle.ts';
import type { DeploymentRecord, DisruptionBudgetRecord, PodRecord } from '../state/records.ts';
import type { WorldState } from '../state/state.ts';

export type BudgetStatus = {
  readonly currentHealthy: number;
  readonly desiredHealthy: number;
  readonly expectedPods: number;
  readonly disruptionsAllowed: number;
};

/** The budget's status now. Percentages round up, of the replicas wanted by the Deployments of the selected pods. */
export function budgetStatus(state: WorldState, budget: DisruptionBudgetRecord): BudgetStatus {
  const pods = selectedPods(state, budget);
  const owners = new Set<DeploymentRecord>(pods.map((pod) => pod.deployment));
  let expectedPods = 0;
  for (const owner of owners) expectedPods += owner.replicas * owner.podsPerReplica;
  const currentHealthy = pods.filter((pod) => pod.ready && pod.deletion === undefined).length;
  const desiredHealthy =
    budget.maxUnavailable === undefined
      ? countOf(budget.minAvailable ?? 0, expectedPods)
      : Math.max(0, expectedPods - countOf(budget.maxUnavailable, expectedPods));
  const allowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  return { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: allowed };
}

function countOf(value: number | string, total: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseFloat(value) / 100) * total);
}

function selectedPods(state: WorldState, budget: DisruptionBudgetRecord): PodRecord[] {
  const selected: PodRecord[] = [];
  for (const pod of state.pods.values()) {
    if (pod.namespace === budget.namespace && hasLabels(pod.labels, budget.matchLabels)) selected.push(pod);
  }
  return selected;
}

export type Eviction =
  | { readonly kind: 'evicted' }
  | { readonly kind: 'forbidden'; readonly budget: string; readonly status: BudgetStatus }
  | { readonly kind: 'severalBudgets' };

/** Evicts `pod` if its budget allows it. A pod that is Pending or already terminating is not protected; one that runs
 *  without being Ready may go while enough others are healthy. `dryRun` only asks. */
export function evictPod(state: WorldState, pod: PodRecord, options: EvictOptions = {}): Eviction {
  const budgets = [...state.budgets.values()].filter(
    (budget) => budget.namespace === pod.namespace && hasLabels(pod.labels, budget.matchLabels),
  );
  const refusal = pod.phase === 'Pending' || pod.deletion !== undefined ? undefined : refuse(state, pod, budgets);
  if (refusal !== undefined) return refusal;
  if (options.dryRun !== true) deletePod(state, pod, options.graceSec);
  return { kind: 'evicted' };
}

/** Whether a budget would not let it be evicted now. The scheduler takes such pods last, and takes them all the same. */
export function violatesBudget(state: WorldState, pod: PodRecord): boolean {
  return evictPod(state, pod, { dryRun: true }).kind !== 'evicted';
}

export type EvictOptions = { readonly dryRun?: boolean; readonly graceSec?: number | undefined };

function refuse(
  state: WorldState,
  pod: PodRecord,
  budgets: readonly DisruptionBudgetRecord[],
): Exclude<Eviction, { kind: 'evicted' }> | undefined {
  if (budgets.length > 1) return { kind: 'severalBudgets' };
  const budget = budgets[0];
  if (budget === undefined) return undefined;
  const status = budgetStatus(state, budget);
  if (status.disruptionsAllowed > 0) return undefined;
  const enoughWithoutIt = !pod.ready && status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
  return enoughWithoutIt ? undefined : { kind: 'forbidden', budget: budget.name, status };
}

/** One policy of a replay, as data: what is asked of a worker thread, and what it answers. */
import type { PlantTotals } from '../plant/contract.ts';
import type { PolicySeries } from './series.ts';

export type Task =
  | { readonly kind: 'optimum' }
  | { readonly kind: 'windowRule' }
  | { readonly kind: 'penstock'; readonly spec: Readonly<Record<string, unknown>> | null }
  | { readonly kind: 'baseline'; readonly name: string; readonly tuning: Readonly<Record<string, number>> };

export type Outcome = {
  readonly totals: PlantTotals;
  readonly settings: Readonly<Record<string, string>>;
  readonly series: PolicySeries;
};

/** Replicas that need a place on GPUs, and what decides where. */
import type { GpuCounts } from '../types.ts';

export type Placement = {
  readonly workload: string;
  /** In order of preference. */
  readonly groups: readonly string[];
  readonly gpus: GpuCounts;
  /** Replicas that need a place. */
  readonly replicas: number;
  /** What decides where a new node is asked for: the order of `groups` (when left out), or the price of what is used of it. */
  readonly choice?: 'order' | 'price';
  /** Replicas that are placed all or none; 1 when left out. */
  readonly step?: number;
  /** Replicas that have a place already: an incomplete step is completed first. */
  readonly held?: number;
  /** Counts at which several incomplete steps are complete again one by one, ascending. */
  readonly whole?: readonly number[];
};

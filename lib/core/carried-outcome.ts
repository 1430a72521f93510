/** The outcome of a workload that is not decided now: its last count stands. */
import type { WorkloadControl, WorkloadOutcome } from './decide-types.ts';

/** Memory of a workload that was never decided. */
export const EMPTY_CONTROL: WorkloadControl = {
  version: 1,
  wants: [],
  lastWanted: null,
  lastAtMs: 0,
  unknownSinceMs: null,
  changes: [],
  decreases: [],
  lastRecorded: null,
};

/** The rule of an outcome that was not decided now. */
export const CARRIED = 'carried';

/** Keeps `replicas` [count] because of `reason`; nothing shrinks, and the memory stays as it was. */
export function carriedOutcome(options: {
  readonly replicas: number;
  readonly reason: string;
  readonly control: WorkloadControl | undefined;
}): WorkloadOutcome {
  return {
    control: options.control ?? EMPTY_CONTROL,
    wanted: options.replicas,
    demand: null,
    hold: options.reason,
    trail: [{ rule: CARRIED, from: options.replicas, to: options.replicas, unit: 'replicas', because: options.reason }],
    binding: CARRIED,
    inputs: [],
  };
}

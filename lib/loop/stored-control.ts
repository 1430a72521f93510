/** What is stored per workload, and reading it without believing it. */
import { readControl } from '../core/read-control.ts';
import type { ReadControl } from '../core/read-control.ts';
import type { WorkloadControl } from '../core/decide-types.ts';
import type { ScalingDecision } from '../core/types.ts';

/** The core's memory, and the newest decision (recorded or not) for `status` and `explain`. */
export type StoredControl = { readonly control: WorkloadControl; readonly latest: ScalingDecision | null };

/** As read: `control` is undefined where nothing that can be believed is stored. */
export type ReadStored = {
  readonly control: WorkloadControl | undefined;
  readonly latest: ScalingDecision | null;
  readonly dropped: ReadControl['dropped'];
};

/** Never throws: a document that is broken, or of another version, reads as one that says nothing. */
export function readStored(value: unknown): ReadStored {
  if (value === undefined) return { control: undefined, latest: null, dropped: [] };
  const stored: { readonly control?: unknown; readonly latest?: unknown } =
    typeof value === 'object' && value !== null ? value : { control: null };
  // A document without a memory is broken, too.
  const { control, dropped } = readControl(stored.control ?? null);
  return { control, dropped, latest: isDecision(stored.latest) ? stored.latest : null };
}

function isDecision(value: unknown): value is ScalingDecision {
  if (typeof value !== 'object' || value === null) return false;
  const { id, binding, replicas, trail, inputs } = value as Partial<Record<keyof ScalingDecision, unknown>>;
  const named = typeof id === 'string' && typeof binding === 'string';
  return named && typeof replicas === 'object' && replicas !== null && Array.isArray(trail) && Array.isArray(inputs);
}

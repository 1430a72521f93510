/** A number on its way through the rules, with the reasons. */
import type { TrailStep } from './types.ts';

export type Draft = {
  /** null until a rule gave a number. */
  readonly replicas: number | null;
  readonly trail: readonly TrailStep[];
  /** The last rule that set the number. */
  readonly binding: string;
};

export const EMPTY_DRAFT: Draft = { replicas: null, trail: [], binding: 'none' };

/** Moves (or holds) the number and writes down why. `to` is rounded to 3 decimals in the trail, not in the draft. */
export function step(
  draft: Draft,
  move: { readonly rule: string; readonly to: number; readonly because: string },
): Draft {
  const next: TrailStep = {
    rule: move.rule,
    from: draft.replicas === null ? null : trailNumber(draft.replicas),
    to: trailNumber(move.to),
    unit: 'replicas',
    because: move.because,
  };
  return { replicas: move.to, binding: move.rule, trail: draft.trail.length === 0 ? [next] : draft.trail.concat(next) };
}

function trailNumber(value: number): number {
  return Math.round(value * 1000) / 1000;
}

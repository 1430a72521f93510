/** What this process remembers of plans, so that it notices when the store lost its tail: no sequence is given twice, and nothing shrinks by what is left. */
import type { Plan } from '../core/types.ts';

export type PlanMemory = {
  /** The highest sequence known of a pool; 0 before the first plan. */
  seqOf(pool: string): number;
  /**
   * Call with every plan read (undefined: there is none) and what was known before the read was begun. True when the store lost plans: then nothing shrinks for
   * {@link LOST_HOLD_MS}.
   */
  saw(pool: string, plan: Plan | undefined, at: { readonly knownSeq: number; readonly nowMs: number }): boolean;
  /** Call with every plan stored. */
  stored(plan: Plan): void;
  /** Nothing of the pool shrinks before [epoch ms]; 0 when nothing was lost. */
  holdUntilMs(pool: string): number;
};

/** What was lost with the plan (wants, load) is heard and read again within this time [ms]: the process host goes back to the progress that is left. */
export const LOST_HOLD_MS = 60_000;

export function planMemory(): PlanMemory {
  const seqs = new Map<string, number>();
  const holds = new Map<string, number>();
  const know = (pool: string, seq: number): void => void seqs.set(pool, Math.max(seq, seqs.get(pool) ?? 0));
  return {
    seqOf: (pool) => seqs.get(pool) ?? 0,
    saw: (pool, plan, { knownSeq, nowMs }) => {
      const seq = plan?.seq ?? 0;
      know(pool, seq);
      if (seq >= knownSeq) return false;
      holds.set(pool, nowMs + LOST_HOLD_MS);
      return true;
    },
    stored: ({ pool, seq }) => know(pool, seq),
    holdUntilMs: (pool) => holds.get(pool) ?? 0,
  };
}

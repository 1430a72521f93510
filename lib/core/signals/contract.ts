/**
 * To add a signal (say, time to first token):
 * 1. add its policy to `signalSchema` in `lib/core/policy.ts` and write a {@link SignalKind} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/core/signals.test.ts` and the laws in `test/core/decide-workload.laws.test.ts` against it.
 */
import type { SignalPolicy } from '../policy.ts';
import type { DecisionInput } from '../../../events/schema/index.ts';
import type { Readings, SignalName, TargetObservation } from '../types.ts';

/** load: work now, gets headroom. queue: a backlog with a deadline of its own, gets none. guard: utilization, only raises. */
export type SignalRole = 'load' | 'queue' | 'guard';

/** What one signal asks for. */
export type SignalDemand = {
  readonly kind: SignalPolicy['kind'];
  readonly role: SignalRole;
  /** Replica-equivalents of work, 0 or more; a lower bound when `gap` is set. null: unknown. */
  readonly demand: number | null;
  /** Requests one replica serves at once, for headroom; 1 or more. */
  readonly slotsPerReplica: number;
  /** A rate of arrivals or tokens: it can be foreseen, and its measured bound replaces headroom. */
  readonly isRate: boolean;
  /** Why the figure is not the whole truth (missing, partly covered, old): it may raise, nothing may shrink. null: complete. */
  readonly gap: string | null;
  /** Said by something that also speaks while no pod exists: only then may zero mean zero. */
  readonly outlivesPods: boolean;
  /** The demand in a sentence, with figures and units; empty when unknown. */
  readonly because: string;
  readonly inputs: readonly DecisionInput[];
};

export type SignalContext = {
  readonly readings: Readings;
  readonly target: TargetObservation;
  /** Parts a source may leave out that were heard lately: their silence is a gap. */
  readonly heard: ReadonlySet<SignalName>;
  /** Requests one replica serves at once, where the policy says so (its inFlight signal), else a default. */
  readonly slotsPerReplica: number;
};

/** One signal kind, one file. Pure. Monotone: a larger reading never gives a smaller demand. */
export type SignalKind<Kind extends SignalPolicy['kind']> = (
  policy: Extract<SignalPolicy, { kind: Kind }>,
  context: SignalContext,
) => SignalDemand;

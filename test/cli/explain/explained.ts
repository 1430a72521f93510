/** A decision made and explained as the command does it, without a store. */
import { renderExplanation } from '../../../lib/cli/explain/render.ts';
import type { PoolInput, PoolNodeGroup, WorkloadInput } from '../../../lib/core/decide-types.ts';
import { decideWorkload } from '../../../lib/core/decide-workload.ts';
import { planPool } from '../../../lib/core/plan-pool.ts';
import type { ScalingDecision } from '../../../lib/core/types.ts';
import { nextOf } from '../../../lib/loop/explain.ts';
import { whyNot } from '../../../lib/core/why-not/why-not.ts';
import { observed, poolInput } from '../../core/builders.ts';

export type Explained = { readonly decision: ScalingDecision; readonly next: WorkloadInput; readonly text: string };

/** Evaluates so often before, 10 s apart and with the count applied, that the decision has a past. */
export function explained(
  input: WorkloadInput,
  of: {
    readonly past?: readonly WorkloadInput['readings'][];
    readonly nodeGroups?: readonly PoolNodeGroup[];
    readonly pool?: Partial<PoolInput>;
  } = {},
): Explained {
  const past = of.past ?? [];
  let { control } = input;
  for (const [index, readings] of past.entries()) {
    const nowMs = input.nowMs - (past.length - index) * 10_000;
    ({ control } = decideWorkload({
      ...input,
      readings,
      nowMs,
      control,
      target: appliedTo(input, control?.lastWanted ?? null),
    }));
  }
  const now: WorkloadInput = { ...input, control, target: appliedTo(input, control?.lastWanted ?? null) };
  const outcome = decideWorkload(now);
  const { policy, target } = now;
  const { nodeGroups, pool } = of;
  const [decision] = planPool(
    poolInput({
      nowMs: input.nowMs,
      workloads: [{ policy, target, outcome }],
      ...(nodeGroups === undefined ? {} : { nodeGroups }),
      ...pool,
    }),
  ).decisions;
  if (decision === undefined) throw new Error('no decision');
  const next = nextOf({ ...now, control: outcome.control }, decision);
  return { decision, next, text: renderExplanation(decision, whyNot(decision, next)).replace(decision.id, 'd_ID') };
}

function appliedTo({ target }: WorkloadInput, replicas: number | null): WorkloadInput['target'] {
  if (target.kind === 'missing' || replicas === null) return target;
  return { ...observed(replicas), rolloutInProgress: target.rolloutInProgress };
}

/** Ownership `buffer`: resizes the Deployment of placeholder pods of a node group. Nodes are brought and taken by whoever scales them. */
import type { StepResult } from '../../action-queue/contract.ts';
import { ConfigError, NotFoundError } from '../../base/errors.ts';
import { bufferOf } from '../../core/nodes/provider.ts';
import type { NodeGroupPolicy } from '../../core/policy.ts';
import type { Plan, PlannedNodeGroup } from '../../core/types.ts';
import type { Target } from '../../targets/contract.ts';
import { LOWER_AGE_MS_MAX, RAISE_AGE_MS_MAX } from './rules.ts';
import { DONE } from './step.ts';
import type { ActuationStep } from './step.ts';
import type { ActuateDeps } from '../deps.ts';

export type BufferContext = {
  readonly deps: ActuateDeps;
  readonly plan: Plan;
  readonly planned: PlannedNodeGroup;
  readonly policy: NodeGroupPolicy;
  readonly step: ActuationStep;
};

/** One step: raises at once, lowers by a fresh full plan only. Throws what the target throws, ConfigError when the Deployment does not exist. */
export async function actuateBuffer(context: BufferContext): Promise<StepResult> {
  const { deps, plan, planned, policy, step } = context;
  const ref = { kind: 'Deployment', ...bufferOf(policy) };
  const target = deps.targets.get(ref.kind) ?? deps.targets.get('*');
  if (target === undefined)
    throw new ConfigError(`Cannot size the buffer of "${policy.metadata.name}": expected a cluster`);
  const wanted = planned.placeholders ?? 0;
  const state = await readBuffer(target, { ref, group: policy.metadata.name });
  if (state.replicas === wanted) {
    await step.end('already', `${wanted} placeholder pods`);
    return DONE;
  }
  const ageMs = deps.clock.nowMs() - plan.atMs;
  const isLowering = wanted < state.replicas;
  if (ageMs > (isLowering ? LOWER_AGE_MS_MAX : RAISE_AGE_MS_MAX) || (isLowering && plan.kind !== 'full')) {
    await step.end('stale', `the plan may not set ${wanted} placeholder pods any more`);
    return DONE;
  }
  await target.scale(ref, { replicas: wanted, expected: state, planSeq: plan.seq });
  await step.end('applied', `${state.replicas} → ${wanted} placeholder pods`);
  return DONE;
}

async function readBuffer(
  target: Target,
  of: { readonly ref: Parameters<Target['read']>[0]; readonly group: string },
): ReturnType<Target['read']> {
  try {
    return await target.read(of.ref);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new ConfigError(
      `Cannot size the buffer of "${of.group}": expected Deployment "${of.ref.namespace}/${of.ref.name}" (infra/kubernetes/buffer.yaml), current value is none`,
      { cause: error },
    );
  }
}

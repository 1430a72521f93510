/** Actuates one node group: follows the update in flight, looks afresh, then grows it, frees nodes of it, or raises its floor. */
import type { StepResult } from '../../action-queue/contract.ts';
import { ConfigError, NotFoundError } from '../../base/errors.ts';
import type { NodeGroupPolicy } from '../../core/policy.ts';
import type { PlannedNodeGroup } from '../../core/types.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { attempt } from './attempt.ts';
import type { GroupContext, NodeGroupJob } from './contexts.ts';
import { actuateBuffer } from './node-buffer.ts';
import { SHORTAGE_LOOK_MS, noteCapacity, shortageWaitMs } from './capacity.ts';
import { followUpdate, growTo, isPending, moveFloor } from './node-update.ts';
import { continueDrains } from './node-drain.ts';
import { endGhost } from './node-ghost.ts';
import { welcomeBack } from './node-return.ts';
import { lowerUndelivered } from './node-undelivered.ts';
import { FOREIGN_PAUSE_MS, RAISE_AGE_MS_MAX, isForeign, modeRefusal } from './rules.ts';
import { DONE, again } from './step.ts';
import type { ActuationStep } from './step.ts';
import type { ActuateDeps } from '../deps.ts';

/** The cloud's own reading of a size may lag behind our last write for so long [ms]. */
const SETTLE_MS_MAX = 60_000;

/** While something else is under way in the group [ms]. */
const BUSY_AGAIN_MS = 10_000;
const SETTLE_AGAIN_MS = 2_000;

/** After a write the launches are watched for a shortage: so long, so often [ms]. Launches fail within a minute or two. */
const LAUNCH_WATCH_MS = 180_000;
const LAUNCH_WATCH_AGAIN_MS = 15_000;

/** One step; see {@link actuateTarget} for answers and errors. */
export async function actuateNodeGroup(
  deps: ActuateDeps,
  job: NodeGroupJob,
  context: { readonly attempt: number },
): Promise<StepResult> {
  const plan = (await deps.state.plans.read(job.pool))?.value;
  const planned = plan?.nodeGroups[job.id];
  if (plan === undefined || planned === undefined) return DONE;
  const policy = (await deps.policies.current()).nodeGroups.get(job.id);
  const refusal = modeRefusal(planned.mode, policy?.spec.mode) ?? ownershipRefusal(planned, policy);
  const subject = { job, planSeq: plan.seq, decision: planned.decision };
  return attempt(deps, { subject, attempt: context.attempt, policy, refusal }, async (step, inForce) => {
    const { ownership, provider } = inForce.spec;
    if (ownership === 'buffer') return actuateBuffer({ deps, plan, planned, policy: inForce, step });
    const provisioner = deps.provisioners.get(provider.kind);
    if (provisioner === undefined) {
      throw new ConfigError(
        `Cannot resize node group "${job.id}": expected a known provider, current value is ${provider.kind}`,
      );
    }
    return run({ deps, job, plan, planned, policy: inForce, provisioner, step });
  });
}

function ownershipRefusal(planned: PlannedNodeGroup, policy: NodeGroupPolicy | undefined): string | undefined {
  const ownership = policy?.spec.ownership;
  if (ownership === undefined || ownership === 'observe') return `ownership ${ownership ?? 'unknown'} writes no sizes`;
  return planned.ownership === ownership ? undefined : `the plan was made for ownership ${planned.ownership}`;
}

async function run(context: GroupContext): Promise<StepResult> {
  const { step, plan, planned, policy, provisioner } = context;
  if (step.record().planSeq > plan.seq) return staleEnd(context, `plan ${step.record().planSeq} was acted on already`);
  if (planned.observed === null) return staleEnd(context, 'the decision had not seen the group');
  const followed = await followUpdate(context);
  if (followed.kind === 'running') return followed.result;
  const state = await provisioner.describe(policy);
  const unusable = await unusableEnd(context, state);
  if (unusable !== undefined) return unusable;
  await noteCapacity(context, state);
  await welcomeBack(context, state);
  const { min, max } = policy.spec.nodes;
  if (planned.nodes < min || (planned.nodes > max && planned.nodes > state.desired)) {
    return staleEnd(context, `${planned.nodes} nodes are outside of ${min} to ${max}`);
  }
  if (policy.spec.ownership === 'floor')
    return (await moveFloor(context, state)) ?? settle(context, { state, followed });
  return own(context, { state, followed });
}

type Seen = { readonly state: NodeGroupState; readonly followed: { readonly kind: 'none' | 'finished' } };

async function own(context: GroupContext, seen: Seen): Promise<StepResult> {
  const { deps, step, plan, planned } = context;
  const { state } = seen;
  const nowMs = deps.clock.nowMs();
  const { lastWritten } = step.record();
  const settling = lastWritten !== undefined && nowMs - lastWritten.atMs < SETTLE_MS_MAX;
  // Right after our own write the cloud may still show the size before it.
  const desired = settling ? lastWritten.count : state.desired;
  if (isOurEnding(step.record(), state.desired)) {
    await step.save({ lastWritten: { count: state.desired, atMs: nowMs } });
  } else if (!settling && isForeign(step.record(), state.desired)) {
    const foreignWrite = { count: state.desired, atMs: nowMs };
    await staleEnd(context, `somebody else set ${state.desired} nodes; waiting a minute`, {
      foreignWrite,
      notBeforeMs: nowMs + FOREIGN_PAUSE_MS,
    });
    return again(FOREIGN_PAUSE_MS);
  }
  // The smaller reading decides what may go, so that an old one never frees a node too many.
  const drained = await continueDrains(context, { state, desired: Math.min(desired, state.desired) });
  if (drained !== undefined) return drained;
  const ended = await endGhost(context, { state, desired: Math.min(desired, state.desired) });
  if (ended !== undefined) return ended;
  const lowered = await lowerUndelivered(context, { state, desired });
  if (lowered !== undefined) return lowered;
  if (planned.nodes > desired) {
    if (nowMs - plan.atMs > RAISE_AGE_MS_MAX) return staleEnd(context, 'the plan is too old to raise by');
    return growTo(context, { state, desired });
  }
  if (planned.nodes < desired) {
    await step.end('already', `${desired} nodes, ${planned.nodes} wanted; none is free to go`, { update: undefined });
    return afterwards(context);
  }
  if (state.desired !== desired) return again(SETTLE_AGAIN_MS);
  return settle(context, seen);
}

/** An instance we ended whose answer was lost: desired has fallen by it. */
function isOurEnding(record: ActuationRecord, desired: number): boolean {
  const ending = (record.drains ?? []).filter((drain) => drain.stage === 'terminating').length;
  const fallen = (record.lastWritten?.count ?? 0) - desired;
  return fallen > 0 && fallen <= ending;
}

/** Nothing to write: the answer, and whether to look again because launches are still to be watched. */
async function settle(context: GroupContext, { state, followed }: Seen): Promise<StepResult> {
  const { step } = context;
  const lastWritten = {
    count: state.desired,
    atMs:
      step.record().lastWritten?.count === state.desired
        ? (step.record().lastWritten?.atMs ?? 0)
        : context.deps.clock.nowMs(),
  };
  const detail = `the cloud is asked for ${state.desired} (${state.min} to ${state.max})`;
  await step.end(followed.kind === 'finished' ? 'applied' : 'already', detail, { update: undefined, lastWritten });
  return afterwards(context);
}

function afterwards({ deps, step }: GroupContext): StepResult {
  const record = step.record();
  const nowMs = deps.clock.nowMs();
  const shortageMs = shortageWaitMs(record, nowMs);
  if (shortageMs > 0) return again(Math.min(shortageMs, SHORTAGE_LOOK_MS));
  const writtenMs = record.lastWritten?.atMs ?? 0;
  return nowMs - writtenMs < LAUNCH_WATCH_MS ? again(LAUNCH_WATCH_AGAIN_MS) : DONE;
}

/** A group that is being created, deleted or changed by somebody else is left alone; a DEGRADED one is not, because only a success heals it. */
async function unusableEnd({ step }: GroupContext, state: NodeGroupState): Promise<StepResult | undefined> {
  if (state.status === 'active' || state.status === 'degraded') return undefined;
  if (state.status === 'deleting' || state.status === 'failed') {
    const issues = state.issues.map((issue) => issue.code).join(', ');
    throw new NotFoundError(
      `Cannot resize the group: expected an active one, current value is ${state.status} ${issues}`,
    );
  }
  // Perhaps ours, whose answer was lost: asking again with the same token tells.
  if (state.status === 'updating' && isPending(step.record().update)) return undefined;
  await step.end('inProgress', `the group is ${state.status} by somebody else`);
  return again(BUSY_AGAIN_MS);
}

async function staleEnd(
  { deps, job, step, plan }: GroupContext,
  detail: string,
  change: Parameters<ActuationStep['end']>[2] = {},
): Promise<StepResult> {
  const repeated = step.record().outcome === 'stale' && step.record().planSeq === plan.seq;
  await step.end('stale', detail, change);
  const policies = await deps.policies.current();
  const users = [...policies.workloads.values()].filter((one) => one.spec.nodeGroups.includes(job.id));
  if (!repeated) await deps.wake.evaluate(users.map((one) => one.metadata.name));
  return DONE;
}

/** Sizes of a node group: one update in flight, remembered before it is sent, followed until it ends. */
import type { StepResult } from '../../action-queue/contract.ts';
import {
  CapacityError,
  ConflictError,
  DeniedError,
  NotFoundError,
  TransientError,
  messageOf,
} from '../../base/errors.ts';
import { fnv1a64Hex } from '../../core/hash.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { REFUSED, SHORTAGE_LOOK_MS, nextBackoff, shortageWaitMs } from './capacity.ts';
import type { GroupContext } from './contexts.ts';
import { LOWER_AGE_MS_MAX } from './rules.ts';
import { DONE, again } from './step.ts';
import type { RecordChange } from './step.ts';

type Sizes = { readonly min: number; readonly max: number; readonly desired: number };
type Update = NonNullable<ActuationRecord['update']>;

/** An update of sizes takes seconds; after this long [ms] it is told as a failure and no longer waited for. */
const UPDATE_MS_MAX = 1_800_000;
const UPDATE_POLL_MS = 1_500;
const CONFLICT_AGAIN_MS = 5_000;
/** After an update that failed: not at once, and not later than a person would look. */
const FAILED_AGAIN_MS = 30_000;

/** How an update that failed for want of machines says so; the provisioner's own reading comes with the next look. */
const CAPACITY_WORDS = /insufficient|capacity|limit ?exceeded/i;

const PENDING = 'pending/';

/** An update that was decided on and perhaps sent, whose id is not known. */
export function isPending(update: Update | undefined): boolean {
  return update?.id.startsWith(PENDING) === true;
}

export type Followed =
  | { readonly kind: 'none' }
  /** It ended well just now. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'running'; readonly result: StepResult };

/** Polls the update in flight, if its id is known. */
export async function followUpdate({ deps, step, policy, provisioner }: GroupContext): Promise<Followed> {
  const { update } = step.record();
  if (update === undefined || isPending(update)) return { kind: 'none' };
  const nowMs = deps.clock.nowMs();
  const polled = await provisioner.pollUpdate(policy, update.id).catch((error: unknown) => {
    // The cloud forgets old updates: the sizes themselves will tell.
    if (error instanceof NotFoundError) return { state: 'successful', errors: [] } as const;
    throw error;
  });
  if (polled.state === 'successful') {
    await step.save({ update: undefined, lastWritten: { count: update.desired, atMs: nowMs } });
    return { kind: 'finished' };
  }
  const errors = polled.errors.join('; ');
  if (polled.state === 'inProgress') {
    if (nowMs - update.startedMs < UPDATE_MS_MAX) return { kind: 'running', result: again(UPDATE_POLL_MS) };
    await step.end('failed', `update ${update.id} did not end within 30 minutes`, { update: undefined });
    return { kind: 'running', result: DONE };
  }
  await step.end('failed', `update to ${update.desired} nodes ${polled.state}: ${errors}`, {
    update: undefined,
    ...(CAPACITY_WORDS.test(errors) ? refusedForCapacity({ step, policy }, { cause: errors, nowMs }) : {}),
  });
  return { kind: 'running', result: again(FAILED_AGAIN_MS) };
}

/** Raises desired to the plan within the bounds of the policy and of the group itself. */
export async function growTo(
  context: GroupContext,
  seen: { readonly state: NodeGroupState; readonly desired: number },
): Promise<StepResult> {
  const { deps, step, planned, policy } = context;
  const { state } = seen;
  const waitMs = shortageWaitMs(step.record(), deps.clock.nowMs());
  if (waitMs > 0) {
    await step.end('refused', `no capacity, waiting: ${step.record().capacityBackoff?.cause ?? ''}`);
    return again(Math.min(waitMs, SHORTAGE_LOOK_MS));
  }
  const desired = Math.min(planned.nodes, policy.spec.nodes.max, state.max);
  if (desired < state.desired || desired <= seen.desired) {
    await step.end(
      'refused',
      `${planned.nodes} nodes wanted, the group itself allows ${state.max} and has ${state.desired}`,
    );
    return DONE;
  }
  return sendSizes(context, { sizes: { min: state.min, max: state.max, desired }, state });
}

/** Ownership `floor`: raises or lowers min; desired only follows it upwards. Undefined when min is as planned. */
export async function moveFloor(context: GroupContext, state: NodeGroupState): Promise<StepResult | undefined> {
  const { deps, step, plan, planned, policy } = context;
  const min = Math.min(planned.nodes, policy.spec.nodes.max, state.max);
  if (min === state.min) return undefined;
  const nowMs = deps.clock.nowMs();
  if (min < state.min && (plan.kind !== 'full' || nowMs - plan.atMs > LOWER_AGE_MS_MAX)) {
    await step.end('stale', 'only a fresh full plan may lower the floor');
    return DONE;
  }
  const desired = Math.max(state.desired, min);
  const waitMs = desired > state.desired ? shortageWaitMs(step.record(), nowMs) : 0;
  if (waitMs > 0) {
    await step.end('refused', `no capacity, waiting: ${step.record().capacityBackoff?.cause ?? ''}`);
    return again(Math.min(waitMs, SHORTAGE_LOOK_MS));
  }
  return sendSizes(context, { sizes: { min, max: state.max, desired }, state });
}

/**
 * Sends sizes. The intent is stored first: should the answer get lost, or this process die, the same intent is sent again with the same token and makes
 * no second update. The token comes from the group, the sizes and the time of the intent, so a later wish for the same sizes is a new update.
 */
export async function sendSizes(
  context: GroupContext,
  wish: {
    readonly sizes: Sizes;
    readonly state: NodeGroupState;
    /** Desired is lowered by nodes that were never delivered. */
    readonly undelivered?: true;
  },
): Promise<StepResult> {
  const { deps, step, policy, provisioner } = context;
  const { sizes, state } = wish;
  const nowMs = deps.clock.nowMs();
  const id = `${PENDING}${sizes.min}/${sizes.max}`;
  const known = step.record().update;
  const intent: Update =
    known?.id === id && known.desired === sizes.desired ? known : { id, startedMs: nowMs, desired: sizes.desired };
  if (intent !== known) await step.save({ update: intent });
  const token = tokenOf(policy.metadata.name, sizes, intent.startedMs);
  try {
    const undelivered = wish.undelivered === undefined ? {} : { undelivered: wish.undelivered };
    const { updateId } = await provisioner.resize(policy, { ...sizes, token, ...undelivered });
    await step.end(
      'inProgress',
      `${state.desired} → ${sizes.desired} nodes asked for (min ${sizes.min}, max ${sizes.max})`,
      {
        update: { ...intent, id: updateId },
        ...attemptDuringShortage(context, { sizes, state }),
      },
    );
    return again(UPDATE_POLL_MS);
  } catch (error) {
    const isLowering = wish.undelivered === true;
    return isLowering ? refusedLowering(context, error) : refusedSizes(context, error);
  }
}

/** Instances came meanwhile, or nobody may count them: what is asked for stays as it is. */
async function refusedLowering(context: GroupContext, error: unknown): Promise<StepResult> {
  if (!(error instanceof ConflictError) && !(error instanceof DeniedError)) return refusedSizes(context, error);
  await context.step.end('already', messageOf(error), { update: undefined });
  return again(SHORTAGE_LOOK_MS);
}

async function refusedSizes({ deps, step, policy }: GroupContext, error: unknown): Promise<StepResult> {
  const nowMs = deps.clock.nowMs();
  if (error instanceof ConflictError) {
    await step.end('inProgress', `waits for another update: ${messageOf(error)}`, { update: undefined });
    return again(CONFLICT_AGAIN_MS);
  }
  if (error instanceof CapacityError) {
    const change = refusedForCapacity({ step, policy }, { cause: messageOf(error), nowMs });
    await step.end('failed', messageOf(error), { update: undefined, ...change });
    return again(shortageWaitMs(step.record(), nowMs));
  }
  // A lost answer keeps the intent; a definite refusal ends it, so that the next try is a new update.
  if (!(error instanceof TransientError)) await step.save({ update: undefined });
  throw error;
}

function refusedForCapacity(
  { step, policy }: Pick<GroupContext, 'step' | 'policy'>,
  seen: { readonly cause: string; readonly nowMs: number },
): RecordChange {
  const { capacityBackoff } = step.record();
  const name = policy.metadata.name;
  return {
    capacityBackoff: nextBackoff(capacityBackoff, { name, cause: `${REFUSED}${seen.cause}`, nowMs: seen.nowMs }),
  };
}

/** Asking for more while the last launch failed is the next attempt: the pause after it is the longer one, until a launch succeeds. */
function attemptDuringShortage(
  { deps, step, job }: GroupContext,
  wish: { readonly sizes: Sizes; readonly state: NodeGroupState },
): RecordChange {
  const cause = wish.state.capacityShortage;
  if (cause === null || wish.sizes.desired <= wish.state.desired) return {};
  const seen = { name: job.id, cause, nowMs: deps.clock.nowMs() };
  return { capacityBackoff: nextBackoff(step.record().capacityBackoff, seen) };
}

function tokenOf(group: string, { min, max, desired }: Sizes, startedMs: number): string {
  return `penstock-${fnv1a64Hex(`${group}/${min}/${max}/${desired}/${startedMs}`)}`;
}

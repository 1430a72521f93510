/** Frees nodes one small step at a time: cordon, evict, look twice, end exactly that instance. Of nodes there are, desired is never lowered in any other way. */
import type { StepResult } from '../../action-queue/contract.ts';
import { ConflictError, NotFoundError } from '../../base/errors.ts';
import type { NodeGroupState } from '../../node-provisioners/contract.ts';
import type { ActuationRecord, DrainProgress } from '../../state/contract.ts';
import type { GroupContext } from './contexts.ts';
import { lentAfter } from './node-return.ts';
import { sendSizes } from './node-update.ts';
import { LOWER_AGE_MS_MAX } from './rules.ts';
import { again } from './step.ts';
import type { RecordChange } from './step.ts';

/** A node that is not empty after this long [ms] keeps its pods: EKS itself gives up after 15 minutes. */
const DRAIN_MS_MAX = 900_000;

/** A node that could not be emptied, or was ended and is still seen, is left alone for so long [ms]. */
const DRAIN_PAUSE_MS = 600_000;

const STAGES: readonly DrainProgress['stage'][] = ['cordoned', 'evicting', 'empty', 'terminating'];

const STEP_AGAIN_MS = 1_000;
const SOON_AGAIN_MS = 100;
const BUSY_AGAIN_MS = 5_000;

type Seen = {
  readonly state: NodeGroupState;
  /** The size as we know it: the cloud's own reading may be older than our last write. */
  readonly desired: number;
};

/** One step of one drain (they take turns), or of starting or undoing one. Undefined when there is nothing to drain. */
export async function continueDrains(context: GroupContext, seen: Seen): Promise<StepResult | undefined> {
  const { step, planned } = context;
  const drains = step.record().drains ?? [];
  const surplus = Math.max(0, seen.desired - planned.nodes);
  const kept = wanted(context, { drains, surplus });
  const unwanted = drains.find((drain) => !kept.includes(drain));
  if (unwanted !== undefined) return release(context, unwanted);
  const started = startable(context, { kept, surplus });
  if (started.length > 0) {
    // Stored before the first cordon, so that no node stays cordoned without anybody knowing why.
    await step.save({ drains: [...kept, ...started] });
  }
  const [drain, ...others] = [...kept, ...started];
  return drain === undefined ? undefined : advance(context, { ...seen, drain, others });
}

/** Drains the newest plan still wants: nodes it names, no more than are too many, the furthest first. */
function wanted(
  { planned }: GroupContext,
  running: { readonly drains: readonly DrainProgress[]; readonly surplus: number },
): readonly DrainProgress[] {
  const named = new Set(planned.victims.map((victim) => victim.nodeName));
  const furthest = running.drains
    .filter((drain) => named.has(drain.nodeName))
    .toSorted((a, b) => STAGES.indexOf(b.stage) - STAGES.indexOf(a.stage));
  const best = new Set(furthest.slice(0, running.surplus));
  return running.drains.filter((drain) => best.has(drain));
}

/** New drains: only by a fresh full plan, only nodes it names, at most `parallel` at once. */
function startable(
  { deps, step, plan, planned, policy }: GroupContext,
  running: { readonly kept: readonly DrainProgress[]; readonly surplus: number },
): readonly DrainProgress[] {
  const nowMs = deps.clock.nowMs();
  if (plan.kind !== 'full' || nowMs - plan.atMs > LOWER_AGE_MS_MAX) return [];
  const paused = new Set(pausesAt(step.record(), nowMs).map((pause) => pause.nodeName));
  const taken = new Set(running.kept.map((drain) => drain.nodeName));
  const room = Math.min(policy.spec.scaleDown.parallel, running.surplus) - running.kept.length;
  return planned.victims
    .filter((victim) => !taken.has(victim.nodeName) && !paused.has(victim.nodeName))
    .slice(0, Math.max(0, room))
    .map((victim) => ({ ...victim, stage: 'cordoned', startedMs: nowMs, detail: '' }));
}

type Turn = Seen & { readonly drain: DrainProgress; readonly others: readonly DrainProgress[] };

async function advance(context: GroupContext, turn: Turn): Promise<StepResult> {
  const { deps, step } = context;
  const { drain } = turn;
  try {
    if (drain.stage === 'cordoned') {
      await deps.drainer.cordon(drain.nodeName);
      await step.save(turnTo(turn, { stage: 'evicting' }));
      return again(SOON_AGAIN_MS);
    }
    const left = await deps.drainer.drainStep(drain.nodeName);
    if (left.state !== 'empty') return await waitOrGiveUp(context, turn, left.detail);
    if (drain.stage !== 'evicting') return await free(context, turn);
    await step.save(turnTo(turn, { stage: 'empty', detail: '' }));
    return again(SOON_AGAIN_MS);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    // The node left by itself or by somebody else's hand: nothing to free any more.
    await step.end('applied', `node ${drain.nodeName} is gone`, { drains: remaining(turn) });
    return again(STEP_AGAIN_MS);
  }
}

async function waitOrGiveUp(context: GroupContext, turn: Turn, detail: string): Promise<StepResult> {
  const { deps, step } = context;
  const { drain } = turn;
  const nowMs = deps.clock.nowMs();
  if (nowMs - drain.startedMs < DRAIN_MS_MAX) {
    // Somebody's pod came onto it after the first look: from the start again, within the same time.
    await step.end('inProgress', `draining ${drain.nodeName}: ${detail}`, turnTo(turn, { stage: 'evicting', detail }));
    return again(STEP_AGAIN_MS);
  }
  await deps.drainer.uncordon(drain.nodeName);
  const text = `gave up draining ${drain.nodeName} after 15 minutes, it takes pods again: ${detail}`;
  await step.end('failed', text, {
    drains: remaining(turn),
    drainPauses: pausing(step.record(), { drain, nowMs, reason: detail }),
  });
  return again(STEP_AGAIN_MS);
}

/** The node was seen empty twice. Everything else is checked once more, then the instance ends. */
async function free(context: GroupContext, turn: Turn): Promise<StepResult> {
  const { deps, step, plan, planned, policy, provisioner } = context;
  const { drain, state, desired } = turn;
  const nowMs = deps.clock.nowMs();
  if (nowMs - plan.atMs > LOWER_AGE_MS_MAX) {
    await step.end('stale', `${drain.nodeName} is empty, the plan is too old to free it by`);
    return again(BUSY_AGAIN_MS);
  }
  if (desired - 1 < Math.max(planned.nodes, policy.spec.nodes.min)) return release(context, drain);
  if (state.status === 'updating') return again(BUSY_AGAIN_MS);
  if (desired - 1 < state.min) {
    if (state.desired !== desired) return again(STEP_AGAIN_MS);
    // Auto Scaling refuses to go below min. Desired goes along as it was read just now.
    const min = Math.max(policy.spec.nodes.min, Math.min(planned.nodes, desired - 1));
    return sendSizes(context, { sizes: { min, max: state.max, desired: state.desired }, state });
  }
  await step.save(turnTo(turn, { stage: 'terminating', detail: '' }));
  try {
    await provisioner.terminate(policy, drain.instanceId);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await step.end('inProgress', `${drain.nodeName} is empty and waits: ${error.message}`);
    return again(BUSY_AGAIN_MS);
  }
  await step.end('applied', `${drain.nodeName} was empty and is freed: ${desired} → ${desired - 1} nodes`, {
    drains: remaining(turn),
    lastWritten: { count: desired - 1, atMs: deps.clock.nowMs() },
    drainPauses: pausing(step.record(), { drain, nowMs, reason: 'ended' }),
    ...lentAfter(step.record(), { drain, state, nowMs }),
  });
  return again(STEP_AGAIN_MS);
}

/** The plan wants the node again: it takes pods again. */
async function release({ deps, step }: GroupContext, drain: DrainProgress): Promise<StepResult> {
  try {
    await deps.drainer.uncordon(drain.nodeName);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
  const drains = (step.record().drains ?? []).filter((one) => one.nodeName !== drain.nodeName);
  await step.end('applied', `${drain.nodeName} is wanted again and takes pods`, { drains: someOrNone(drains) });
  return again(SOON_AGAIN_MS);
}

/** Records the drain's progress and lets the others have their turn. */
function turnTo({ drain, others }: Turn, progress: Partial<DrainProgress>): RecordChange {
  return { drains: [...others, { ...drain, ...progress }] };
}

function remaining({ others }: Turn): RecordChange['drains'] {
  return someOrNone(others);
}

function someOrNone(drains: readonly DrainProgress[]): RecordChange['drains'] {
  return drains.length === 0 ? undefined : drains;
}

function pausesAt(record: ActuationRecord, nowMs: number): NonNullable<ActuationRecord['drainPauses']> {
  return (record.drainPauses ?? []).filter((pause) => pause.untilMs > nowMs);
}

function pausing(
  record: ActuationRecord,
  of: { readonly drain: DrainProgress; readonly nowMs: number; readonly reason: string },
): NonNullable<ActuationRecord['drainPauses']> {
  const pause = { nodeName: of.drain.nodeName, untilMs: of.nowMs + DRAIN_PAUSE_MS, reason: of.reason };
  return [...pausesAt(record, of.nowMs), pause];
}

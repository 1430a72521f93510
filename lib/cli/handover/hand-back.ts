/** Gives a workload back to the autoscaler it was taken from. */
import { ConfigError } from '../../base/errors.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { PAUSED_REPLICAS, noteOf } from './note.ts';
import type { Note } from './note.ts';
import { liftPatch, returnBounds, returnPatch } from './patches.ts';
import { boundsOf, findRival, titleOf } from './rival.ts';
import type { Rival } from './rival.ts';
import { SETTLE_MS, awaitKeda, checkTarget, keepCount, withRetries, writeRival } from './steps.ts';
import type { HandoverDeps } from './steps.ts';

/**
 * Restores what handover wrote down. Where the count is above the other one's bounds, it comes back with the count as its floor, so that it lowers nothing;
 * `liftFloor` ends that, when a person has seen that it knows the load. Refused (ConfigError) while the policy says `act`. Throws what the API throws besides.
 */
export async function handBack(
  deps: HandoverDeps,
  policy: ScalingPolicy,
  options: { readonly liftFloor: boolean },
): Promise<void> {
  checkTarget(policy);
  const { name } = policy.metadata;
  if (policy.spec.mode === 'act') {
    throw new ConfigError(
      `Cannot hand back "${name}": expected spec.mode observe or paused in its policy, so that nobody writes beside the other autoscaler, current value is act`,
    );
  }
  const returned = await withRetries(() => giveBack(deps, policy, options));
  if (returned === null || deps.isDryRun) return;
  if (returned.rival.kind === 'ScaledObject' && !returned.isStillPaused) await awaitKeda(deps, policy, true);
  await deps.clock.sleep(SETTLE_MS);
  const count = await keepCount(deps, policy, returned.floor);
  deps.say(`It runs ${count} replicas (${returned.floor} before).`);
}

type Returned = { readonly rival: Rival; readonly floor: number; readonly isStillPaused: boolean };

async function giveBack(
  deps: HandoverDeps,
  policy: ScalingPolicy,
  { liftFloor }: { readonly liftFloor: boolean },
): Promise<Returned | null> {
  const { rival } = await findRival(deps.client, policy.spec.target);
  const note = rival === null ? null : noteOf(rival);
  if (rival === null || note === null) {
    deps.say(rival === null ? 'No other autoscaler is on this target.' : `${titleOf(rival)} was not handed over.`);
    return null;
  }
  if (note.phase === 'returned') return finish(deps, policy, { rival, note, liftFloor });
  const { replicas: count } = await deps.target.read(policy.spec.target);
  // A handover that did not end may have lost some of what it had to keep.
  const floor = note.phase === 'pausing' ? Math.max(count, note.countBefore) : count;
  const written = await writeRival(deps, rival, returnPatch(rival, note, floor));
  deps.say(`${deps.isDryRun ? 'Would give' : 'Gave'} it back to ${titleOf(rival)}, with its own settings.`);
  tellFloor(deps, policy, { rival, note, floor });
  return { rival: written, floor, isStillPaused: typeof note.original[PAUSED_REPLICAS] === 'string' };
}

async function finish(
  deps: HandoverDeps,
  policy: ScalingPolicy,
  of: { readonly rival: Rival; readonly note: Note; readonly liftFloor: boolean },
): Promise<null> {
  const { rival, note, liftFloor } = of;
  const { min, max } = boundsOf({ kind: rival.kind, spec: note.original });
  if (!liftFloor) {
    deps.say(`${titleOf(rival)} has been given back.`);
    tellFloor(deps, policy, { rival, note, floor: note.countBefore });
    return null;
  }
  await writeRival(deps, rival, liftPatch(rival, note));
  deps.say(`${titleOf(rival)} ${deps.isDryRun ? 'would have' : 'has'} its own bounds again: ${min}–${max}.`);
  return null;
}

function tellFloor(
  deps: HandoverDeps,
  policy: ScalingPolicy,
  of: { readonly rival: Rival; readonly note: Note; readonly floor: number },
): void {
  const own = boundsOf({ kind: of.rival.kind, spec: of.note.original });
  const back = returnBounds(of.rival, of.note, of.floor);
  if (back.min === own.min && back.max === own.max) return;
  deps.say(
    `Its bounds are ${back.min}–${back.max} instead of ${own.min}–${own.max}, so that it lowers nothing now. When it knows the load: penstock handback ${policy.metadata.name} --lift-floor`,
  );
}

/** Takes a workload over from another autoscaler, at its current count. */
import type { ScalingPolicy } from '../../core/policy.ts';
import { NOTE_ANNOTATION, noteOf, originalOf } from './note.ts';
import type { Note } from './note.ts';
import { notePatch, pausePatch } from './patches.ts';
import { boundsOf, findRival, isQuiet, titleOf } from './rival.ts';
import type { Rival } from './rival.ts';
import { SETTLE_MS, awaitKeda, checkTarget, keepCount, withRetries, writeRival } from './steps.ts';
import type { HandoverDeps } from './steps.ts';

/**
 * Makes the other autoscaler of the policy's target quiet and keeps the count at least where it was. Run twice, or again after it was interrupted anywhere, it
 * ends in the same state. Throws what the API throws (DeniedError names the missing permission), ConfigError (several autoscalers), TransientError (KEDA's
 * operator does not react: run it again).
 */
export async function handOver(deps: HandoverDeps, policy: ScalingPolicy): Promise<void> {
  checkTarget(policy);
  const paused = await withRetries(() => pause(deps, policy));
  if (paused === 'none') {
    deps.say('No other autoscaler sets this count: nothing to hand over.');
    return tellNext(deps, policy);
  }
  if (paused === 'quiet' || deps.isDryRun) return tellNext(deps, policy);
  if (paused.rival.kind === 'ScaledObject') await awaitKeda(deps, policy, false);
  await deps.clock.sleep(SETTLE_MS);
  const count = await keepCount(deps, policy, paused.note.countBefore);
  await withRetries(async () => {
    const { rival } = await findRival(deps.client, policy.spec.target);
    const note = rival === null ? null : noteOf(rival);
    if (rival !== null && note?.phase === 'pausing')
      await writeRival(deps, rival, notePatch({ ...note, phase: 'held' }));
  });
  deps.say(`Taken over at ${count} replicas (${paused.note.countBefore} before).`);
  tellNext(deps, policy);
}

type Paused = 'none' | 'quiet' | { readonly rival: Rival; readonly note: Note };

async function pause(deps: HandoverDeps, policy: ScalingPolicy): Promise<Paused> {
  const { rival } = await findRival(deps.client, policy.spec.target);
  if (rival === null) return 'none';
  const before = noteOf(rival);
  if (isQuiet(rival) && before?.phase === 'pausing') {
    deps.say(`${titleOf(rival)} is quiet since an earlier run that did not end: going on.`);
    return { rival, note: before };
  }
  if (isQuiet(rival)) {
    deps.say(`${titleOf(rival)} is quiet already${before === null ? ', by somebody else: nothing was written' : ''}.`);
    return 'quiet';
  }
  const { replicas: countBefore } = await deps.target.read(policy.spec.target);
  // Bounds that an earlier handback raised are not its own.
  const original = before?.phase === 'returned' ? { ...originalOf(rival), ...before.original } : originalOf(rival);
  const note: Note = { phase: 'pausing', countBefore, original };
  const patch = pausePatch(rival, note, policy.spec.replicas);
  const written = await writeRival(deps, rival, patch);
  tellPaused(deps, {
    rival,
    written: patch.spec === undefined ? rival : { ...rival, spec: { ...rival.spec, ...patch.spec } },
    note,
  });
  return { rival: written, note };
}

function tellPaused(
  deps: HandoverDeps,
  of: { readonly rival: Rival; readonly written: Rival; readonly note: Note },
): void {
  const { rival, written, note } = of;
  const would = deps.isDryRun ? 'Would pause' : 'Paused';
  const how =
    rival.kind === 'ScaledObject'
      ? 'annotation autoscaling.keda.sh/paused: "true"'
      : 'selectPolicy: Disabled for scaleUp and scaleDown';
  deps.say(`${would} ${titleOf(rival)} at ${note.countBefore} replicas: ${how}.`);
  const [from, to] = [boundsOf(rival), boundsOf(written)];
  if (from.min !== to.min || from.max !== to.max) {
    deps.say(
      `${deps.isDryRun ? 'Would widen' : 'Widened'} its bounds from ${from.min}–${from.max} to ${to.min}–${to.max}, so that it pulls no count of the policy back.`,
    );
  }
  deps.say(
    `${deps.isDryRun ? 'Would write' : 'Wrote'} down in its annotation ${NOTE_ANNOTATION}: ${JSON.stringify(note.original)}`,
  );
}

function tellNext(deps: HandoverDeps, policy: ScalingPolicy): void {
  const { name } = policy.metadata;
  if (policy.spec.mode === 'act')
    return deps.say(`The policy "${name}" says mode: act. Penstock resizes from here on.`);
  deps.say(
    `Now set spec.mode: act in the policy "${name}" (it says ${policy.spec.mode}). Until then nobody resizes it.`,
  );
  deps.say(`Back again: set mode: observe, then penstock handback ${name}`);
}

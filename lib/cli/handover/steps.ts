/** Steps that handover and handback share. Each leaves the cluster as good as it found it when it is the last that runs. */
import type { Clock } from '../../base/clock.ts';
import { ConfigError, ConflictError, TransientError } from '../../base/errors.ts';
import { recordOf } from '../../clients/json-values.ts';
import { FIELD_MANAGER, mergePatch } from '../../clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../clients/kubernetes/client.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import type { Target } from '../../targets/contract.ts';
import type { RivalPatch } from './patches.ts';
import { RIVAL_PATHS, findRival, rivalOf, titleOf } from './rival.ts';
import type { Rival, Rivals } from './rival.ts';

export type HandoverDeps = {
  readonly client: KubernetesClient;
  readonly target: Target;
  readonly clock: Clock;
  /** Tells the person what was or would be done, a line each. */
  readonly say: (line: string) => void;
  readonly isDryRun: boolean;
};

/** KEDA makes and deletes its HPA within seconds; longer than this [ms] its operator is not at work. */
const KEDA_MS_MAX = 60_000;
const KEDA_POLL_MS = 1_000;

/** A write of the other one that was on its way when it was told to stop has arrived after so long [ms]. */
export const SETTLE_MS = 2_000;

/** Races against other writers of one object: a status write is common, three in a row are not. */
const TRIES_MAX = 3;

/** Whose target no other autoscaler of Kubernetes can have: throws ConfigError. */
export function checkTarget(policy: ScalingPolicy): void {
  const { kind } = policy.spec.target;
  if (kind !== 'SwarmService' && kind !== 'MarathonApp') return;
  throw new ConfigError(
    `Cannot hand over "${policy.metadata.name}": expected a target in Kubernetes, current value is ${kind}`,
  );
}

/** Writes `patch` if it is still as read; nothing on a dry run. Returns it as it is then. Throws ConflictError. */
export async function writeRival(deps: HandoverDeps, rival: Rival, patch: RivalPatch): Promise<Rival> {
  if (deps.isDryRun) return rival;
  const { kind, namespace, name, resourceVersion } = rival;
  const { annotations, spec } = patch;
  const body = { metadata: { resourceVersion, annotations }, ...(spec === undefined ? {} : { spec }) };
  const path = { ...RIVAL_PATHS[kind], namespace, name };
  const answer: unknown = await deps.client.call(`change ${titleOf(rival)}`, (call) =>
    deps.client.custom.patchNamespacedCustomObject({ ...path, body, fieldManager: FIELD_MANAGER }, mergePatch(call)),
  );
  return rivalOf(kind, recordOf(answer));
}

/** Again from a fresh look when somebody else wrote meanwhile. Every step looks before it writes, so that doing it twice does no harm. */
export async function withRetries<T>(step: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof ConflictError) || tries === TRIES_MAX) throw error;
    }
  }
}

/** Waits until KEDA has made its HPA (`there`), or deleted it. Throws TransientError when it does not. */
export async function awaitKeda(deps: HandoverDeps, policy: ScalingPolicy, there: boolean): Promise<Rivals> {
  const untilMs = deps.clock.monotonicMs() + KEDA_MS_MAX;
  for (;;) {
    const found = await findRival(deps.client, policy.spec.target);
    if (found.hasKedaHpa === there) return found;
    if (deps.clock.monotonicMs() > untilMs) {
      throw new TransientError(
        `Cannot wait for KEDA: expected its HorizontalPodAutoscaler to be ${there ? 'made' : 'deleted'} within ${KEDA_MS_MAX / 1000} s, current value is ${there ? 'none' : 'still there'}. Is its operator running? Run the same command again.`,
      );
    }
    await deps.clock.sleep(KEDA_POLL_MS);
  }
}

/** Raises the target to `floor` where somebody lowered it meanwhile. Returns the count. */
export function keepCount(deps: HandoverDeps, policy: ScalingPolicy, floor: number): Promise<number> {
  // A person's write is no plan's: the fence stays where it is.
  const { fence: _, ...ref } = policy.spec.target;
  return withRetries(async () => {
    const expected = await deps.target.read(ref);
    if (expected.replicas >= floor) return expected.replicas;
    deps.say(
      `${ref.kind} "${ref.namespace}/${ref.name}" was lowered to ${expected.replicas} meanwhile: back to ${floor}`,
    );
    return (await deps.target.scale(ref, { replicas: floor, expected, planSeq: 0 })).replicas;
  });
}

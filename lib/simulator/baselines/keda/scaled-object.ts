/** A KEDA ScaledObject at work: the operator's poll between zero and one, and the HPA it makes above. Both read the trigger when they need it. */
import type { Random } from '../../../base/random.ts';
import type { Baseline, BaselineOptions, PlantView } from '../contract.ts';
import { makeHpa } from '../hpa/rule.ts';
import type { Hpa } from '../hpa/rule.ts';
import { HPA_DEFAULTS, HPA_SYNC_PERIOD_MS } from '../hpa/types.ts';
import { behaviorWith, hpaInput } from '../hpa/view.ts';
import { KEDA_EXECUTOR_DEFAULTS, KEDA_POLL_MS, makeKedaExecutor } from './executor.ts';
import type { KedaReading } from './kafka-trigger.ts';
import { changedReplicas, drawPhaseMs } from '../peer-settings.ts';

/** The grid on which poll and HPA have their own phases. */
const TICK_MS = 5000;
/** The controller's own window: with it the HPA needs no behavior block, as KEDA makes it by default. */
const DOWN_STABILIZATION_SEC = 300;

export type KedaTrigger = {
  read(view: PlantView): KedaReading;
  /** Of the metric per replica, in thousandths. */
  readonly targetMilli: number;
};

/** `minReplicaCount` is the workload's minimum, zero included; the HPA's is at least one. */
export function makeKedaBaseline(
  options: BaselineOptions,
  parts: {
    readonly trigger: KedaTrigger;
    readonly random: Random;
    readonly cooldownSec: number;
    readonly upStabilizationSec: number;
    readonly downStabilizationSec: number;
  },
): Baseline {
  const { trigger, random } = parts;
  const executorConfig = {
    ...KEDA_EXECUTOR_DEFAULTS,
    minReplicas: options.replicas.min,
    cooldownMs: parts.cooldownSec * 1000,
  };
  const hpa = kedaHpa(options, { ...parts, targetMilli: trigger.targetMilli });
  const phaseMs = drawPhaseMs(random, TICK_MS);
  const pollOffset = drawPhaseMs(random, KEDA_POLL_MS / TICK_MS);
  const syncOffset = drawPhaseMs(random, HPA_SYNC_PERIOD_MS / TICK_MS);
  let created: { readonly atMs: number; readonly poll: ReturnType<typeof makeKedaExecutor> } | null = null;

  return {
    periodMs: TICK_MS,
    phaseMs,
    decide: (view) => {
      created ??= { atMs: view.nowMs, poll: makeKedaExecutor(executorConfig, view.nowMs) };
      const tick = Math.round((view.nowMs - created.atMs) / TICK_MS);
      const isPoll = tick % (KEDA_POLL_MS / TICK_MS) === pollOffset;
      const isSync = tick % (HPA_SYNC_PERIOD_MS / TICK_MS) === syncOffset;
      if (!isPoll && !isSync) return null;
      const reading = trigger.read(view);
      const polled = isPoll ? created.poll({ ...reading, currentReplicas: view.specReplicas }, view.nowMs) : null;
      const specReplicas = polled ?? view.specReplicas;
      return changedReplicas(view, isSync ? synced(hpa, { view, reading, specReplicas }) : specReplicas);
    },
  };
}

function kedaHpa(
  options: BaselineOptions,
  settings: {
    readonly targetMilli: number;
    readonly upStabilizationSec: number;
    readonly downStabilizationSec: number;
  },
): Hpa {
  const { targetMilli, upStabilizationSec, downStabilizationSec } = settings;
  const isDefault = upStabilizationSec === 0 && downStabilizationSec === DOWN_STABILIZATION_SEC;
  const minReplicas = Math.max(1, options.replicas.min);
  return makeHpa({
    ...HPA_DEFAULTS,
    minReplicas,
    maxReplicas: Math.max(minReplicas, options.replicas.max),
    metrics: [{ type: 'externalAverageValue', targetMilli }],
    behavior: isDefault ? null : behaviorWith(settings),
  });
}

function synced(
  hpa: Hpa,
  seen: { readonly view: PlantView; readonly reading: KedaReading; readonly specReplicas: number },
): number {
  const { metricMilli } = seen.reading;
  const metric = metricMilli === null ? { error: true } : { valuesMilli: [metricMilli] };
  const input = { ...hpaInput(seen.view, metric), specReplicas: seen.specReplicas };
  return hpa.sync(input, seen.view.nowMs).desiredReplicas;
}

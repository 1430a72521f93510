/** From the plant and a user's settings to the terms of an HPA; shared by the peers that work through one. */
import type { PlantView } from './contract.ts';
import type { HpaBehavior, HpaInput, HpaReading } from './hpa-types.ts';
import { HPA_BEHAVIOR_DEFAULTS } from './hpa-types.ts';

/** What an HPA sees of the plant, but for the metric. Replicas of the status are those that exist. */
export function hpaInput(view: PlantView, reading: HpaReading): HpaInput {
  return {
    specReplicas: view.specReplicas,
    statusReplicas: view.pods.length,
    podCount: view.pods.length,
    readyReplicas: view.readyReplicas,
    metrics: [reading],
  };
}

/** The defaults with another window for the way down [s]. */
export function behaviorWith(downStabilizationSec: number): HpaBehavior {
  const stabilizationWindowMs = downStabilizationSec * 1000;
  return { ...HPA_BEHAVIOR_DEFAULTS, scaleDown: { ...HPA_BEHAVIOR_DEFAULTS.scaleDown, stabilizationWindowMs } };
}

/** A target as a quantity in thousandths, at least one. */
export function milliOf(value: number): number {
  return Math.max(1, Math.round(value * 1000));
}

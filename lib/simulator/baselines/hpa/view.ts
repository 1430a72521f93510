/** From the plant and a user's settings to the terms of an HPA; shared by the peers that work through one. */
import type { PlantView, PodView } from '../contract.ts';
import type { HpaBehavior, HpaInput, HpaReading } from './types.ts';
import { HPA_BEHAVIOR_DEFAULTS } from './types.ts';

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

/** The defaults with other stabilization windows [s]. */
export function behaviorWith(windows: {
  readonly upStabilizationSec: number;
  readonly downStabilizationSec: number;
}): HpaBehavior {
  const { scaleUp, scaleDown } = HPA_BEHAVIOR_DEFAULTS;
  return {
    scaleUp: { ...scaleUp, stabilizationWindowMs: windows.upStabilizationSec * 1000 },
    scaleDown: { ...scaleDown, stabilizationWindowMs: windows.downStabilizationSec * 1000 },
  };
}

/** Share of the lead time in which a pod waits for its node: 60 of 145 s and 240 of 410 s in measured starts, less where images are pulled cold. */
const NODE_WAIT_RATIO = 0.4;

/** Whether a pod is bound and has an address (`Running`, though it may not be ready): its image and model load on the node. */
export function hasAddress(pod: PodView, at: { readonly nowMs: number; readonly leadTimeSec: number }): boolean {
  return pod.readyMs !== null || at.nowMs - pod.createdMs >= at.leadTimeSec * 1000 * NODE_WAIT_RATIO;
}

/** A target as a quantity in thousandths, at least one. */
export function milliOf(value: number): number {
  return Math.max(1, Math.round(value * 1000));
}

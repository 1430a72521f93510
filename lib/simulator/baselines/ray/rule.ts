/** The rule of Ray Serve 2.55 for one deployment: ongoing requests over a target for each replica, applied after a delay of agreement. */

/** Delays [ms]; factors scale the step towards the wish (1: all of it). Capacity is for rolling updates of whole applications. */
export type RaySettings = {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly initialReplicas: number | null;
  readonly targetOngoingRequests: number;
  readonly upscaleDelayMs: number;
  readonly downscaleDelayMs: number;
  /** From one replica to none; null: the downscale delay. */
  readonly downscaleToZeroDelayMs: number | null;
  readonly upscalingFactor: number;
  readonly downscalingFactor: number;
  readonly targetCapacityPercent: number | null;
  readonly targetCapacityDirection: 'UP' | 'DOWN' | null;
};

/** Replicas that run (starting ones not counted), the last decision, and requests that wait or run anywhere. */
export type RayInput = {
  readonly runningReplicas: number;
  readonly targetReplicas: number;
  readonly totalRequests: number;
};

export type RayDecision = {
  readonly decisionBeforeBounds: number;
  readonly targetReplicas: number;
  readonly lowerBound: number;
  readonly upperBound: number;
};

type Wish = { readonly direction: 'up' | 'down'; readonly sinceMs: number };

/** Ray compares elapsed time with its delays up to this [ms]. */
const TIMER_SLACK_MS = 1e-3;

/** Starts a deployment's autoscaling without a running timer. Each call is one pass of the control loop at `nowMs`.
 *  A new target capacity is a new autoscaler: Ray clears its timers then, too. */
export function rayAutoscaler(settings: RaySettings): (input: RayInput, nowMs: number) => RayDecision {
  const lowerBound = lowerBoundOf(settings);
  const upperBound = scaledToCapacity(settings.maxReplicas, settings);
  let wish: Wish | null = null;

  const decide = ({ runningReplicas, targetReplicas, totalRequests }: RayInput, nowMs: number): number => {
    if (runningReplicas === 0) {
      // Waking from zero skips the delays and leaves the timer as it is.
      if (totalRequests > 0) return Math.max(Math.ceil(settings.upscalingFactor), targetReplicas);
      if (targetReplicas > 0) return targetReplicas;
    }
    const wanted =
      runningReplicas === 0 ? targetReplicas : wantedReplicas(settings, { runningReplicas, totalRequests });
    if (wanted === targetReplicas) {
      wish = null;
      return targetReplicas;
    }
    const direction = wanted > targetReplicas ? 'up' : 'down';
    if (wish?.direction !== direction) wish = { direction, sinceMs: nowMs };
    if (nowMs - wish.sinceMs < delayMs(settings, { direction, targetReplicas }) - TIMER_SLACK_MS) return targetReplicas;
    wish = null;
    return direction === 'down' && targetReplicas > 1 ? Math.max(1, wanted) : wanted;
  };

  return (input, nowMs) => {
    const decisionBeforeBounds = decide(input, nowMs);
    const targetReplicas = Math.max(lowerBound, Math.min(upperBound, decisionBeforeBounds));
    return { decisionBeforeBounds, targetReplicas, lowerBound, upperBound };
  };
}

/** `runningReplicas` > 0. A factor below 1 could leave a downscale stuck one above its wish; then it steps down by one. */
function wantedReplicas(
  settings: RaySettings,
  { runningReplicas, totalRequests }: { readonly runningReplicas: number; readonly totalRequests: number },
): number {
  const desired = runningReplicas * (totalRequests / (settings.targetOngoingRequests * runningReplicas));
  const delta = desired - runningReplicas;
  const factor = delta > 0 ? settings.upscalingFactor : settings.downscalingFactor;
  const wanted = Math.ceil(runningReplicas + factor * delta);
  return Math.ceil(desired) < runningReplicas && wanted === runningReplicas ? wanted - 1 : wanted;
}

function delayMs(
  settings: RaySettings,
  { direction, targetReplicas }: { readonly direction: 'up' | 'down'; readonly targetReplicas: number },
): number {
  if (direction === 'up') return settings.upscaleDelayMs;
  if (targetReplicas !== 1) return settings.downscaleDelayMs;
  return settings.downscaleToZeroDelayMs ?? settings.downscaleDelayMs;
}

/** While capacity grows, the initial replicas are the lower bound. */
function lowerBoundOf(settings: RaySettings): number {
  const { initialReplicas, minReplicas, targetCapacityDirection } = settings;
  const grows = targetCapacityDirection === 'UP' && initialReplicas !== null;
  return scaledToCapacity(grows ? initialReplicas : minReplicas, settings);
}

/** Rounds half up; at least 1 of anything above 0. */
function scaledToCapacity(replicas: number, { targetCapacityPercent }: RaySettings): number {
  if (targetCapacityPercent === null || replicas === 0) return replicas;
  if (targetCapacityPercent === 0) return 0;
  return Math.max(1, Math.floor((replicas * targetCapacityPercent) / 100 + 0.5));
}

/** What a start takes. */
import { seededRandom } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';
import { drawDurationMs } from '../../draws.ts';
import type { StartModel } from '../contract.ts';

export type StartDraw = {
  /** From a machine's being asked for to its launch, when its cost begins. */
  readonly waitMs: number;
  /** From launch to ready, all attempts. */
  readonly takesMs: number;
};

/** A start that fails this often in a row counts as done with the next try, so that a failure ratio of 1 ends, too. */
const START_ATTEMPTS_MAX = 20;

/**
 * Draws starts, the same for the same seed and order: wait for a machine, then the lead time (lognormal around its median), once more for each failed attempt. Independent
 * streams per concern, so that a failure ratio does not change the durations of other replicas' first attempts.
 */
export function startDraws(model: StartModel, seed: number): () => StartDraw {
  const durations = seededRandom(seed * 4 + 1);
  const failures = seededRandom(seed * 4 + 2);
  const repeats = seededRandom(seed * 4 + 3);
  const waits = seededRandom(seed * 4 + 4);
  const attemptMs = (random: Random): number =>
    drawDurationMs(random, { medianSec: model.leadTimeSec, sigma: model.sigma });

  return () => {
    const waitMs = Math.round((model.capacityWaitSec?.(waits) ?? 0) * 1000);
    let takesMs = attemptMs(durations);
    for (let attempt = 1; attempt < START_ATTEMPTS_MAX && failures() < model.failedStartRatio; attempt++) {
      takesMs += attemptMs(repeats);
    }
    return { waitMs, takesMs };
  };
}

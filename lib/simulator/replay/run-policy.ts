/** Runs one scaler on one plant, from the start of a trace to its end. */
import type { Baseline, LoadSample } from '../baselines/contract.ts';
import type { Plant, PlantTotals } from '../plant/contract.ts';
import { plantView, sampleHistory } from './history.ts';
import { joinedSample } from './joined-sample.ts';
import type { SamplePart } from './joined-sample.ts';

/** Whoever decides how many replicas there are. */
export type Scaler = {
  /** When it wants to decide next [epoch ms of the replay]. */
  nextMs(): number;
  /** Called once per tick with what was measured, before any decision at the end of that tick. */
  observe?(sample: LoadSample): Promise<void> | void;
  /** Wanted replicas; null: as they are. Advances `nextMs`. */
  decide(nowMs: number): Promise<number | null> | number | null;
};

export type PolicyRun = {
  readonly plant: Plant;
  /** Made when the plant exists, because most look at it. */
  readonly scaler: (view: ReturnType<typeof plantView>) => Scaler;
  readonly tickMs: number;
  readonly endMs: number;
  readonly replicas: { readonly min: number; readonly max: number };
  /** Called for every tick: for plots. */
  readonly onTick?: (sample: LoadSample, plant: Plant) => void;
};

/**
 * Moves tick by tick; there is one sample per tick. A decision within a tick is made and carried out at its own time, on the samples of the ticks before: nobody's
 * replicas start late because its period is no multiple of a tick, and nobody sees pods of the future. Counts are kept within `replicas`.
 */
export async function runPolicy(run: PolicyRun): Promise<PlantTotals> {
  const { plant } = run;
  const history = sampleHistory(run.tickMs);
  const scaler = run.scaler(plantView(plant, history));
  const decide = async (): Promise<void> => {
    const decided = scaler.decide(Math.max(plant.nowMs, scaler.nextMs()));
    const wanted = decided instanceof Promise ? await decided : decided;
    if (wanted === null) return;
    const replicas = Math.max(run.replicas.min, Math.min(run.replicas.max, wanted));
    if (replicas !== plant.specReplicas) plant.scale(replicas);
  };

  for (let fromMs = plant.nowMs; fromMs + run.tickMs <= run.endMs; fromMs += run.tickMs) {
    const toMs = fromMs + run.tickMs;
    const parts: SamplePart[] = [];
    const moveTo = (atMs: number): void => {
      const spanMs = atMs - plant.nowMs;
      if (spanMs > 0) parts.push({ spanMs, sample: plant.advanceTo(atMs) });
    };
    for (let atMs = scaler.nextMs(); atMs < toMs; atMs = scaler.nextMs()) {
      moveTo(atMs);
      await decide();
    }
    moveTo(toMs);
    const sample = joinedSample(parts);
    history.add(sample);
    const observed = scaler.observe?.(sample);
    if (observed !== undefined) await observed;
    while (scaler.nextMs() <= toMs) await decide();
    run.onTick?.(sample, plant);
  }
  return plant.totals();
}

/** A baseline on its own period. */
export function baselineScaler(baseline: Baseline, startMs: number): PolicyRun['scaler'] {
  return (view) => {
    let nextMs = startMs + baseline.phaseMs;
    return {
      nextMs: () => nextMs,
      decide: (nowMs) => {
        nextMs += baseline.periodMs;
        return baseline.decide(view(nowMs));
      },
    };
  };
}

/** Runs one scaler on one plant, from the start of a trace to its end. */
import type { Baseline, LoadSample } from '../baselines/contract.ts';
import type { Plant, PlantTotals } from '../plant/contract.ts';
import { plantView, sampleHistory } from './history.ts';

/** Whoever decides how many replicas there are. */
export type Scaler = {
  /** When it wants to decide next [epoch ms of the replay]. */
  nextMs(): number;
  /** Called once per tick with what was measured, before any decision of that tick. */
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

/** Moves tick by tick. A scaler with a shorter period decides several times after a tick, on the same samples. */
export async function runPolicy(run: PolicyRun): Promise<PlantTotals> {
  const { plant } = run;
  const history = sampleHistory(run.tickMs);
  const scaler = run.scaler(plantView(plant, history));
  for (let nowMs = plant.nowMs + run.tickMs; nowMs <= run.endMs; nowMs += run.tickMs) {
    const sample = plant.advanceTo(nowMs);
    history.add(sample);
    const observed = scaler.observe?.(sample);
    if (observed !== undefined) await observed;
    while (scaler.nextMs() <= nowMs) {
      const decided = scaler.decide(scaler.nextMs());
      const wanted = decided instanceof Promise ? await decided : decided;
      if (wanted !== null && wanted !== plant.specReplicas) {
        plant.scale(Math.max(run.replicas.min, Math.min(run.replicas.max, wanted)));
      }
    }
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

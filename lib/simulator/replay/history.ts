/** The samples of one run, and what a scaler may see of them. */
import type { LoadSample, PlantView } from '../baselines/contract.ts';
import type { Plant } from '../plant/contract.ts';

/** Two hours: more than any peer's window, and more than any metric pipeline's delay. */
export const HISTORY_MS = 7_200_000;

export type History = {
  add(sample: LoadSample): void;
  sampleAt(atMs: number): LoadSample | undefined;
  samplesBetween(fromMs: number, toMs: number): readonly LoadSample[];
};

/** A ring of the samples of the last {@link HISTORY_MS}, one per `tickMs` [ms]. */
export function sampleHistory(tickMs: number): History {
  const size = Math.ceil(HISTORY_MS / tickMs) + 1;
  const ring: (LoadSample | undefined)[] = Array.from({ length: size });
  let newestMs = -Infinity;

  const at = (endMs: number): LoadSample | undefined => {
    const sample = ring[Math.floor(endMs / tickMs) % size];
    return sample?.atMs === endMs ? sample : undefined;
  };
  const endBefore = (atMs: number): number =>
    Math.min(newestMs, newestMs - Math.ceil((newestMs - atMs) / tickMs) * tickMs);

  return {
    add: (sample) => {
      ring[Math.floor(sample.atMs / tickMs) % size] = sample;
      newestMs = sample.atMs;
    },
    sampleAt: (atMs) => (newestMs === -Infinity ? undefined : at(endBefore(atMs))),
    samplesBetween: (fromMs, toMs) => {
      if (newestMs === -Infinity) return [];
      const samples: LoadSample[] = [];
      for (let endMs = endBefore(toMs); endMs > fromMs; endMs -= tickMs) {
        const sample = at(endMs);
        if (sample === undefined) break;
        samples.push(sample);
      }
      return samples.toReversed();
    },
  };
}

/** A plant and its history at `nowMs`, as baselines see it. */
export function plantView(plant: Plant, history: History): (nowMs: number) => PlantView {
  return (nowMs) => ({
    nowMs,
    specReplicas: plant.specReplicas,
    readyReplicas: plant.readyReplicas,
    pods: plant.pods,
    sampleAt: (atMs) => history.sampleAt(atMs),
    samplesBetween: (fromMs, toMs) => history.samplesBetween(fromMs, toMs),
  });
}

/** When scalers decide, on what, and when it takes effect. */
import { describe, expect, test } from '@jest/globals';
import type { Baseline, LoadSample, PlantView } from '../../../lib/simulator/baselines/contract.ts';
import { START_MS, plantOf } from '../../../lib/simulator/replay/ground.ts';
import { joinedSample } from '../../../lib/simulator/replay/joined-sample.ts';
import { baselineScaler, runPolicy } from '../../../lib/simulator/replay/run-policy.ts';
import { TICK_MS, groundOfLoad, sampleAt } from './support.ts';

const TICKS = 24;
const steady = groundOfLoad(Array.from({ length: TICKS }, () => 2));

type Seen = { readonly views: PlantView[]; readonly samples: LoadSample[]; readonly spec: number[] };

/** Runs a baseline that decides as told. Times count from the start. */
async function play(of: {
  readonly periodMs: number;
  readonly phaseMs?: number;
  readonly decide?: (view: PlantView) => number | null;
  readonly replicas?: { readonly min: number; readonly max: number };
}): Promise<Seen> {
  const seen: Seen = { views: [], samples: [], spec: [] };
  const baseline: Baseline = {
    periodMs: of.periodMs,
    phaseMs: of.phaseMs ?? 0,
    decide: (view) => {
      seen.views.push(view);
      return of.decide?.(view) ?? null;
    },
  };
  await runPolicy({
    plant: plantOf(steady),
    scaler: baselineScaler(baseline, START_MS),
    tickMs: TICK_MS,
    endMs: START_MS + TICKS * TICK_MS,
    replicas: of.replicas ?? steady.replicas,
    onTick: (sample, plant) => {
      seen.samples.push(sample);
      seen.spec.push(plant.specReplicas);
    },
  });
  return seen;
}

const times = (seen: Seen): number[] => seen.views.map((view) => view.nowMs - START_MS);

describe('a scaler decides', () => {
  test('at its phase and then every period, when that is longer than a tick', async () => {
    expect(times(await play({ periodMs: 30_000, phaseMs: 7_000 }))).toEqual([7_000, 37_000, 67_000, 97_000]);
  });

  test('several times in a tick, when its period is shorter', async () => {
    const seen = await play({ periodMs: 2_000, phaseMs: 1_000 });
    expect(times(seen)).toEqual(Array.from({ length: 60 }, (_, index) => 1_000 + index * 2_000));
  });

  test('on what had been measured by then: a sample per tick, none before the first has ended', async () => {
    const ages: (number | undefined)[] = [];
    await play({
      periodMs: 2_000,
      decide: (view) => {
        const sample = view.sampleAt(view.nowMs);
        ages.push(sample === undefined ? undefined : view.nowMs - sample.atMs);
        return null;
      },
    });
    expect(ages.slice(0, 8)).toEqual([undefined, undefined, undefined, 1_000, 3_000, 0, 2_000, 4_000]);
  });

  test('and its replicas are asked for at that time, not at the end of the tick', async () => {
    const created: number[] = [];
    await play({
      periodMs: 60_000,
      phaseMs: 7_000,
      decide: (view) => {
        created.push(...view.pods.map((pod) => pod.createdMs - START_MS));
        return 4;
      },
    });
    // Second look, at 67 s: three from the start, one asked for at 7 s.
    expect(created.slice(3)).toEqual([0, 0, 0, 7_000]);
  });

  test('and never sees a pod that gets ready later in the same tick', async () => {
    const ready: [number, number][] = [];
    await play({
      periodMs: 1_000,
      decide: (view) => {
        ready.push([view.nowMs - START_MS, view.readyReplicas]);
        return 4;
      },
    });
    // Asked for at 0 s, lead time 60 s.
    expect(ready.find(([, count]) => count === 4)?.[0]).toBe(60_000);
  });
});

describe('what a scaler wants', () => {
  test('is kept within the limits, for everybody alike', async () => {
    const limits = { min: 2, max: 5 };
    expect((await play({ periodMs: 5_000, decide: () => 99, replicas: limits })).spec.at(-1)).toBe(5);
    expect((await play({ periodMs: 5_000, decide: () => 0, replicas: limits })).spec.at(-1)).toBe(2);
  });

  test('is nothing when it answers null', async () => {
    const { spec } = await play({ periodMs: 5_000 });
    expect(new Set(spec)).toEqual(new Set([steady.initialReplicas]));
  });
});

test('there is one sample per tick, and it does not depend on who looks in between', async () => {
  const alone = await play({ periodMs: 600_000 });
  const watched = await play({ periodMs: 1_300, phaseMs: 700 });
  expect(alone.samples).toHaveLength(TICKS);
  for (const [index, sample] of watched.samples.entries()) {
    const other = alone.samples[index];
    expect(sample.atMs).toBe(other?.atMs);
    expect(sample.arrivalsPerSec).toBeCloseTo(other?.arrivalsPerSec ?? Number.NaN, 9);
    expect(sample.queued).toBeCloseTo(other?.queued ?? Number.NaN, 9);
    // In flight is integrated in steps, which end where somebody looks.
    expect(sample.running / (other?.running ?? Number.NaN)).toBeCloseTo(1, 1);
  }
});

test('joinedSample is a mean over time; readiness is that of the end', () => {
  const parts = [
    { spanMs: 4_000, sample: sampleAt(4_000, { queued: 10, arrivalsPerSec: 5, kvRatio: 0.5, readyReplicas: 1 }) },
    { spanMs: 1_000, sample: sampleAt(5_000, { queued: 0, arrivalsPerSec: 10, kvRatio: 0.1, readyReplicas: 6 }) },
  ];
  const joined = joinedSample(parts);
  expect(joined).toMatchObject({ atMs: 5_000, queued: 8, arrivalsPerSec: 6, readyReplicas: 6 });
  // Weighted with replicas and time: (0.5·1·4 + 0.1·6·1) / (1·4 + 6·1).
  expect(joined.kvRatio).toBeCloseTo(0.26, 12);
  expect(() => joinedSample([])).toThrow('at least one part');
});

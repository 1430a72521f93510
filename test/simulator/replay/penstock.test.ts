/** Penstock in the loop of a replay: the production stages really run. */
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { InferenceLoad } from '../../../events/schema/index.ts';
import type { ScalingDecision, SignalName } from '../../../lib/core/types.ts';
import { foldRecords } from '../../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../../lib/core/window/load-window.ts';
import { readingsOf } from '../../../lib/core/window/readings.ts';
import type { LoadSample } from '../../../lib/simulator/baselines/contract.ts';
import type { PlantTotals } from '../../../lib/simulator/plant/contract.ts';
import { NOTHING_CARRIED, aggregateEvent } from '../../../lib/simulator/replay/aggregate-event.ts';
import { START_MS, plantOf } from '../../../lib/simulator/replay/ground.ts';
import type { Ground } from '../../../lib/simulator/replay/ground.ts';
import { penstockScaler } from '../../../lib/simulator/replay/penstock.ts';
import type { PenstockOptions } from '../../../lib/simulator/replay/penstock.ts';
import { replayPolicy } from '../../../lib/simulator/replay/plain-policy.ts';
import { runPolicy } from '../../../lib/simulator/replay/run-policy.ts';
import type { PolicyRun } from '../../../lib/simulator/replay/run-policy.ts';
import { replayStores } from '../../../lib/simulator/replay/state.ts';
import type { StateStores } from '../../../lib/state/contract.ts';
import { memoryStateStores } from '../../../lib/state/memory.ts';
import { TICK_MS, groundOfLoad, sampleAt } from './support.ts';

const stretch = (replicas: number, minutes: number): number[] => Array.from({ length: minutes * 12 }, () => replicas);

type Played = { readonly totals: PlantTotals; readonly spec: readonly number[] };

async function play(
  ground: Ground,
  options: Partial<PenstockOptions> = {},
  scalerOf: (scaler: PolicyRun['scaler']) => PolicyRun['scaler'] = (scaler) => scaler,
): Promise<Played> {
  const spec: number[] = [];
  const scaler = penstockScaler({
    policy: replayPolicy(ground, null),
    startMs: START_MS,
    evaluateEveryMs: TICK_MS,
    replicas: ground.initialReplicas,
    ...options,
  });
  const totals = await runPolicy({
    plant: plantOf(ground),
    scaler: scalerOf(scaler),
    tickMs: TICK_MS,
    endMs: START_MS + ground.ticks.count * TICK_MS,
    replicas: ground.replicas,
    onTick: (_sample, plant) => spec.push(plant.specReplicas),
  });
  return { totals, spec };
}

/** The stores of a production process in memory; decisions that are recorded come out. */
function textStores(onDecision: (decision: ScalingDecision) => void): StateStores {
  const stores = memoryStateStores();
  return { ...stores, ledger: { ...stores.ledger, record: async (decision) => onDecision(decision) } };
}

describe('penstockScaler', () => {
  test('ends the replay when a stage cannot do its work: a fleet that stands still is no result', async () => {
    const stores = replayStores();
    const broken = {
      ...stores,
      plans: { ...stores.plans, read: () => Promise.reject(new Error('no plans today')) },
    };
    await expect(play(groundOfLoad(stretch(2, 1)), { state: broken })).rejects.toThrow(
      /Cannot replay Penstock: expected every stage to do its work, current value is: .*no plans today/,
    );
  });

  test('answers a rise of load within 15 s, through the plan, the queue and a PATCH', async () => {
    const state = replayStores();
    const decisions: ScalingDecision[] = [];
    const stores = {
      ...state,
      ledger: { ...state.ledger, record: async (one: ScalingDecision) => void decisions.push(one) },
    };
    const rise = 30;
    const { spec } = await play(groundOfLoad([...stretch(2, rise), ...stretch(8, 10)]), { state: stores });

    const before = spec[rise * 12 - 1] ?? 0;
    expect(before).toBeLessThan(6);
    expect(spec[rise * 12 + 2]).toBeGreaterThan(before);
    expect(spec[rise * 12 + 12]).toBeGreaterThanOrEqual(8);
    const record = (await state.actuation.read('target/replay'))?.value;
    expect(record?.lastWritten?.count).toBe(spec.at(-1));
    const plan = [...(await state.plans.readMany(['default'])).values()][0]?.value;
    expect(plan?.targets['replay']?.replicas).toBe(spec.at(-1));
    expect(decisions.some((decision) => decision.replicas.wanted === Math.max(...spec))).toBe(true);
  });

  test('lowers when the load goes away, and never when its signal does', async () => {
    const ground = groundOfLoad([...stretch(6, 30), ...stretch(0.5, 40)]);
    const heard = await play(ground);
    let ticks = 0;
    const deaf = await play(ground, {}, (scaler) => (view) => {
      const one = scaler(view);
      return {
        ...one,
        // Silent from the moment on at which the load falls.
        observe: (sample) => (++ticks <= 30 * 12 ? one.observe?.(sample) : undefined),
      };
    });

    const standing = heard.spec[30 * 12 - 1] ?? 0;
    expect(heard.spec.at(-1)).toBeLessThan(standing);
    expect(Math.min(...deaf.spec.slice(30 * 12))).toBeGreaterThanOrEqual(standing);
  });

  test('keeps within the limits of the replay, whatever the policy says', async () => {
    const ground = groundOfLoad(stretch(12, 20), { replicas: { min: 1, max: 5 } });
    const policy = replayPolicy(ground, { replicas: { min: 1, max: 500 } });
    const { spec } = await play(ground, { policy });
    expect(Math.max(...spec)).toBe(5);
  });

  test('decides the same on stores that keep text, as production does', async () => {
    const wave = Array.from({ length: 600 }, (_, tick) => 4 + 3 * Math.sin(tick / 60));
    const ground = groundOfLoad(wave);
    const [fast, text]: [string[], string[]] = [[], []];
    const one = await play(ground, { onDecision: ({ id }) => void fast.push(id) });
    const other = await play(ground, { state: textStores(({ id }) => void text.push(id)) });

    expect(fast.length).toBeGreaterThan(10);
    expect(fast).toEqual(text);
    expect(one).toEqual(other);
  });

  test('runs the same twice', async () => {
    const ground = groundOfLoad([...stretch(2, 5), ...stretch(5, 5)]);
    expect(await play(ground)).toEqual(await play(ground));
  });
});

const WORKLOAD = 'replay';
let offset = 0;

function folded(events: readonly InferenceLoad[]): LoadWindow {
  const records = events.map((event) => ({ offset: offset++, timestampMs: event.intervalEndMs, event }));
  return foldRecords(undefined, { topicPartition: 't-0', records, nowMs: START_MS }).window;
}

/** What one pod did in one tick, in whole requests and tokens. */
const podTick = fc.record({
  inFlight: fc.nat(60),
  queued: fc.nat(200),
  arrived: fc.nat(500),
  completed: fc.nat(500),
  input: fc.nat(400_000),
  output: fc.nat(90_000),
  kv: fc.double({ min: 0, max: 1, noNaN: true }),
});

type PodTick = { [K in keyof Parameters<typeof podEvent>[0]]: Parameters<typeof podEvent>[0][K] };

function podEvent(
  pod: {
    readonly inFlight: number;
    readonly queued: number;
    readonly arrived: number;
    readonly completed: number;
    readonly input: number;
    readonly output: number;
    readonly kv: number;
  },
  at: { readonly source: string; readonly startMs: number },
): InferenceLoad {
  return {
    schema: 'penstock.inference-load/1',
    workload: WORKLOAD,
    source: at.source,
    intervalStartMs: at.startMs,
    intervalEndMs: at.startMs + TICK_MS,
    inFlight: pod.inFlight,
    queued: pod.queued,
    requests: { arrived: pod.arrived, completed: pod.completed },
    tokens: { input: pod.input, output: pod.output },
    utilization: { kvCacheRatio: pod.kv },
  };
}

function fleetSample(pods: readonly PodTick[], endMs: number): LoadSample {
  const sum = (of: (pod: PodTick) => number): number => pods.reduce((total, pod) => total + of(pod), 0);
  const perSec = TICK_MS / 1_000;
  return sampleAt(endMs, {
    arrivalsPerSec: sum((pod) => pod.arrived) / perSec,
    completedPerSec: sum((pod) => pod.completed) / perSec,
    running: sum((pod) => pod.inFlight),
    queued: sum((pod) => pod.queued),
    inputTokensPerSec: sum((pod) => pod.input) / perSec,
    outputTokensPerSec: sum((pod) => pod.output) / perSec,
    kvRatio: sum((pod) => pod.kv) / pods.length,
    readyReplicas: pods.length,
  });
}

const SIGNALS: readonly SignalName[] = [
  'inFlight',
  'queued',
  'requestRate',
  'inputTokenRate',
  'outputTokenRate',
  'kvCacheRatio',
];

describe('one aggregate event of the fleet per tick', () => {
  test('reads the same as the events of its pods', () => {
    const fleet = fc
      .integer({ min: 1, max: 6 })
      .chain((pods) =>
        fc.array(fc.array(podTick, { minLength: pods, maxLength: pods }), { minLength: 4, maxLength: 8 }),
      );
    fc.assert(
      fc.property(fleet, (ticks) => {
        const own: InferenceLoad[] = [];
        const whole: InferenceLoad[] = [];
        let carry = NOTHING_CARRIED;
        for (const [tick, pods] of ticks.entries()) {
          const startMs = START_MS + tick * TICK_MS;
          own.push(...pods.map((pod, index) => podEvent(pod, { source: `pod/${index}`, startMs })));
          const told = aggregateEvent(fleetSample(pods, startMs + TICK_MS), { workload: WORKLOAD, startMs, carry });
          carry = told.rest;
          whole.push(told.event);
        }
        const nowMs = START_MS + ticks.length * TICK_MS;
        const readyReplicas = ticks[0]?.length ?? 0;
        const ofPods = readingsOf(folded(own), { nowMs, readyReplicas });
        const ofFleet = readingsOf(folded(whole), { nowMs, readyReplicas });
        for (const signal of SIGNALS) {
          const [pods, one] = [ofPods[signal], ofFleet[signal]];
          if (pods.kind !== 'value' || one.kind !== 'value') throw new Error(`${signal} is missing`);
          // Windows count in thousandths; the mean of a ratio is rounded once per pod.
          expect(Math.abs(one.value - pods.value)).toBeLessThanOrEqual(1e-9 * pods.value + 2e-3);
          expect([one.coverageRatio, one.ageMs]).toEqual([pods.coverageRatio, pods.ageMs]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('loses nothing of a fluid: what is not whole yet comes with a later event', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 200 }), (rates) => {
        let carry = NOTHING_CARRIED;
        let [told, exact] = [0, 0];
        for (const [tick, arrivalsPerSec] of rates.entries()) {
          const startMs = START_MS + tick * TICK_MS;
          const sample = sampleAt(startMs + TICK_MS, { arrivalsPerSec });
          const { event, rest } = aggregateEvent(sample, { workload: WORKLOAD, startMs, carry });
          carry = rest;
          exact += (arrivalsPerSec * TICK_MS) / 1_000;
          told += event.requests?.arrived ?? Number.NaN;
          expect(Number.isInteger(event.requests?.arrived)).toBe(true);
          expect(exact - told).toBeGreaterThan(-1e-6);
          expect(exact - told).toBeLessThan(1);
        }
      }),
    );
  });
});

/** Plays the day: moves the simulated cloud on, serves the requests, and publishes what gateways and queues would publish. */
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import type { OutgoingRecord } from '../../stream/contract.ts';
import { makeServing } from '../../simulator/traffic/serving-model.ts';
import type { Serving, ServingStep } from '../../simulator/traffic/serving-model.ts';
import type { World } from '../../simulator/world/world.ts';
import { readyPods } from './cluster/fleet.ts';
import type { FleetView } from './cluster/fleet.ts';
import { FIRST_HOUR, HOURS, POISON, STOCK_OUT, models } from './scene.ts';
import type { ModelScene } from './scene.ts';

export type ModelState = {
  readonly scene: ModelScene;
  readonly serving: Serving;
  last: ServingStep;
  requestsPerSec: number;
  readonly history: number[];
  arrivedTotal: number;
  lateTotal: number;
  /** Since the last event of its gateway or queue. */
  readonly interval: {
    startMs: number;
    arrived: number;
    started: number;
    completed: number;
    inFlightMs: number;
    queuedMs: number;
  };
};

export type Traffic = {
  readonly models: readonly ModelState[];
  /** Hour of the day now, 0..24. */
  hour(): number;
  /** Moves on to `nowMs` and returns the records to publish. */
  tick(
    nowMs: number,
  ): readonly { readonly topic: 'inferenceLoad' | 'queueDepth'; readonly record: Omit<OutgoingRecord, 'topic'> }[];
  /** Requests that waited too long or never got a slot, over all that arrived, 0..1. */
  unservedShare(): number;
};

/** Gateways and queues report so often [ms]. */
const REPORT_MS = 500;

/** A day of `durationMs` [ms] that begins at `startMs`. `fleet` serves it; `cloud` has the node groups, and may hold the fleet too. */
export function makeTraffic(options: {
  readonly fleet: FleetView;
  readonly cloud: World;
  readonly startMs: number;
  readonly durationMs: number;
}): Traffic {
  const states = models.map((scene): ModelState => stateOf(scene, options.startMs));
  let lastMs = options.startMs;
  let poisoned = 0;
  const hourAt = (nowMs: number): number => FIRST_HOUR + ((nowMs - options.startMs) / options.durationMs) * HOURS;

  return {
    models: states,
    hour: () => hourAt(lastMs),
    tick: (nowMs) => {
      // The wall clock may be set back meanwhile; a day never runs backwards.
      const dtSec = Math.max(0, nowMs - lastMs) / 1000;
      lastMs = nowMs;
      options.cloud.advanceTo(nowMs);
      const hour = hourAt(nowMs);
      setCapacity(options.cloud, hour);
      for (const state of states) serve(state, { fleet: options.fleet, hour, dtSec });
      const records = states.flatMap((state) => report(state, nowMs));
      const due = Math.min(POISON.length, Math.floor(((nowMs - options.startMs) / options.durationMs) * 4));
      const poison = POISON.slice(poisoned, due).map((value) => ({
        topic: 'inferenceLoad' as const,
        record: { key: 'llama-8b-chat', value },
      }));
      poisoned = Math.max(poisoned, due);
      return [...records, ...poison];
    },
    unservedShare: () => {
      const arrived = states.reduce((sum, state) => sum + state.arrivedTotal, 0);
      const missed = states.reduce((sum, state) => sum + state.lateTotal + state.last.overdue, 0);
      return arrived === 0 ? 0 : Math.min(1, missed / arrived);
    },
  };
}

function stateOf(scene: ModelScene, startMs: number): ModelState {
  return {
    scene,
    serving: makeServing(scene.serving),
    last: { inFlight: 0, queued: 0, arrived: 0, started: 0, completed: 0, late: 0, overdue: 0, oldestWaitSec: 0 },
    requestsPerSec: 0,
    history: [],
    arrivedTotal: 0,
    lateTotal: 0,
    interval: { startMs, arrived: 0, started: 0, completed: 0, inFlightMs: 0, queuedMs: 0 },
  };
}

function setCapacity(cloud: World, hour: number): void {
  cloud.setCapacity(
    STOCK_OUT.group,
    hour >= STOCK_OUT.fromHour && hour < STOCK_OUT.toHour ? STOCK_OUT.instances : Infinity,
  );
}

function serve(
  state: ModelState,
  at: { readonly fleet: FleetView; readonly hour: number; readonly dtSec: number },
): void {
  const readyReplicas = readyPods(at.fleet, state.scene.name).length;
  state.requestsPerSec = state.scene.shape(at.hour % 24);
  state.last = state.serving.step({ dtSec: at.dtSec, arrived: state.requestsPerSec * at.dtSec, readyReplicas });
  state.arrivedTotal += state.last.arrived;
  state.lateTotal += state.last.late;
  const { interval } = state;
  interval.arrived += state.last.arrived;
  interval.started += state.last.started;
  interval.completed += state.last.completed;
  interval.inFlightMs += state.last.inFlight * at.dtSec * 1000;
  interval.queuedMs += state.last.queued * at.dtSec * 1000;
}

function report(state: ModelState, nowMs: number): ReturnType<Traffic['tick']> {
  const { interval, scene } = state;
  const spanMs = nowMs - interval.startMs;
  if (scene.source === 'bridge' || spanMs < REPORT_MS) return [];
  const event = scene.source === 'gateway' ? gatewayEvent(state, nowMs) : queueEvent(state, nowMs);
  Object.assign(interval, { startMs: nowMs, inFlightMs: 0, queuedMs: 0 });
  // Whole requests are reported; the rest of a fluid stays for the next event.
  interval.arrived %= 1;
  interval.started %= 1;
  interval.completed %= 1;
  const topic = scene.source === 'gateway' ? ('inferenceLoad' as const) : ('queueDepth' as const);
  return [{ topic, record: { key: scene.name, value: JSON.stringify(event) } }];
}

function gatewayEvent(state: ModelState, nowMs: number): InferenceLoad {
  const { interval, scene } = state;
  const spanMs = nowMs - interval.startMs;
  return {
    schema: 'penstock.inference-load/1',
    workload: scene.name,
    source: 'gateway/edge',
    intervalStartMs: interval.startMs,
    intervalEndMs: nowMs,
    inFlight: interval.inFlightMs / spanMs,
    queued: interval.queuedMs / spanMs,
    requests: { arrived: Math.floor(interval.arrived), completed: Math.floor(interval.completed) },
    tokens: {
      input: Math.floor(interval.arrived) * scene.tokensPerRequest.input,
      output: Math.floor(interval.completed) * scene.tokensPerRequest.output,
    },
  };
}

function queueEvent(state: ModelState, nowMs: number): QueueDepth {
  const { interval, scene } = state;
  const spanMs = nowMs - interval.startMs;
  return {
    schema: 'penstock.queue-depth/1',
    workload: scene.name,
    source: 'queue/demo/image-jobs',
    intervalStartMs: interval.startMs,
    intervalEndMs: nowMs,
    depth: interval.queuedMs / spanMs,
    oldestAgeMs: state.last.oldestWaitSec * 1000,
    enqueued: Math.floor(interval.arrived),
    dequeued: Math.floor(interval.started),
  };
}

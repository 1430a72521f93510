/** What the peers' baselines share: settings with tuning, and what metric pipelines do to a reading. */
import { ConfigError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { BaselineOptions, LoadSample, PlantView } from './contract.ts';

/** The recommended settings with the tuned ones in their place. Throws {@link ConfigError} for a name that is not among them, and for values that are not finite and ≥ 0. */
export function tunedSettings<Name extends string>(
  recommended: Readonly<Record<Name, number>>,
  tuning: BaselineOptions['tuning'],
): Readonly<Record<Name, number>> {
  for (const [name, value] of Object.entries(tuning ?? {})) {
    if (!Object.hasOwn(recommended, name)) {
      const known = Object.keys(recommended).join(', ');
      throw new ConfigError(`Cannot tune the baseline: expected one of ${known}, current value is ${name}`);
    }
    if (!Number.isFinite(value) || value < 0) {
      throw new ConfigError(`Cannot tune "${name}": expected a number of at least 0, current value is ${value}`);
    }
  }
  return { ...recommended, ...tuning };
}

/** Between two scrapes of Prometheus: a value is 0 to 15 s old before it is asked for. */
const SCRAPE_MS = 15_000;
/** From the question to the answer: adapters and KEDA's metrics server ask Prometheus when the HPA asks them, so that nothing but the request adds to the age of a scrape. */
const PIPELINE_MS = 1_000;

/** Age of a Prometheus reading when the HPA sees it [ms], 1 to 16 s. Fixed for a run: scrapes and syncs have the same period, so only their phases differ. */
export function drawPrometheusAgeMs(random: Random): number {
  return PIPELINE_MS + Math.floor(random() * SCRAPE_MS);
}

/** `rate(…[1m])`: what dashboards and guides take, four scrapes. */
const RATE_WINDOW_MS = 60_000;

/** Requests that arrived per second, as a gateway counts them, over the last minute before `nowMs - ageMs`; undefined before the first sample. */
export function arrivalRateOf(view: PlantView, ageMs: number, windowMs = RATE_WINDOW_MS): number | undefined {
  const toMs = view.nowMs - ageMs;
  const samples = view.samplesBetween(toMs - windowMs, toMs);
  // Samples have one length each, so their plain mean is the mean over time.
  if (samples.length === 0) return undefined;
  return samples.reduce((sum, sample) => sum + sample.arrivalsPerSec, 0) / samples.length;
}

/** Requests that ran in and waited for the replicas when they were scraped; undefined before the first sample. */
export function inFlightAt(view: PlantView, ageMs: number): number | undefined {
  const sample = view.sampleAt(view.nowMs - ageMs);
  return sample === undefined ? undefined : inFlightOf(sample);
}

/** A phase within `periodMs` [ms], whole. */
export function drawPhaseMs(random: Random, periodMs: number): number {
  return Math.floor(random() * periodMs);
}

/** Requests in the system: in slots and waiting, as the metrics of a server and its queue add up to. */
export function inFlightOf(sample: LoadSample): number {
  return sample.running + sample.queued;
}

/** What is left of a fluid that decays is no request. */
const TRACE_REQUESTS = 0.05;

/** Whether a reading of a fluid stands for nothing. */
export function isTrace(value: number): boolean {
  return value <= TRACE_REQUESTS;
}

/** Whole requests in the system: rounded, but at least one while there is any. A fluid has fractions, a queue has not. */
export function countOf(sample: LoadSample): number {
  const requests = inFlightOf(sample);
  return Math.max(Math.round(requests), isTrace(requests) ? 0 : 1);
}

/** What a baseline answers: the replicas to write, or null when nothing changes. */
export function changedReplicas(view: PlantView, desired: number): number | null {
  return desired === view.specReplicas ? null : desired;
}

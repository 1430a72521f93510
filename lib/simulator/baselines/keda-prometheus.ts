/** Baseline: KEDA with its Prometheus trigger, for load that a gateway or the servers count. */
import { seededRandom } from '../../base/random.ts';
import type { BaselineFactory, PlantView } from './contract.ts';
import { milliOf } from './hpa-view.ts';
import type { KedaReading } from './keda-kafka.ts';
import { makeKedaBaseline } from './keda-scaled-object.ts';
import { countOf, drawPrometheusAgeMs, inFlightOf, tunedSettings } from './peer-settings.ts';

const RECOMMENDED = { targetRatio: 0.75, rateWindowSec: 0, cooldownSec: 300, downStabilizationSec: 300 };

const NO_READING: KedaReading = { metricMilli: null, active: false, error: true };

/** KEDA with the Prometheus trigger, on requests in the system or on their rate. */
export const kedaPrometheus: BaselineFactory = {
  name: 'keda-prometheus',
  source:
    'KEDA 2.21 (Prometheus scaler, scale executor); HPA of Kubernetes 1.37, checked against 26 series recorded from it',
  settings: {
    trigger:
      'Sum over the servers and their queue of requests running and waiting, as guides for model servers recommend: a rate alone does not see a backlog.',
    rateWindowSec:
      '0: requests in the system. Above 0: request rate, averaged over so many seconds, against the rate one replica sustains.',
    targetRatio: 'threshold is 75 % of what one replica sustains.',
    polling:
      'Every 30 s between 0 and 1, the default; above, the HPA asks every 15 s. Both with a random phase on a grid of 5 s.',
    cooldownSec: '300 s after the last activity to zero, the default.',
    downStabilizationSec: '300 s and no behavior block, the defaults: at most 2x or 4 replicas per sync.',
    metricAge: '15 to 30 s: a scrape every 15 s, plus 15 s through rules and the metrics API.',
    replicasMin: 'The minimum of the workload, zero included.',
  },
  grid: {
    targetRatio: [0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1],
    rateWindowSec: [0, 60, 120],
    downStabilizationSec: [30, 60, 120, 300, 600],
  },
  create: (options) => {
    const { targetRatio, rateWindowSec, ...settings } = tunedSettings(RECOMMENDED, options.tuning);
    const random = seededRandom(options.seed);
    const ageMs = drawPrometheusAgeMs(random);
    const { concurrency, requestsPerSec } = options.capacity;
    const targetMilli = milliOf(targetRatio * (rateWindowSec > 0 ? requestsPerSec : concurrency));
    const read = (view: PlantView): KedaReading =>
      rateWindowSec > 0 ? readRate(view, { ageMs, windowMs: rateWindowSec * 1000 }) : readInFlight(view, ageMs);
    return makeKedaBaseline(options, { ...settings, trigger: { targetMilli, read }, random });
  },
};

function readInFlight(view: PlantView, ageMs: number): KedaReading {
  const sample = view.sampleAt(view.nowMs - ageMs);
  if (sample === undefined) return NO_READING;
  return { metricMilli: Math.round(inFlightOf(sample) * 1000), active: countOf(sample) > 0, error: false };
}

/** The samples have one length each, so their plain mean is the mean over time. */
function readRate(view: PlantView, range: { readonly ageMs: number; readonly windowMs: number }): KedaReading {
  const toMs = view.nowMs - range.ageMs;
  const samples = view.samplesBetween(toMs - range.windowMs, toMs);
  if (samples.length === 0) return NO_READING;
  const ratePerSec = samples.reduce((sum, sample) => sum + sample.arrivalsPerSec, 0) / samples.length;
  return { metricMilli: Math.round(ratePerSec * 1000), active: ratePerSec > 0, error: false };
}

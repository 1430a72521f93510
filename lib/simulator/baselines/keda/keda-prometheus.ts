/** Baseline: KEDA with its Prometheus trigger, for load that a gateway or the servers count. */
import { seededRandom } from '../../../base/random.ts';
import { CONCURRENCY_TARGET_RATIO, RATE_TARGET_RATIO, concurrencyTargetRatio } from '../baseline-options.ts';
import type { BaselineFactory, BaselineOptions, PlantView } from '../contract.ts';
import { milliOf } from '../hpa/view.ts';
import type { KedaReading } from './kafka-trigger.ts';
import { makeKedaBaseline } from './scaled-object.ts';
import { arrivalRateOf, drawPrometheusAgeMs, inFlightAt, isTrace, tunedSettings } from '../peer-settings.ts';

const RECOMMENDED = { onConcurrency: 0, cooldownSec: 300, upStabilizationSec: 0, downStabilizationSec: 300 };

/** KEDA with the Prometheus trigger, on the rate of requests or on requests in the system. */
export const kedaPrometheus: BaselineFactory = {
  name: 'keda-prometheus',
  source:
    'KEDA 2.21 (Prometheus scaler, scale executor); HPA of Kubernetes 1.37, checked against 26 series recorded from it',
  settings: {
    onConcurrency:
      '0: request rate, sum(rate(…[1m])), the query of the example in the documentation of the scaler. 1: requests running and waiting, as in the KEDA guide of llm-d and in examples for vLLM.',
    targetRatio: `threshold is ${RATE_TARGET_RATIO} of the rate one replica sustains; on concurrency ${CONCURRENCY_TARGET_RATIO} of the requests it holds at 80 % of its rate, because with more the loop swings on a constant load.`,
    polling:
      'Every 30 s between 0 and 1, the default; above, the HPA asks every 15 s. Both with a random phase on a grid of 5 s.',
    cooldownSec: '300 s after the last activity to zero, the default.',
    upStabilizationSec: '0 s, the default. On concurrency the guide of llm-d takes the time of a start.',
    downStabilizationSec: '300 s and no behavior block, the defaults: at most 2x or 4 replicas per sync.',
    metricAge: '1 to 16 s: a scrape every 15 s; KEDA asks Prometheus when the HPA asks it. Rates are means of 60 s.',
    replicasMin: 'The minimum of the workload, zero included.',
  },
  grid: [
    { onConcurrency: [0], targetRatio: [0.5, 0.65, 0.75, 0.85, 0.95], downStabilizationSec: [60, 300, 900] },
    { onConcurrency: [1], targetRatio: [0.2, 0.35, 0.5, 0.75], downStabilizationSec: [300, 900] },
  ],
  create: createKedaPrometheus,
};

function createKedaPrometheus(options: BaselineOptions): ReturnType<BaselineFactory['create']> {
  const onConcurrency = (options.tuning?.['onConcurrency'] ?? RECOMMENDED.onConcurrency) > 0;
  const recommended = {
    ...RECOMMENDED,
    targetRatio: onConcurrency ? concurrencyTargetRatio(options.capacity) : RATE_TARGET_RATIO,
  };
  const { targetRatio, ...settings } = tunedSettings(recommended, options.tuning);
  const random = seededRandom(options.seed);
  const ageMs = drawPrometheusAgeMs(random);
  const { concurrency, requestsPerSec } = options.capacity;
  const targetMilli = milliOf(targetRatio * (onConcurrency ? concurrency : requestsPerSec));
  const read = (view: PlantView): KedaReading => {
    const value = onConcurrency ? inFlightAt(view, ageMs) : arrivalRateOf(view, ageMs);
    if (value === undefined) return { metricMilli: null, active: false, error: true };
    return { metricMilli: Math.round(value * 1000), active: onConcurrency ? !isTrace(value) : value > 0, error: false };
  };
  return makeKedaBaseline(options, { ...settings, trigger: { targetMilli, read }, random });
}

/** Metrics of the process host for Prometheus, on prom-client. */
import { Counter, Gauge, Registry, Summary, collectDefaultMetrics } from 'prom-client';
import type { Labels, Metrics } from '../../base/metrics.ts';

export type PrometheusMetrics = Metrics & {
  /** Text exposition of everything counted so far. */
  text(): Promise<string>;
};

const PREFIX = 'penstock_';
const PERCENTILES = [0.5, 0.9, 0.99];
/** Quantiles speak of the last ten minutes, so that an old incident does not hide a new one. */
const WINDOW_SEC = 600;
const WINDOW_BUCKETS = 5;

/** A metric is registered at its first use, with the label names of that use; later unknown labels are left out rather than lost with the count.
 *  What prom-client would throw at (no number, a counter going down) is left out, too: a figure never stops the loop. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const labelNames = new Map<string, readonly string[]>();

  const known = (name: string, labels: Labels): Labels => {
    const names = labelNames.get(name) ?? Object.keys(labels);
    labelNames.set(name, names);
    return Object.fromEntries(names.map((label) => [label, labels[label] ?? '']));
  };
  const options = (name: string): { name: string; help: string; labelNames: string[]; registers: Registry[] } => ({
    name: PREFIX + name,
    help: name.replaceAll('_', ' '),
    labelNames: [...(labelNames.get(name) ?? [])],
    registers: [registry],
  });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const summaries = new Map<string, Summary>();

  return {
    count: (name, by = 1, labels = {}) => {
      if (!Number.isFinite(by) || by < 0) return;
      const values = known(name, labels);
      const counter = counters.get(name) ?? new Counter(options(name));
      counters.set(name, counter);
      counter.inc(values, by);
    },
    gauge: (name, value, labels = {}) => {
      if (!Number.isFinite(value)) return;
      const values = known(name, labels);
      const gauge = gauges.get(name) ?? new Gauge(options(name));
      gauges.set(name, gauge);
      gauge.set(values, value);
    },
    observe: (name, value, labels = {}) => {
      if (!Number.isFinite(value)) return;
      const values = known(name, labels);
      const summary =
        summaries.get(name) ??
        new Summary({
          ...options(name),
          percentiles: PERCENTILES,
          maxAgeSeconds: WINDOW_SEC,
          ageBuckets: WINDOW_BUCKETS,
        });
      summaries.set(name, summary);
      summary.observe(values, value);
    },
    text: () => registry.metrics(),
  };
}

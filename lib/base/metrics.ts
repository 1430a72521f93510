/** Counters, gauges and timings by name. Names carry their unit (`ingest_events_total`, `evaluate_duration_ms`); labels are bounded sets. */

export type Labels = Readonly<Record<string, string>>;

export type Metrics = {
  /** Adds `by` (default 1) to a counter. */
  count(name: string, by?: number, labels?: Labels): void;
  /** Sets a gauge. */
  gauge(name: string, value: number, labels?: Labels): void;
  /** Adds one observation to a distribution. */
  observe(name: string, value: number, labels?: Labels): void;
};

/** Values kept in memory, readable by tests, the demo and `/status`. */
export type MetricsReader = {
  /** Sum of a counter over all labels that contain `labels`; 0 if never counted. */
  counter(name: string, labels?: Labels): number;
  /** Nearest-rank quantile over the last observations (at most {@link OBSERVATIONS_MAX}), undefined when there are none. */
  quantile(name: string, ratio: number): number | undefined;
};

/** Observations kept per name: enough for a p99 of a demo or a test, bounded for a long run. */
export const OBSERVATIONS_MAX = 10_000;

type Series = { readonly labels: Labels; value: number };

/** Metrics in memory. */
export function memoryMetrics(): Metrics & MetricsReader & { series(): ReadonlyMap<string, readonly Series[]> } {
  const byName = new Map<string, Map<string, Series>>();
  const observed = new Map<string, { values: number[]; next: number }>();

  const seriesOf = (name: string, labels: Labels): Series => {
    const family = byName.get(name) ?? new Map<string, Series>();
    byName.set(name, family);
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const series = family.get(key) ?? { labels, value: 0 };
    family.set(key, series);
    return series;
  };

  return {
    count: (name, by = 1, labels = {}) => {
      seriesOf(name, labels).value += by;
    },
    gauge: (name, value, labels = {}) => {
      seriesOf(name, labels).value = value;
    },
    observe: (name, value) => {
      const ring = observed.get(name) ?? { values: [], next: 0 };
      observed.set(name, ring);
      ring.values[ring.next] = value;
      ring.next = (ring.next + 1) % OBSERVATIONS_MAX;
    },
    counter: (name, labels = {}) => {
      let sum = 0;
      for (const series of byName.get(name)?.values() ?? []) {
        if (Object.entries(labels).every(([key, value]) => series.labels[key] === value)) sum += series.value;
      }
      return sum;
    },
    quantile: (name, ratio) => {
      const values = [...(observed.get(name)?.values ?? [])].toSorted((a, b) => a - b);
      return values[Math.min(values.length - 1, Math.max(0, Math.ceil(ratio * values.length) - 1))];
    },
    series: () => new Map([...byName].map(([name, family]) => [name, [...family.values()]])),
  };
}

/** Counts nowhere. */
export const noMetrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

/** Metrics of the functions, as log lines that CloudWatch turns into metrics (embedded metric format): no agent, no call, no permission. */
import type { Clock } from '../../base/clock.ts';
import type { Labels, Metrics } from '../../base/metrics.ts';

export type LambdaMetrics = Metrics & {
  /** Writes what was gathered since the last flush, one line per set of labels. Nothing gathered: nothing written. */
  flush(functionName: string): void;
};

const NAMESPACE = 'Penstock';

/** Values of one metric in one line: the format's own limit. Further ones of an invocation are left out. */
const VALUES_MAX = 100;

type Line = { readonly labels: Labels; readonly values: Map<string, number[]> };

/** Labels become dimensions, next to `function`. Gauges are sent as their last value, counters as their sum, distributions as all values. */
export function lambdaMetrics(options: { clock: Clock; write: (line: string) => void }): LambdaMetrics {
  let lines = new Map<string, Line>();
  const valuesOf = (name: string, labels: Labels): number[] => {
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const line = lines.get(key) ?? { labels, values: new Map<string, number[]>() };
    lines.set(key, line);
    const values = line.values.get(name) ?? [];
    line.values.set(name, values);
    return values;
  };
  return {
    count: (name, by = 1, labels = {}) => {
      const values = valuesOf(name, labels);
      values[0] = (values[0] ?? 0) + by;
    },
    gauge: (name, value, labels = {}) => {
      valuesOf(name, labels)[0] = value;
    },
    observe: (name, value, labels = {}) => {
      const values = valuesOf(name, labels);
      if (values.length < VALUES_MAX) values.push(value);
    },
    flush: (functionName) => {
      const gathered = lines;
      lines = new Map();
      for (const line of gathered.values()) {
        options.write(`${embedded(line, { functionName, nowMs: options.clock.nowMs() })}\n`);
      }
    },
  };
}

function embedded({ labels, values }: Line, at: { functionName: string; nowMs: number }): string {
  const names = [...values.keys()];
  return JSON.stringify({
    _aws: {
      Timestamp: at.nowMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['function', ...Object.keys(labels)]],
          Metrics: names.map((Name) => ({ Name, Unit: Name.endsWith('_ms') ? 'Milliseconds' : 'None' })),
        },
      ],
    },
    ...labels,
    function: at.functionName,
    ...Object.fromEntries([...values].map(([name, list]) => [name, list.length === 1 ? list[0] : list])),
  });
}

/** From `inference-load` events to the points of a rate trace, one series per workload. */
import type { InferenceLoad } from '../../../events/schema/inference-load.ts';

/** One interval of one workload. */
export type RecordedPoint = {
  readonly workload: string;
  /** Start of the interval [epoch ms]. */
  readonly startMs: number;
  readonly requestsPerSec: number;
  /** Tokens per request of this interval; null where nobody reported tokens or nothing arrived. */
  readonly meanInputTokens: number | null;
  readonly meanOutputTokens: number | null;
};

export type RecordingOptions = {
  /** Length of an interval [ms]; intervals start at its multiples. */
  readonly intervalMs: number;
  /** Intervals that start before are incomplete and left out [epoch ms]. */
  readonly fromMs: number;
  /** Only this workload; left out: all. */
  readonly workload?: string;
};

export type Recording = {
  /** Counts an event once: what its source has covered already is trimmed away. */
  add(event: InferenceLoad): void;
  /**
   * Points, in order of time per workload, whose interval ended `lateMs` before the newest event of their workload; by default those that can
   * change no more, with 0 all that are whole.
   */
  take(lateMs?: number): RecordedPoint[];
  counts(): { readonly events: number; readonly lateEvents: number; readonly workloadsLeftOut: number };
};

/** An event covers 60 s at most and is published right after; a batch of the bridge or a paused pod takes some more [ms]. */
const LATE_MS = 90_000;
/** Each is a file that grows. */
const WORKLOADS_MAX = 1_000;
/** Sources remembered for trimming, over all workloads. */
const SOURCES_MAX = 20_000;

/** What the sources of one class reported of one interval; a count is null until somebody reports it. */
type Sums = { arrived: number | null; completed: number | null; input: number | null; output: number | null };
type Cell = { readonly gateway: Sums; readonly pod: Sums };
type Series = {
  readonly cells: Map<number, Cell>;
  newestMs: number;
  takenMs: number;
  /** Tokens of requests that arrived before: they go to the next interval with an arrival, so that totals stay right. */
  carry: { input: number; output: number };
};

/** Adds up events. A gateway sees all arrivals, also when no pod exists: where one reports a count, that of the pods is not added. */
export function recording({ intervalMs, fromMs, workload }: RecordingOptions): Recording {
  const all = new Map<string, Series>();
  const heardMs = new Map<string, number>();
  const leftOut = new Set<string>();
  let [events, lateEvents] = [0, 0];

  const seriesOf = (name: string): Series | null => {
    const known = all.get(name);
    if (known !== undefined) return known;
    if (all.size >= WORKLOADS_MAX) {
      if (leftOut.size < WORKLOADS_MAX) leftOut.add(name);
      return null;
    }
    const made: Series = { cells: new Map(), newestMs: 0, takenMs: fromMs, carry: { input: 0, output: 0 } };
    all.set(name, made);
    return made;
  };

  return {
    add: (event) => {
      if (workload !== undefined && event.workload !== workload) return;
      const series = seriesOf(event.workload);
      if (series === null) return;
      events++;
      const startMs = Math.max(event.intervalStartMs, heardUntil(heardMs, event));
      if (startMs < series.takenMs && series.takenMs > fromMs) lateEvents++;
      addTo(series, { event, startMs: Math.max(startMs, series.takenMs), intervalMs });
      series.newestMs = Math.max(series.newestMs, event.intervalEndMs);
    },
    take: (lateMs = LATE_MS) =>
      [...all].flatMap(([name, series]) =>
        takenFrom(series, { untilMs: series.newestMs - lateMs, intervalMs }).map((point) => ({
          workload: name,
          ...point,
        })),
      ),
    counts: () => ({ events, lateEvents, workloadsLeftOut: leftOut.size }),
  };
}

/** End of what the source of this event had covered before; remembers the new end. */
function heardUntil(heardMs: Map<string, number>, event: InferenceLoad): number {
  const key = `${event.workload} ${event.source}`;
  const before = heardMs.get(key) ?? -Infinity;
  // The one heard longest ago goes first.
  heardMs.delete(key);
  heardMs.set(key, Math.max(before, event.intervalEndMs));
  const [oldest] = heardMs.keys();
  if (heardMs.size > SOURCES_MAX && oldest !== undefined) heardMs.delete(oldest);
  return before;
}

function addTo(
  series: Series,
  { event, startMs, intervalMs }: { event: InferenceLoad; startMs: number; intervalMs: number },
): void {
  const lengthMs = event.intervalEndMs - event.intervalStartMs;
  let fromMs = startMs;
  while (fromMs < event.intervalEndMs) {
    const index = Math.floor(fromMs / intervalMs);
    const toMs = Math.min(event.intervalEndMs, (index + 1) * intervalMs);
    addShare(cellOf(series.cells, index), { event, share: (toMs - fromMs) / lengthMs });
    fromMs = toMs;
  }
}

const NOTHING: Readonly<Sums> = { arrived: null, completed: null, input: null, output: null };

function cellOf(cells: Map<number, Cell>, index: number): Cell {
  const known = cells.get(index);
  if (known !== undefined) return known;
  const made = { gateway: { ...NOTHING }, pod: { ...NOTHING } };
  cells.set(index, made);
  return made;
}

function addShare(cell: Cell, { event, share }: { event: InferenceLoad; share: number }): void {
  const sums = event.source.startsWith('gateway/') ? cell.gateway : cell.pod;
  const { arrived, completed } = event.requests ?? {};
  const { input, output } = event.tokens ?? {};
  if (arrived !== undefined) sums.arrived = (sums.arrived ?? 0) + arrived * share;
  if (completed !== undefined) sums.completed = (sums.completed ?? 0) + completed * share;
  if (input !== undefined) sums.input = (sums.input ?? 0) + input * share;
  if (output !== undefined) sums.output = (sums.output ?? 0) + output * share;
}

function takenFrom(
  series: Series,
  { untilMs, intervalMs }: { untilMs: number; intervalMs: number },
): Omit<RecordedPoint, 'workload'>[] {
  const ready = [...series.cells.keys()].filter((index) => (index + 1) * intervalMs <= untilMs);
  return ready
    .toSorted((a, b) => a - b)
    .flatMap((index) => {
      const cell = series.cells.get(index);
      series.cells.delete(index);
      series.takenMs = (index + 1) * intervalMs;
      return cell === undefined ? [] : pointOf(cell, { series, startMs: index * intervalMs, intervalMs });
    });
}

/** Nothing where nobody counted requests: unknown is not zero. */
function pointOf(
  { gateway, pod }: Cell,
  { series, startMs, intervalMs }: { series: Series; startMs: number; intervalMs: number },
): Omit<RecordedPoint, 'workload'>[] {
  const requests = gateway.arrived ?? pod.arrived ?? gateway.completed ?? pod.completed;
  if (requests === null) return [];
  const [input, output] = [gateway.input ?? pod.input, gateway.output ?? pod.output];
  const { carry } = series;
  carry.input += input ?? 0;
  carry.output += output ?? 0;
  const requestsPerSec = requests / (intervalMs / 1000);
  if (requests === 0) return [{ startMs, requestsPerSec, meanInputTokens: null, meanOutputTokens: null }];
  const point = {
    startMs,
    requestsPerSec,
    meanInputTokens: input === null ? null : carry.input / requests,
    meanOutputTokens: output === null ? null : carry.output / requests,
  };
  series.carry = { input: 0, output: 0 };
  return [point];
}

/** Header of the files {@link csvLine} is for: a rate trace. */
export const RECORDING_HEADER = 't,rps,mean_in,mean_out';

function digits(value: number | null, count: number): string {
  return value === null ? '' : String(Number(value.toFixed(count)));
}

/** `t` in epoch seconds, rates with four digits after the point, mean lengths with one. */
export function csvLine({ startMs, requestsPerSec, meanInputTokens, meanOutputTokens }: RecordedPoint): string {
  return [startMs / 1000, digits(requestsPerSec, 4), digits(meanInputTokens, 1), digits(meanOutputTokens, 1)].join(',');
}

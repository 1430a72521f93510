/** A signal over time, and what each source said last: for the decision core, alerts and `explain`. */
import type { SignalName } from '../types.ts';
import { BUCKET_MS, type LoadWindow, RING_LENGTH, type WindowBucket } from './load-window.ts';
import { accumulatorsIn, bucketAt, SIGNALS, type SignalSource } from './signals.ts';

export type SeriesOptions = {
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Rounded up to whole buckets of 5 s. */
  readonly stepMs: number;
};

export type SeriesPoint = {
  /** Begin of the step, on a bucket's edge [epoch ms]. */
  readonly startMs: number;
  /** In the signal's unit; null when nothing was heard: unknown, not zero. */
  readonly value: number | null;
};

/** The signal in steps, oldest first. Of the classes that report it the preferred one is taken per step. The step that still runs is not complete. */
export function seriesOf(window: LoadWindow, signal: SignalName, options: SeriesOptions): readonly SeriesPoint[] {
  const stepLength = Math.max(1, Math.ceil(options.stepMs / BUCKET_MS));
  const lastIndex = Math.ceil(options.toMs / BUCKET_MS);
  const firstIndex = Math.max(Math.floor(options.fromMs / BUCKET_MS), lastIndex - 2 * RING_LENGTH);
  const points: SeriesPoint[] = [];
  for (let index = firstIndex; index < lastIndex; index += stepLength) {
    const buckets: WindowBucket[] = [];
    for (let at = index; at < Math.min(lastIndex, index + stepLength); at++) {
      const bucket = bucketAt(window, at);
      if (bucket !== undefined) buckets.push(bucket);
    }
    points.push({ startMs: index * BUCKET_MS, value: valueIn(SIGNALS[signal], buckets) });
  }
  return points;
}

function valueIn(source: SignalSource, buckets: readonly WindowBucket[]): number | null {
  for (const sourceClass of source.classes) {
    let [sum, max, coveredMs, wallMs] = [0, 0, 0, 0];
    for (const bucket of buckets) {
      const accumulators = accumulatorsIn(bucket, sourceClass);
      const partMs = accumulators?.[source.cover] ?? 0;
      if (accumulators === undefined || partMs === 0) continue;
      sum += accumulators[source.field];
      max = Math.max(max, accumulators[source.field]);
      coveredMs += partMs;
      wallMs += Math.min(BUCKET_MS, partMs);
    }
    if (coveredMs === 0) continue;
    if (source.kind === 'age') return max / 1_000;
    return source.kind === 'ratio' ? sum / 1_000 / coveredMs : sum / wallMs;
  }
  return null;
}

/** The largest step value of a signal, null when nothing was heard. */
export function peakOf(window: LoadWindow, signal: SignalName, options: SeriesOptions): number | null {
  let peak: number | null = null;
  for (const point of seriesOf(window, signal, options)) {
    if (point.value !== null && (peak === null || point.value > peak)) peak = point.value;
  }
  return peak;
}

export type SourceLoad = {
  /** In flight at its last report; null when it did not say. */
  readonly inFlight: number | null;
  readonly ready: boolean | null;
  /** End of its last interval [epoch ms]. */
  readonly lastEndMs: number;
};

/** What each source said last: tells idle pods. */
export function lastInFlightBySource(window: LoadWindow): ReadonlyMap<string, SourceLoad> {
  const bySource = new Map<string, SourceLoad>();
  for (const [name, mark] of window.sources) {
    const inFlight = mark.inFlightMilli < 0 ? null : mark.inFlightMilli / 1_000;
    bySource.set(name, { inFlight, ready: mark.ready, lastEndMs: mark.lastEndMs });
  }
  return bySource;
}

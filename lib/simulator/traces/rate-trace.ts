/** The series of a trace whose lines are rates. */
import { ConfigError } from '../../base/errors.ts';
import type { RateFormat, RateRow, RateSeries, RateUnit, ReadCounts, TraceOptions, TraceSource } from './contract.ts';
import { cutOf, nothingLeft } from './cut.ts';
import { firstLineOf, noCounts, rowsOf } from './rows.ts';

/** Two months at a point a second; some 200 MB [points]. */
const POINTS_MAX = 5_000_000;
/** Above so many spacings two points are a gap. */
const GAP_SPACINGS = 3;

const UNIT_SEC: Readonly<Record<Exclude<RateUnit, 'interval'>, number>> = { s: 1, min: 60, h: 3600 };

/**
 * Reads the whole series into memory. Throws ConfigError for a bad line, a rate without a unit, points that are not in strictly ascending order
 * of time, fewer than two or more than {@link POINTS_MAX} points.
 */
export async function readRateSeries(
  source: TraceSource,
  { format, options }: { format: RateFormat; options: TraceOptions },
): Promise<{ series: RateSeries; counts: ReadCounts }> {
  const unit = format.rateUnit(await firstLineOf(source), options);
  if (unit === null) {
    throw new ConfigError(
      `Cannot read trace "${source.name}": expected the unit of its rate column (--rate-unit s, min, h or interval), current value is unknown`,
    );
  }
  const counts = noCounts();
  const rows: RateRow[] = [];
  for await (const batch of rowsOf<RateRow>(source, { format, options, counts, lateMsMax: 0 })) {
    for (const row of batch) rows.push(row);
    if (rows.length > POINTS_MAX) {
      throw new ConfigError(
        `Cannot read trace "${source.name}": expected at most ${POINTS_MAX} points, current value is more`,
      );
    }
  }
  const series = seriesOf(rows, { unit, options, name: source.name });
  counts.rows = series.startMs.length;
  return { series, counts };
}

function seriesOf(
  rows: readonly RateRow[],
  { unit, options, name }: { unit: RateUnit; options: TraceOptions; name: string },
): RateSeries {
  const first = rows[0];
  if (first === undefined) throw nothingLeft(name, 0);
  const distances = distancesOf(rows, name);
  const spacingMs = distances.toSorted()[distances.length >>> 1] ?? 0;
  const cut = cutOf(options, { name, firstMs: first.timeMs });
  const endMs = Math.min(cut.toMs, (rows.at(-1)?.timeMs ?? 0) + spacingMs);
  // One point more on either side: the rate at the edges of the cut depends on them.
  const from = Math.max(
    0,
    rows.findLastIndex((row) => row.timeMs <= cut.fromMs),
  );
  const after = rows.findIndex((row) => row.timeMs >= endMs);
  const kept = rows.slice(from, after < 0 ? rows.length : after + 1);
  if (kept.length === 0 || endMs <= cut.fromMs) throw nothingLeft(name, rows.length);
  const perSec = (row: RateRow, index: number): number =>
    unit === 'interval' ? row.rate / ((distances[from + index] ?? spacingMs) / 1000) : row.rate / UNIT_SEC[unit];
  const hasLengths = kept.some((row) => row.meanInputTokens !== undefined);
  return {
    startMs: Float64Array.from(kept, (row) => row.timeMs - cut.baseMs),
    requestsPerSec: Float64Array.from(kept, perSec),
    meanInputTokens: hasLengths ? Float64Array.from(kept, (row) => row.meanInputTokens ?? NaN) : null,
    meanOutputTokens: hasLengths ? Float64Array.from(kept, (row) => row.meanOutputTokens ?? NaN) : null,
    spacingMs,
    endMs: endMs - cut.baseMs,
    gapCount: distances.filter((distanceMs) => distanceMs > GAP_SPACINGS * spacingMs).length,
  };
}

function distancesOf(rows: readonly RateRow[], name: string): Float64Array {
  if (rows.length < 2) {
    throw new ConfigError(
      `Cannot read trace "${name}": expected at least two points of a series, current value is ${rows.length}`,
    );
  }
  const distances = Float64Array.from(
    { length: rows.length - 1 },
    (_, at) => (rows[at + 1]?.timeMs ?? 0) - (rows[at]?.timeMs ?? 0),
  );
  const twice = distances.indexOf(0);
  if (twice >= 0) {
    throw new ConfigError(
      `Cannot read trace "${name}": expected one point per time, current value is two at ${(rows[twice]?.timeMs ?? 0) / 1000} s (point ${twice + 2})`,
    );
  }
  return distances;
}

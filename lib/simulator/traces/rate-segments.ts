/** A rate series with the noise that its points do not show, as pieces of constant rate. */
import type { Random } from '../../base/random.ts';
import type { RateSeries } from './contract.ts';
import { drawGamma } from '../draws.ts';

/** How much the rate differs from minute to minute around a smooth series: the standard deviation as a share of the rate, or the index of dispersion of the counts per minute. */
export type MinuteNoise = { readonly ratio: number } | { readonly dispersion: number };

/** Constant rate from `startMs` to `endMs`. Lengths are NaN where the series has none. */
export type RateSegment = {
  readonly startMs: number;
  readonly endMs: number;
  readonly requestsPerMs: number;
  readonly meanInputTokens: number;
  readonly meanOutputTokens: number;
};

export type SegmentOptions = {
  readonly random: Random;
  /** Multiplies every rate; the noise stays the same share of it. */
  readonly scale: number;
  readonly minuteNoise: MinuteNoise;
};

/** Points up to this far apart show the noise themselves [ms]. */
const MEASURED_SPACING_MS = 60_000;
/** Points from this far apart hide bursts [ms]. */
const COARSE_SPACING_MS = 1_800_000;
/** Cell and Gamma shape of coarse series: an assumption, burstier than a smooth curve by far. */
const COARSE_CELL_MS = 300_000;
const COARSE_SHAPE = 0.5;
const MINUTE_MS = 60_000;

/**
 * Pieces in order of time, from 0 to the end of the series, by the distance of its points:
 * up to 1 min: as it is, each point holds until the next; below 30 min: interpolated between the points, each minute times a Gamma of mean 1 with
 * `minuteNoise`; from 30 min on: each point holds, each 5 minutes times a Gamma of mean 1 and shape 0.5.
 */
export function* segmentsOf(series: RateSeries, options: SegmentOptions): Generator<RateSegment> {
  const cells = series.spacingMs <= MEASURED_SPACING_MS ? pointCells(series) : evenCells(series);
  const noise = noiseOf(series, options);
  const interpolated = series.spacingMs > MEASURED_SPACING_MS && series.spacingMs < COARSE_SPACING_MS;
  let at = 0;
  for (const [startMs, endMs] of cells) {
    const middleMs = (startMs + endMs) / 2;
    while (at + 1 < series.startMs.length && (series.startMs[at + 1] ?? Infinity) <= middleMs) at++;
    const perSec = interpolated ? between(series, at, middleMs) : (series.requestsPerSec[at] ?? 0);
    yield {
      startMs,
      endMs,
      requestsPerMs: (perSec / 1000) * options.scale * noise(),
      meanInputTokens: series.meanInputTokens?.[at] ?? NaN,
      meanOutputTokens: series.meanOutputTokens?.[at] ?? NaN,
    };
  }
}

function* pointCells({ startMs, endMs }: RateSeries): Generator<readonly [number, number]> {
  for (let at = 0; at < startMs.length; at++) {
    const [start, end] = [Math.max(0, startMs[at] ?? 0), Math.min(endMs, startMs[at + 1] ?? endMs)];
    if (start < end) yield [start, end];
  }
}

function* evenCells({ spacingMs, endMs }: RateSeries): Generator<readonly [number, number]> {
  const cellMs = spacingMs < COARSE_SPACING_MS ? MINUTE_MS : COARSE_CELL_MS;
  for (let startMs = 0; startMs < endMs; startMs += cellMs) yield [startMs, Math.min(endMs, startMs + cellMs)];
}

function noiseOf(series: RateSeries, { random, minuteNoise }: SegmentOptions): () => number {
  if (series.spacingMs <= MEASURED_SPACING_MS) return () => 1;
  if (series.spacingMs >= COARSE_SPACING_MS) return () => drawGamma(random, COARSE_SHAPE);
  const ratio = noiseRatio(minuteNoise, meanPerSec(series) * 60);
  return ratio > 0 ? () => drawGamma(random, 1 / (ratio * ratio)) : () => 1;
}

/** A count of mean m times a factor of mean 1 and deviation r has variance m + r²m², so its index of dispersion is 1 + r²m. */
export function noiseRatio(noise: MinuteNoise, requestsPerMin: number): number {
  if ('ratio' in noise) return Math.max(0, noise.ratio);
  return requestsPerMin > 0 ? Math.sqrt(Math.max(0, noise.dispersion - 1) / requestsPerMin) : 0;
}

/** Mean of the points [1/s]. */
export function meanPerSec({ requestsPerSec }: RateSeries): number {
  return requestsPerSec.reduce((sum, each) => sum + each, 0) / Math.max(1, requestsPerSec.length);
}

/** Linear between the points; the first and the last hold outside. */
function between({ startMs, requestsPerSec }: RateSeries, at: number, timeMs: number): number {
  const [left, right] = [requestsPerSec[at] ?? 0, requestsPerSec[at + 1]];
  const [leftMs, rightMs] = [startMs[at] ?? 0, startMs[at + 1]];
  if (right === undefined || rightMs === undefined || timeMs <= leftMs) return left;
  return left + ((right - left) * (timeMs - leftMs)) / (rightMs - leftMs);
}

/** Requests of any trace: recorded ones as they are, thinned or multiplied; those of a rate series drawn. */
import { ConfigError } from '../../base/errors.ts';
import { seededRandom, type Random } from '../../base/random.ts';
import type { TraceRequest } from '../plant/contract.ts';
import { inBatches } from './batches.ts';
import type { RateTrace, RequestBatches, Trace } from './contract.ts';
import { defaultLengthPool, drawLengths, type LengthPool } from './lengths.ts';
import { overlaid } from './overlay.ts';
import { segmentsOf, type MinuteNoise } from './rate-segments.ts';
import { scaled } from './scaled.ts';

export type RequestsOptions = {
  /** Any integer; the same seed gives the same requests. */
  readonly seed: number;
  /** Times the recorded traffic; above 0, default 1. */
  readonly scale?: number;
  /** For recorded requests: so many copies of the trace at once, 1 to 100, shifted by random hours; see `overlaid`. Default 1. */
  readonly overlay?: number;
  /** For rate series: where lengths are drawn from. Default: {@link defaultLengthPool}. */
  readonly lengths?: LengthPool;
  /** For rate series of points 1 to 30 minutes apart. Default {@link MINUTE_NOISE}. */
  readonly minuteNoise?: MinuteNoise;
};

/** 9 %: what a large code-completion service shows around its smooth curve. Counts of 4,000 a minute then have an index of dispersion of 33. */
export const MINUTE_NOISE: MinuteNoise = { ratio: 0.09 };

/** More than any replay needs, and a mistyped scale is not a run for ever. */
const SCALE_MAX = 10_000;

/** One stream per concern: another length mix leaves the arrivals as they were. */
export type TraceRandoms = {
  readonly noise: Random;
  readonly arrivals: Random;
  readonly lengths: Random;
  readonly copies: Random;
  readonly shifts: Random;
};

export function traceRandoms(seed: number): TraceRandoms {
  // Spread over the generator's cycle of 2^32 draws, also for seeds that follow each other.
  const stream = (index: number): Random => seededRandom(Math.imul(seed, 0x9e3779b1) + Math.imul(index, 0x3c6ef372));
  return { noise: stream(1), arrivals: stream(2), lengths: stream(3), copies: stream(4), shifts: stream(5) };
}

/**
 * The requests of a trace in order of time. Recorded ones: below scale 1 thinned, above it multiplied (`scaled`). Rate series: Poisson within each
 * piece of `segmentsOf`, lengths drawn jointly from the pool (stretched to the series' mean lengths where it has them). Throws ConfigError for
 * a scale or a number of copies out of range.
 */
export function requestsOf(trace: Trace, options: RequestsOptions): AsyncIterable<TraceRequest> {
  return oneByOne(requestBatchesOf(trace, options));
}

/** The same in batches: several times faster where they are only added up. */
export function requestBatchesOf(trace: Trace, options: RequestsOptions): RequestBatches {
  const scale = checkedScale(options.scale);
  if (trace.kind === 'rate') return inBatches(generated(trace, { ...options, scale }));
  const { copies, shifts } = traceRandoms(options.seed);
  const requests = overlaid(trace, { copies: options.overlay ?? 1, random: shifts });
  return scale === 1 ? requests : scaled(requests, { scale, random: copies });
}

/** Throws ConfigError unless 0 < scale ≤ {@link SCALE_MAX}. Default 1. */
export function checkedScale(scale: number | undefined): number {
  if (scale === undefined) return 1;
  if (scale > 0 && scale <= SCALE_MAX) return scale;
  throw new ConfigError(
    `Cannot scale a trace: expected a factor above 0 and at most ${SCALE_MAX}, current value is ${scale}`,
  );
}

async function* oneByOne(batches: RequestBatches): AsyncGenerator<TraceRequest> {
  for await (const batch of batches) for (const request of batch) yield request;
}

function* generated(trace: RateTrace, options: RequestsOptions & { scale: number }): Generator<TraceRequest> {
  const randoms = traceRandoms(options.seed);
  const pool = options.lengths ?? defaultLengthPool();
  const minuteNoise = options.minuteNoise ?? MINUTE_NOISE;
  for (const segment of segmentsOf(trace.series, { random: randoms.noise, scale: options.scale, minuteNoise })) {
    // Exponential gaps have no memory, so each piece may begin anew.
    const gapMs = (): number => -Math.log(1 - randoms.arrivals()) / segment.requestsPerMs;
    for (let arrivalMs = segment.startMs + gapMs(); arrivalMs < segment.endMs; arrivalMs += gapMs()) {
      yield { arrivalMs, ...drawLengths(randoms.lengths, pool, segment) };
    }
  }
}

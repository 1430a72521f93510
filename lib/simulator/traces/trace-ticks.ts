/** From a trace to ticks, for long rate series without making each request. */
import type { RateTrace, Trace } from './contract.ts';
import { drawPoisson } from '../draws.ts';
import { lengthTotals } from './length-totals.ts';
import { defaultLengthPool } from './lengths.ts';
import { meanPerSec, segmentsOf } from './rate-segments.ts';
import { checkedScale, MINUTE_NOISE, requestBatchesOf, traceRandoms, type RequestsOptions } from './requests-of.ts';
import { tickSums, ticksOf, type TickColumns, type TickOptions } from './ticks.ts';

/** Some two seconds of drawing [requests]. */
const REQUESTS_DRAWN_MAX = 2_000_000;

export type TraceTicks = TickColumns & {
  /** `requests`: the sum of single requests. `counts`: drawn per tick. */
  readonly method: 'requests' | 'counts';
};

/**
 * Ticks of a trace: of its requests, as `requestsOf` gives them; or, for a rate series of more than `requestsDrawnMax` requests (default
 * {@link REQUESTS_DRAWN_MAX}), of counts. Both have the same noisy rates for a seed, but not the same requests. Counts are Poisson (Gaussian from
 * a mean of 30); their lengths as `length-totals.ts` says.
 */
export async function ticksOfTrace(
  trace: Trace,
  options: RequestsOptions & TickOptions & { readonly requestsDrawnMax?: number },
): Promise<TraceTicks> {
  const limit = options.requestsDrawnMax ?? REQUESTS_DRAWN_MAX;
  if (trace.kind === 'rate' && expectedRequests(trace, options) > limit) {
    return { ...countTicks(trace, options), method: 'counts' };
  }
  const endMs = options.endMs ?? (trace.kind === 'rate' ? trace.series.endMs : 0);
  return { ...(await ticksOf(requestBatchesOf(trace, options), { ...options, endMs })), method: 'requests' };
}

function expectedRequests({ series }: RateTrace, options: RequestsOptions): number {
  return ((meanPerSec(series) * series.endMs) / 1000) * checkedScale(options.scale);
}

function countTicks({ series }: RateTrace, options: RequestsOptions & TickOptions): TickColumns {
  const { seed, tickMs, workOf } = options;
  const randoms = traceRandoms(seed);
  const sums = tickSums(tickMs);
  const totals = lengthTotals(options.lengths ?? defaultLengthPool(), { workOf, random: randoms.lengths });
  const segments = segmentsOf(series, {
    random: randoms.noise,
    scale: checkedScale(options.scale),
    minuteNoise: options.minuteNoise ?? MINUTE_NOISE,
  });
  for (const segment of segments) {
    for (let startMs = segment.startMs; startMs < segment.endMs;) {
      const endMs = Math.min(segment.endMs, (Math.floor(startMs / tickMs) + 1) * tickMs);
      const requests = drawPoisson(randoms.arrivals, segment.requestsPerMs * (endMs - startMs));
      if (requests > 0) sums.add(startMs, { requests, ...totals(requests, segment) });
      startMs = endMs;
    }
  }
  return sums.columns(options.endMs ?? series.endMs);
}

/** How long requests are, for series that only say how many there are. */
import { ConfigError } from '../../base/errors.ts';
import { seededRandom, type Random } from '../../base/random.ts';
import type { RequestTrace } from './contract.ts';
import { drawNormal } from '../draws.ts';

/** Requests to draw from, jointly: input and output of one request belong together. Columns of equal length, never empty. */
export type LengthPool = {
  readonly inputTokens: Float64Array;
  readonly outputTokens: Float64Array;
  /** Of single-item GPU work [s]; null elsewhere. */
  readonly execSec: Float64Array | null;
  readonly meanInputTokens: number;
  readonly meanOutputTokens: number;
};

export type Lengths = { readonly inputTokens: number; readonly outputTokens: number; readonly execSec?: number };

/** Means of the draw are within half a percent for any recorded mix, at 2.4 MB [requests]. */
const POOL_MAX = 100_000;

/** A sample of the trace's requests, each with the same chance (reservoir sampling); all of them if there are few enough. */
export async function lengthPoolOf(trace: RequestTrace, { seed }: { readonly seed: number }): Promise<LengthPool> {
  const random = seededRandom(seed);
  const kept: Lengths[] = [];
  let seen = 0;
  for await (const batch of trace.batches()) {
    for (const request of batch) {
      seen++;
      const slot = kept.length < POOL_MAX ? kept.length : Math.floor(random() * seen);
      if (slot < POOL_MAX) kept[slot] = request;
    }
  }
  return poolOf(kept);
}

/** A pool of these requests. Throws ConfigError when there are none. */
export function poolOf(requests: readonly Lengths[]): LengthPool {
  if (requests.length === 0)
    throw new ConfigError('Cannot draw lengths: expected at least one request, current value is 0');
  const inputTokens = Float64Array.from(requests, (request) => request.inputTokens);
  const outputTokens = Float64Array.from(requests, (request) => request.outputTokens);
  return {
    inputTokens,
    outputTokens,
    execSec: requests[0]?.execSec === undefined ? null : Float64Array.from(requests, ({ execSec }) => execSec ?? 0),
    meanInputTokens: meanOf(inputTokens),
    meanOutputTokens: meanOf(outputTokens),
  };
}

/** Without a recorded mix: a chat service, some 1,000 tokens in and 200 out in the mean, both lognormal. An assumption, to be named in a report. */
const DEFAULT_MIX = {
  count: 20_000,
  seed: 1,
  input: { median: 610, sigma: 1, max: 32_768 },
  output: { median: 150, sigma: 0.75, max: 4_096 },
};

/** The stated default mix; the same in every run. */
export function defaultLengthPool(): LengthPool {
  const random = seededRandom(DEFAULT_MIX.seed);
  const draw = ({ median, sigma, max }: { median: number; sigma: number; max: number }): number =>
    Math.min(max, Math.max(1, Math.round(median * Math.exp(sigma * drawNormal(random)))));
  return poolOf(
    Array.from({ length: DEFAULT_MIX.count }, () => ({
      inputTokens: draw(DEFAULT_MIX.input),
      outputTokens: draw(DEFAULT_MIX.output),
    })),
  );
}

/** Mean lengths to reach [tokens]; NaN: the pool's own. */
export type MeanLengths = { readonly meanInputTokens: number; readonly meanOutputTokens: number };

/** One request of the pool, stretched so that the pool's means become those wanted; rounded, at least 1 where the pool's is. */
export function lengthsAt(pool: LengthPool, index: number, means: MeanLengths): Lengths {
  const inputTokens = stretched(pool.inputTokens[index] ?? 0, means.meanInputTokens / pool.meanInputTokens);
  const outputTokens = stretched(pool.outputTokens[index] ?? 0, means.meanOutputTokens / pool.meanOutputTokens);
  const execSec = pool.execSec?.[index];
  return execSec === undefined ? { inputTokens, outputTokens } : { inputTokens, outputTokens, execSec };
}

/** Any request of the pool, as {@link lengthsAt} gives it. */
export function drawLengths(random: Random, pool: LengthPool, means: MeanLengths): Lengths {
  return lengthsAt(pool, Math.floor(random() * pool.inputTokens.length), means);
}

function stretched(tokens: number, ratio: number): number {
  // A pool of mean 0 cannot be stretched; NaN is "as it is".
  return Number.isFinite(ratio) ? Math.max(Math.min(tokens, 1), Math.round(tokens * ratio)) : tokens;
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One sample of a tick from the samples of its parts. */
import { assert } from '../../base/assert.ts';
import type { LoadSample } from '../baselines/contract.ts';
import { firstTokensOfBoth } from '../plant/requests/first-tokens.ts';
import type { FirstTokens } from '../plant/requests/first-tokens.ts';

/** A sample and the time it covers [ms], > 0. */
export type SamplePart = { readonly spanMs: number; readonly sample: LoadSample };

/** Means over the time of all parts, in order; KV use is weighted with the ready replicas it is a mean of, which are those of the last part. At least one part. */
export function joinedSample(parts: readonly SamplePart[]): LoadSample {
  const last = parts.at(-1)?.sample;
  assert(last !== undefined, 'a tick has at least one part');
  if (parts.length === 1) return last;
  const spanMs = parts.reduce((sum, part) => sum + part.spanMs, 0);
  const mean = (of: (sample: LoadSample) => number): number =>
    parts.reduce((sum, part) => sum + of(part.sample) * part.spanMs, 0) / spanMs;
  const readyMean = mean((sample) => sample.readyReplicas);
  const ttftMs = parts.reduce<FirstTokens | undefined>(
    (all, { sample }) => firstTokensOfBoth(all, sample.ttftMs),
    undefined,
  );
  return {
    atMs: last.atMs,
    arrivalsPerSec: mean((sample) => sample.arrivalsPerSec),
    completedPerSec: mean((sample) => sample.completedPerSec),
    running: mean((sample) => sample.running),
    queued: mean((sample) => sample.queued),
    inputTokensPerSec: mean((sample) => sample.inputTokensPerSec),
    outputTokensPerSec: mean((sample) => sample.outputTokensPerSec),
    kvRatio: readyMean > 0 ? mean((sample) => sample.kvRatio * sample.readyReplicas) / readyMean : 0,
    readyReplicas: last.readyReplicas,
    ...(ttftMs === undefined ? {} : { ttftMs }),
  };
}

/** What model servers report, rebuilt from the means of a sample: every ready replica gets its even share. */
import type { LoadSample, PodView, ReplicaCapacity } from './contract.ts';

/** Mean tokens of a request. Work without tokens counts one prompt token per request, so that shares stay shares. */
export type RequestTokens = { readonly input: number; readonly output: number };

/** Of the trace's mean request, from what one replica was measured to do. */
export function requestTokensOf(capacity: ReplicaCapacity): RequestTokens {
  const rate = capacity.requestsPerSec;
  const input = rate > 0 ? capacity.inputTokensPerSec / rate : 0;
  const output = rate > 0 ? capacity.outputTokensPerSec / rate : 0;
  return input + output > 0 ? { input, output } : { input: 1, output: 0 };
}

/** Context that a running request holds on average: its prompt and half of its output [tokens]. */
export function contextTokensOf({ input, output }: RequestTokens): number {
  return input + output / 2;
}

/** KV memory of one replica [tokens]; where it does not bind, what its slots hold. */
export function kvTokensOf(capacity: ReplicaCapacity): number {
  const known = capacity.kvTokens;
  if (known !== undefined && Number.isFinite(known) && known > 0) return known;
  return Math.max(1, capacity.slots * contextTokensOf(requestTokensOf(capacity)));
}

/** KV memory in use on one ready replica [tokens]: as reported, or from its requests where nothing is reported. */
export function tokensInUseOf(sample: LoadSample, capacity: ReplicaCapacity): number {
  if (sample.readyReplicas === 0) return 0;
  if (sample.kvRatio > 0 && capacity.kvTokens !== undefined) return sample.kvRatio * kvTokensOf(capacity);
  return (sample.running / sample.readyReplicas) * contextTokensOf(requestTokensOf(capacity));
}

/** Whole requests over `count` replicas, as even as can be, the first ones taking the rest. */
export function spreadRequests(requests: number, count: number): number[] {
  const whole = Math.round(requests);
  const each = Math.floor(whole / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => each + (index < whole - each * count ? 1 : 0));
}

/** Pods that were ready at `atMs` and still are. */
export function readyAt(pods: readonly PodView[], atMs: number): readonly PodView[] {
  return pods.filter(({ readyMs }) => readyMs !== null && readyMs <= atMs);
}

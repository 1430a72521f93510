/** Times to first token as a model server reports them: counts by bound. */

/** HTTP and tokenising, before and after the server [ms]. */
export const OVERHEAD_MS = 15;

/** Counts between ascending bounds [ms], one more than bounds: the last is of all above. */
export type FirstTokens = { readonly bounds: readonly number[]; readonly counts: readonly number[] };

/** The bounds of vLLM's `time_to_first_token_seconds` from 10 ms to 160 s. Source: vLLM 0.33.0, `vllm/v1/metrics/loggers.py`. */
export const FIRST_TOKEN_BOUNDS_MS: readonly number[] = [
  10, 20, 40, 60, 80, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000, 20_000, 40_000, 80_000, 160_000,
];

function none(): number[] {
  return Array.from({ length: FIRST_TOKEN_BOUNDS_MS.length + 1 }, () => 0);
}

/** Counts first tokens until they are taken. */
export function createFirstTokens(): {
  add(job: { readonly arrivalMs: number }, atMs: number): void;
  take(): FirstTokens;
} {
  let counts = none();
  return {
    add: ({ arrivalMs }, atMs) => {
      const ttftMs = atMs - arrivalMs + OVERHEAD_MS;
      const found = FIRST_TOKEN_BOUNDS_MS.findIndex((bound) => ttftMs <= bound);
      const bin = found < 0 ? FIRST_TOKEN_BOUNDS_MS.length : found;
      counts[bin] = (counts[bin] ?? 0) + 1;
    },
    take: () => {
      const taken = { bounds: FIRST_TOKEN_BOUNDS_MS, counts };
      counts = none();
      return taken;
    },
  };
}

/** All of two, counted by the same bounds; undefined where neither was counted. */
export function firstTokensOfBoth(
  one: FirstTokens | undefined,
  other: FirstTokens | undefined,
): FirstTokens | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return { bounds: one.bounds, counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)) };
}

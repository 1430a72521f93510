/** Waits for what a real process does in its own time. */

/** A quiet machine needs a second for most of what is waited for here; controllers that have lost their API server come back within half a minute. */
const DEADLINE_MS = 120_000;
/** A real server is not to be kept busy by looking at it [ms]. */
const POLL_MS_MAX = 100;

/** Polls until `probe` gives a value; throws at the deadline. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  let waitMs = 10;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(waitMs * 1.5, POLL_MS_MAX);
  }
}

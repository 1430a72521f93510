/** What tests ask about real processes. */
import { systemClock } from '../../../lib/base/clock.ts';

/** How long a condition may take on a busy machine [ms]. */
const UNTIL_MS_MAX = 120_000;

/** Resolves when `condition` holds; one that throws does not hold yet. Throws after two minutes. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const startMs = systemClock.monotonicMs();
  for (;;) {
    const holds = await Promise.resolve()
      .then(condition)
      .catch(() => false);
    if (holds) return;
    if (systemClock.monotonicMs() - startMs > UNTIL_MS_MAX)
      throw new Error(`not true after ${UNTIL_MS_MAX} ms: ${condition.toString()}`);
    await systemClock.sleep(10);
  }
}

/** True when no process of the group `pid` (a server and its guard) is left. */
export function groupIsGone(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return false;
  } catch {
    return true;
  }
}

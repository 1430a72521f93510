/** Pauses between attempts. */
import type { Random } from '../base/random.ts';

/** `firstMs` doubled with every failure, at most `maxMs`, times a random factor of 0.5 to 1, so that many clients do not come back at once [ms]. */
export function backoffMs(
  failures: number,
  { firstMs, maxMs, random }: { readonly firstMs: number; readonly maxMs: number; readonly random: Random },
): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(failures, 30)) * (0.5 + random() / 2);
}

/** What must hold of sizes before any provider is told of them. */
import { assert } from '../base/assert.ts';
import { ConflictError } from '../base/errors.ts';

export type Sizes = { readonly min: number; readonly max: number; readonly desired: number };

/** A bug of the caller when it fails: 0 ≤ min ≤ desired ≤ max, whole, room for one. */
export function assertSizes({ min, max, desired }: Sizes): void {
  assert(
    [min, max, desired].every(Number.isSafeInteger) && min >= 0 && min <= desired && desired <= max && max >= 1,
    `0 <= min ${min} <= desired ${desired} <= max ${max}`,
  );
}

/** Lowers only what was never delivered: at least one more than the instances there are stays asked for. Throws ConflictError. */
export function refuseDelivered(
  what: string,
  sizes: { readonly current: number; readonly desired: number; readonly instances: number },
): void {
  const { current, desired, instances } = sizes;
  if (desired <= current && desired > instances) return;
  throw new ConflictError(
    `Cannot ${what}: expected a desired size from ${instances + 1} (the instances there are, and one) to ${current}, current value is ${desired}`,
  );
}

/** A lowered desired size lets the cloud choose the victim, so it is refused whatever the caller thinks it read. Throws ConflictError. */
export function refuseLower(what: string, sizes: { readonly current: number; readonly desired: number }): void {
  if (sizes.desired >= sizes.current) return;
  throw new ConflictError(
    `Cannot ${what}: expected a desired size of at least ${sizes.current}, current value is ${sizes.desired}`,
  );
}

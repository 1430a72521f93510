/** The one number that every target is given. */
import { ConfigError } from '../base/errors.ts';

/** Throws ConfigError unless `count` is an integer of 0 or more; `what` completes `Cannot …`. */
export function checkedCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new ConfigError(`Cannot ${what}: expected a count of 0 or more, current value is ${count}`);
}

/** Invariants that stay on in production. */

/** Thrown by {@link assert}: a bug of ours, not an operating condition. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws {@link AssertionError} when `condition` is false. `message` says what must hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(`Invariant broken: ${message}`);
}

/** Marks a branch that the types exclude. */
export function unreachable(value: never): never {
  throw new AssertionError(`Invariant broken: unexpected value ${JSON.stringify(value)}`);
}

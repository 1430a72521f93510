/** Exponential means. */

/** How far a mean with the time constant `constantMs` > 0 moves towards a value that held for `dtMs`: 0..1, 0 for no time. */
export function shareOf(dtMs: number, constantMs: number): number {
  return dtMs <= 0 ? 0 : 1 - Math.exp(-dtMs / constantMs);
}

/** The time constant of a mean that is `ageMs` old: a young one is over its own age. */
export function constantAt(constantMs: number, age: { readonly dtMs: number; readonly ageMs: number }): number {
  return Math.min(constantMs, Math.max(age.dtMs, age.ageMs));
}

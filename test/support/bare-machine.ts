import type { Machine } from '../../lib/local/fetch/machine.ts';

/** A machine that has nothing but Node. */
export const bare: Machine = {
  javaMajor: undefined,
  hasMaven: false,
  python: undefined,
  hasApt: false,
  hasDpkgDeb: false,
  isRoot: false,
  redisServer: undefined,
};

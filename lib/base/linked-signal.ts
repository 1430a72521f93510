/** A signal for one piece of work that ends when a long-lived one does. */
import { setMaxListeners } from 'node:events';

export type LinkedSignal = {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** Lets go of the other signal; to be called when the work is over. */
  readonly release: () => void;
};

/** Twice as many pods as are asked at once: Node takes more than ten listeners for a leak and says so on standard error. */
const LINKED_MAX = 128;

/** By hand instead of with `AbortSignal.any`, which leaves something behind in the long-lived signal for every one made. */
export function linkedSignal(outer: AbortSignal): LinkedSignal {
  const own = new AbortController();
  const abort = (): void => own.abort();
  if (outer.aborted) abort();
  setMaxListeners(LINKED_MAX, outer);
  outer.addEventListener('abort', abort, { once: true });
  return { signal: own.signal, abort, release: () => outer.removeEventListener('abort', abort) };
}

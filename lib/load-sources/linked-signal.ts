/** A signal for one piece of work that ends when a long-lived one does. */

export type LinkedSignal = {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** Lets go of the other signal; to be called when the work is over. */
  readonly release: () => void;
};

/** By hand instead of with `AbortSignal.any`, which leaves something behind in the long-lived signal for every one made. */
export function linkedSignal(outer: AbortSignal): LinkedSignal {
  const own = new AbortController();
  const abort = (): void => own.abort();
  if (outer.aborted) abort();
  outer.addEventListener('abort', abort, { once: true });
  return { signal: own.signal, abort, release: () => outer.removeEventListener('abort', abort) };
}

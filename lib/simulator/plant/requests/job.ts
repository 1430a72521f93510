/** A request on its way through the plant. */
import type { TraceRequest } from '../contract.ts';

/** Times [ms] and steps are Infinity until they are known. */
export type Job = {
  readonly arrivalMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Serial classes: how long it takes [ms]. */
  readonly execMs: number;
  firstTokenMs: number;
  /** Prompt tokens still to be processed. */
  promptLeft: number;
  /** Number of the server's step that gives its last token. */
  lastStep: number;
};

/** A request as a job. Lengths count as at least one token. */
export function jobOf(request: TraceRequest, at: { readonly startMs: number; readonly execSec: number }): Job {
  const inputTokens = Math.max(1, request.inputTokens);
  return {
    arrivalMs: at.startMs + request.arrivalMs,
    inputTokens,
    outputTokens: Math.max(1, request.outputTokens),
    execMs: (request.execSec ?? at.execSec) * 1000,
    firstTokenMs: Infinity,
    promptLeft: inputTokens,
    lastStep: Infinity,
  };
}

/** The evaluate function: full evaluations, on the schedule's tick in rounds, when woken once. */
import { TransientError, messageOf } from '../../base/errors.ts';
import type { EvaluateDeps } from '../../loop/deps.ts';
import type { EvaluateRequest, EvaluateResult } from '../../loop/evaluate/evaluate.ts';
import { ANSWER_MARGIN_MS, withinMs, workMs } from './lambda.ts';
import type { LambdaContext, LambdaHandler } from './lambda.ts';
import { isWake, wokenWorkloads } from './wake.ts';
import type { CollectingWake } from './wake.ts';

export type EvaluateParts = {
  readonly deps: Pick<EvaluateDeps, 'clock' | 'log' | 'metrics' | 'queue'> & {
    readonly state: Pick<EvaluateDeps['state'], 'outbox'>;
  };
  readonly evaluate: (request: EvaluateRequest) => Promise<EvaluateResult>;
  readonly wake: CollectingWake;
  /** Between the starts of two rounds [ms]. */
  readonly everyMs: number;
};

export type EvaluateAnswer = { readonly rounds: number; readonly failedRounds: number };

/** A round that takes longer than this is given up [ms]: the next one starts from fresh data, and two plans never mix (compare-and-set). */
const ROUND_MS_MAX = 15_000;

/**
 * Handles the tick, in rounds every `everyMs` until the function's time is nearly over (EventBridge cannot tick faster than once a minute), or a wake, with
 * one round over the pools of the named workloads. A failed round is logged and the next one tried; throws when every round failed, so that the error
 * shows in Lambda's metrics. After each round, jobs and messages that still wait have their function woken: the net under every lost wake.
 */
export function evaluateHandler(build: () => Promise<EvaluateParts>): LambdaHandler<EvaluateAnswer> {
  return async (event, context) => {
    const parts = await build();
    const workloads = wokenWorkloads(event);
    const request: EvaluateRequest = { kind: 'full', ...(workloads === undefined ? {} : { workloads }) };
    const failures: string[] = [];
    let rounds = 0;
    for (;;) {
      const startedMs = parts.deps.clock.monotonicMs();
      const failure = await round(parts, { request, context });
      rounds++;
      if (failure !== undefined) failures.push(failure);
      if (isWake(event)) break;
      const restMs = Math.max(0, parts.everyMs - (parts.deps.clock.monotonicMs() - startedMs));
      // A round that could not be finished is not begun.
      if (workMs(context, restMs + Math.min(parts.everyMs, ROUND_MS_MAX) + ANSWER_MARGIN_MS) === 0) break;
      await parts.deps.clock.sleep(restMs);
    }
    if (failures.length === rounds) throw new TransientError(`Cannot evaluate: ${failures.at(-1) ?? 'unknown'}`);
    return { rounds, failedRounds: failures.length };
  };
}

/** Returns what went wrong, undefined when nothing did. */
async function round(
  parts: EvaluateParts,
  { request, context }: { request: EvaluateRequest; context: LambdaContext },
): Promise<string | undefined> {
  const { deps } = parts;
  try {
    const ms = Math.min(ROUND_MS_MAX, workMs(context));
    const outcome = await withinMs(evaluateAndSweep(parts, request), { clock: deps.clock, ms });
    await parts.wake.flush();
    if (outcome.kind === 'late') return failed(parts, `expected a round within ${ms} ms`);
    return outcome.value.failed.length === 0 || outcome.value.failed.length < outcome.value.pools.length
      ? undefined
      : outcome.value.failed.map(({ pool, reason }) => `${pool}: ${reason}`).join('; ');
  } catch (error) {
    return failed(parts, messageOf(error));
  }
}

async function evaluateAndSweep(parts: EvaluateParts, request: EvaluateRequest): Promise<EvaluateResult> {
  const result = await parts.evaluate(request);
  const [jobs, messages] = await Promise.all([parts.deps.queue.depth(), parts.deps.state.outbox.size()]);
  if (jobs > 0) await parts.wake.actuate();
  if (messages > 0) await parts.wake.notify();
  return result;
}

function failed(parts: EvaluateParts, reason: string): string {
  parts.deps.metrics.count('evaluate_rounds_failed_total');
  parts.deps.log.error('round of evaluations failed', { error: reason });
  return reason;
}

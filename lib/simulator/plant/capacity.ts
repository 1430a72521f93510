/**
 * What one replica of a class sustains for a mix of requests at the service level: no step longer than 100 ms.
 *
 * With B sequences running, a server makes one step of s ms, each sequence gains one token, and B / out requests end per step; in the steady state as many prompts come
 * in. So s = a + b·B + k·B·context/1000 + c·B·in/out, and the rate is B / (out · s). B is the largest whole number that `maxSeqs`, the KV memory, the prompt budget of a step
 * and the service level allow. Of a mix, `in` and `out` are means, and `context` is the mean over running sequences: those with long answers run longer and weigh more.
 */
import { ConfigError } from '../../base/errors.ts';
import type { ReplicaClass } from './contract.ts';

/** Longest step of the service level [ms]: readers follow a text at about ten tokens a second. */
const STEP_MS_MAX = 100;

/** Lengths of one request [tokens], and for serial classes its time [s]. */
export type RequestLengths = { readonly inputTokens: number; readonly outputTokens: number; readonly execSec?: number };

/** Means over a mix, sums kept apart so that a trace of any length can be folded in. */
export type LengthMix = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Mean context of a running sequence [tokens]: E[out·(in + out/2)] / E[out]. */
  readonly contextTokens: number;
  /** Mean time of a serial request [s]; 0 when unknown. */
  readonly execSec: number;
  /** E[out²] / E[out] [tokens]: mean answer of a running sequence. Tells how long a drain takes. */
  readonly runningOutputTokens: number;
};

/** One replica at the service level, for one mix. */
export type ServiceLevel = {
  readonly replicaClass: ReplicaClass;
  readonly mix: LengthMix;
  /** Most requests a second. */
  readonly requestsPerSec: number;
  /** Requests in it at that rate, whole. */
  readonly concurrency: number;
  /** Length of a step at that rate [ms]; for serial classes of a whole request. */
  readonly stepMs: number;
  /** Mean time of a request from admission to its end, at that rate [s]. */
  readonly serviceSec: number;
  /** What ends first when load grows. */
  readonly boundBy: 'slots' | 'kv' | 'budget' | 'step' | 'serial';
};

/** Folds requests into a mix. Answers count as at least one token. Throws {@link ConfigError} when there is none. */
export function mixOf(requests: Iterable<RequestLengths>): LengthMix {
  let [count, input, output, context, exec, squares] = [0, 0, 0, 0, 0, 0];
  for (const request of requests) {
    const out = Math.max(1, request.outputTokens);
    count++;
    input += request.inputTokens;
    output += out;
    context += out * (request.inputTokens + out / 2);
    squares += out * out;
    exec += request.execSec ?? 0;
  }
  if (count === 0) throw new ConfigError('Cannot size a replica: expected at least one request, current value is none');
  return {
    inputTokens: input / count,
    outputTokens: output / count,
    contextTokens: context / output,
    execSec: exec / count,
    runningOutputTokens: squares / output,
  };
}

/** Service level of one replica. Throws {@link ConfigError} when the mean request does not fit its memory, or a serial mix has no times. */
export function serviceLevelOf(replicaClass: ReplicaClass, mix: LengthMix): ServiceLevel {
  if (replicaClass.serial) return serialLevel(replicaClass, mix);
  const { a } = replicaClass;
  const slopeMs = slopeMsOf(replicaClass, mix);
  const limits = {
    slots: replicaClass.maxSeqs,
    kv: replicaClass.kvTokens / (mix.inputTokens + mix.outputTokens),
    budget: (replicaClass.budgetTokens * mix.outputTokens) / Math.max(1, mix.inputTokens),
    step: (STEP_MS_MAX - a) / slopeMs,
  };
  const boundBy = (['slots', 'kv', 'budget', 'step'] as const).reduce((tightest, name) =>
    limits[name] < limits[tightest] ? name : tightest,
  );
  if (limits.kv < 1) {
    throw new ConfigError(
      `Cannot size a replica of class "${replicaClass.name}": expected requests of at most ${replicaClass.kvTokens} tokens, current value is ${Math.round(mix.inputTokens + mix.outputTokens)} on average`,
    );
  }
  // Prompts so long that one request alone breaks the step still get served, one at a time.
  const concurrency = Math.max(1, Math.floor(limits[boundBy]));
  const stepMs = a + slopeMs * concurrency;
  const serviceSec = (mix.outputTokens * stepMs) / 1000;
  return { replicaClass, mix, requestsPerSec: concurrency / serviceSec, concurrency, stepMs, serviceSec, boundBy };
}

/** What one more running sequence adds to a step [ms]. */
function slopeMsOf({ b, k, c }: ReplicaClass, mix: LengthMix): number {
  return b + (k * mix.contextTokens) / 1000 + (c * mix.inputTokens) / mix.outputTokens;
}

function serialLevel(replicaClass: ReplicaClass, mix: LengthMix): ServiceLevel {
  if (!(mix.execSec > 0)) {
    throw new ConfigError(
      `Cannot size a replica of class "${replicaClass.name}": expected requests with their execution time, current value is ${mix.execSec} s on average`,
    );
  }
  return {
    replicaClass,
    mix,
    requestsPerSec: 1 / mix.execSec,
    concurrency: 1,
    stepMs: mix.execSec * 1000,
    serviceSec: mix.execSec,
    boundBy: 'serial',
  };
}

/**
 * Work of one request at the service level [replica-seconds]: its own share of the steps it is in, and 1/concurrency of their fixed part. Its mean over the mix is
 * 1 / `requestsPerSec`, so work that arrives per second is the number of replicas that are needed.
 */
export function workReplicaSecOf(level: ServiceLevel, request: RequestLengths): number {
  const { a, b, k, c, serial } = level.replicaClass;
  if (serial) return request.execSec ?? level.mix.execSec;
  const out = Math.max(1, request.outputTokens);
  const contextTokens = request.inputTokens + out / 2;
  return (out * (a / level.concurrency + b + (k * contextTokens) / 1000) + c * request.inputTokens) / 1000;
}

/**
 * Requests in one replica that is used to `utilizationRatio` (0..1, more counts as 1) of its service level. A server with less load makes shorter steps, so half the rate
 * needs much less than half the concurrency: B = B* · ρ(1-v)/(1-ρv), where v is the share of the step that grows with load.
 */
export function concurrencyAt(level: ServiceLevel, utilizationRatio: number): number {
  const used = Math.min(1, Math.max(0, utilizationRatio));
  if (level.replicaClass.serial) return used;
  const growing = 1 - level.replicaClass.a / level.stepMs;
  return (level.concurrency * used * (1 - growing)) / (1 - used * growing);
}

/**
 * How long a replica that was used to `utilizationRatio` takes until its last request has ended [s]. For answers of about exponential length the longest of n takes their mean
 * (of running ones: half of `runningOutputTokens`) times the harmonic number of n; steps get shorter while it empties, counted at half its load and without prompts.
 */
export function drainSecOf(level: ServiceLevel, utilizationRatio: number): number {
  const running = concurrencyAt(level, utilizationRatio);
  if (level.replicaClass.serial) return (level.mix.execSec / 2) * running;
  const { a, b, k } = level.replicaClass;
  const stepMs = a + (running / 2) * (b + (k * level.mix.contextTokens) / 1000);
  // Harmonic number, continued to fractions; 0 at 0.
  const harmonic = running < 1 ? running : Math.log(running) + 0.5772 + 1 / (2 * running) - 0.0772 / running;
  return (harmonic * (level.mix.runningOutputTokens / 2) * stepMs) / 1000;
}

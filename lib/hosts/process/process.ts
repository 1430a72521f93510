/** The process host: the four stages in one process, woken by each other and by a schedule. */
import { messageOf } from '../../base/errors.ts';
import type { ActionWorker } from '../../action-queue/contract.ts';
import { actuate } from '../../loop/actuate/actuate.ts';
import { reportDead } from '../../loop/dead-jobs.ts';
import type { LoopDeps, Wake } from '../../loop/deps.ts';
import { makeEvaluate } from '../../loop/evaluate/evaluate.ts';
import type { EvaluateRequest } from '../../loop/evaluate/evaluate.ts';
import { notify } from '../../loop/notify.ts';
import type { StreamConsumer } from '../../stream/contract.ts';
import { leadingEdge } from './leading-edge.ts';
import { periodic } from './periodic.ts';
import { streamHandlers } from './stream-handlers.ts';

export type ProcessParts = {
  /** Everything but `wake`, which the process host makes itself. */
  readonly deps: Omit<LoopDeps, 'wake'>;
  readonly consumer: StreamConsumer;
  readonly worker: ActionWorker;
  readonly evaluateEveryMs: number;
  readonly leadingDebounceMs: number;
};

export type ProcessHost = {
  /** Resolves when the first full evaluation is over or failed. The host runs until the promise of `stop` resolves. */
  stop(): Promise<void>;
};

/** How often policy files are looked at [ms]. */
const POLICY_REFRESH_MS = 5_000;
/** The net under lost wakes of the outbox [ms], and how long one drain may take. */
const NOTIFY_EVERY_MS = 1_000;
const NOTIFY_MS_MAX = 5_000;
/** Pause before the partitions are sent back once more [ms]. */
const RESEEK_RETRY_MS = 1_000;

/**
 * Joins the consumer group and starts all loops. Rejects with ConfigError or DeniedError when the stream refuses us, or when there is no good policy.
 * Order of stopping: the stream first, so that nothing new comes in; then evaluation, actuation, and what is left in the outbox.
 */
export async function startProcess(parts: ProcessParts): Promise<ProcessHost> {
  await parts.deps.policies.current();
  const loops = startLoops(parts);
  // What Redis lost is heard again from Kafka: forget what we remember of it, and go back to where it stands now.
  const stopping = new AbortController();
  const goBack = (why: string): void => {
    parts.deps.state.load.forgetCache();
    parts.deps.log.info(`${why}, partitions go back to its progress`);
    void reseekUntilDone(parts, { signal: stopping.signal, onError: loops.onError('reseek') });
  };
  const unsubscribe = parts.deps.state.onReconnect(() => goBack('state store came back'));
  try {
    await parts.worker.start(
      (job, context) => actuate(loops.deps, job, context),
      (dead) => reportDead(loops.deps, dead),
    );
    await parts.consumer.start(
      streamHandlers(loops.deps, { touch: loops.touch, onForgotten: () => goBack('state store forgot everything') }),
    );
  } catch (error) {
    unsubscribe();
    await loops.stop();
    // Left open, it would go on taking jobs whose store is closed.
    await parts.worker.close();
    throw error;
  }
  return {
    stop: async () => {
      stopping.abort();
      unsubscribe();
      await parts.consumer.stop();
      await loops.stop();
      await parts.worker.close();
      await notify(loops.deps, { maxMs: NOTIFY_MS_MAX }).catch(loops.onError('notify'));
    },
  };
}

/** A Redis that just came back may still be slow to answer: what it lost must be read again all the same. */
async function reseekUntilDone(
  parts: ProcessParts,
  options: { readonly signal: AbortSignal; readonly onError: (error: unknown) => void },
): Promise<void> {
  while (!options.signal.aborted) {
    try {
      return await parts.consumer.reseek();
    } catch (error) {
      options.onError(error);
      await parts.deps.clock.sleep(RESEEK_RETRY_MS, options.signal);
    }
  }
}

type Loops = {
  readonly deps: LoopDeps;
  readonly touch: (workloads: readonly string[], triggerMs: number) => void;
  readonly onError: (what: string) => (error: unknown) => void;
  stop(): Promise<void>;
};

const nothing = (): void => {};

function startLoops(parts: ProcessParts): Loops {
  const onError =
    (what: string) =>
    (error: unknown): void => {
      parts.deps.metrics.count('loop_failures_total', 1, { loop: what });
      parts.deps.log.error(`${what} failed, will be tried again`, { error: messageOf(error) });
    };
  const running = { notify: nothing, evaluate: nothing };
  const wake: Wake = {
    evaluate: async () => running.evaluate(),
    // The worker of this process takes jobs by itself.
    actuate: async () => {},
    notify: async () => running.notify(),
  };
  const deps: LoopDeps = { ...parts.deps, wake };
  // Shared, because the actuator looks up which pods are on the nodes that go.
  // Leading and full evaluations may overlap (a full one waits for the cluster's API): the plan is stored by compare-and-set, whoever loses decides again.
  const evaluate = makeEvaluate(deps, { shareSnapshots: true });
  const run = async (request: EvaluateRequest): Promise<void> => void (await evaluate(request));
  const { clock } = deps;
  const leading = leadingEdge({
    clock,
    debounceMs: parts.leadingDebounceMs,
    run: (triggers) => run({ kind: 'leading', workloads: [...triggers.keys()], triggers }),
    onError: onError('leading evaluation'),
  });
  const full = periodic({
    clock,
    everyMs: parts.evaluateEveryMs,
    run: () => run({ kind: 'full' }),
    onError: onError('evaluation'),
  });
  const notifying = periodic({
    clock,
    everyMs: NOTIFY_EVERY_MS,
    run: async () => void (await notify(deps, { maxMs: NOTIFY_MS_MAX })),
    onError: onError('notify'),
  });
  const policies = periodic({
    clock,
    everyMs: POLICY_REFRESH_MS,
    run: () => refreshPolicies(deps),
    onError: onError('policy refresh'),
  });
  running.notify = () => notifying.wake();
  running.evaluate = () => full.wake();
  return {
    deps,
    onError,
    touch: (workloads, triggerMs) => leading.touch(workloads, triggerMs),
    stop: async () => {
      await Promise.all([leading.stop(), full.stop(), policies.stop()]);
      await notifying.stop();
    },
  };
}

async function refreshPolicies(deps: LoopDeps): Promise<void> {
  const { changed, problems } = await deps.policies.refresh();
  for (const problem of problems) {
    deps.log.error('policy is not valid, the last good version stays in force', { ...problem });
  }
  if (changed) deps.log.info('policies changed', { version: (await deps.policies.current()).version });
}

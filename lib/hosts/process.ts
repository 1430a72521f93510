/** The process host: the four stages in one process, woken by each other and by a schedule. */
import { messageOf } from '../base/errors.ts';
import type { ActionWorker } from '../action-queue/contract.ts';
import { actuate } from '../loop/actuate.ts';
import { reportDead } from '../loop/dead-jobs.ts';
import type { LoopDeps, Wake } from '../loop/deps.ts';
import { makeEvaluate } from '../loop/evaluate.ts';
import type { EvaluateRequest } from '../loop/evaluate.ts';
import { ingest, startOffset } from '../loop/ingest.ts';
import { notify } from '../loop/notify.ts';
import { reportSkipped } from '../loop/skipped-range.ts';
import type { ConsumerHandlers, StreamConsumer } from '../stream/contract.ts';
import { topicPartition } from '../stream/contract.ts';
import { leadingEdge } from './leading-edge.ts';
import { periodic } from './periodic.ts';

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

/**
 * Joins the consumer group and starts all loops. Rejects with ConfigError or DeniedError when the stream refuses us, or when there is no good policy.
 * Order of stopping: the stream first, so that nothing new comes in; then evaluation, actuation, and what is left in the outbox.
 */
export async function startProcess(parts: ProcessParts): Promise<ProcessHost> {
  await parts.deps.policies.current();
  const loops = startLoops(parts);
  const unsubscribe = parts.deps.state.onReconnect(() => {
    // What Redis lost is heard again from Kafka: forget what we remember of it, and go back to where it stands now.
    parts.deps.state.load.forgetCache();
    parts.deps.log.info('state store came back, partitions go back to its progress');
    parts.consumer.reseek().catch(loops.onError('reseek'));
  });
  try {
    await parts.worker.start(
      (job, context) => actuate(loops.deps, job, context),
      (dead) => reportDead(loops.deps, dead),
    );
    await parts.consumer.start(handlersOf(loops));
  } catch (error) {
    unsubscribe();
    await loops.stop();
    throw error;
  }
  return {
    stop: async () => {
      unsubscribe();
      await parts.consumer.stop();
      await loops.stop();
      await parts.worker.close();
      await notify(loops.deps, { maxMs: NOTIFY_MS_MAX }).catch(loops.onError('notify'));
    },
  };
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

function handlersOf(loops: Loops): ConsumerHandlers {
  return {
    onBatch: async (batch) => {
      const outcome = await ingest(loops.deps, [batch]);
      for (const [workload, triggerMs] of outcome.triggers) loops.touch([workload], triggerMs);
      return outcome.answers.get(topicPartition(batch)) ?? {};
    },
    startOffset: (partition) => startOffset(loops.deps, partition),
    onSkipped: (range) => reportSkipped(loops.deps, range),
  };
}

/** Wakes the next function by an asynchronous invocation. */
import type { ActionJob, ActionQueue } from '../../action-queue/contract.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Wake } from '../../loop/deps.ts';

/** Names or jobs in one wake: keeps the payload below the 256 KB of an asynchronous invocation. More: the function looks at everything that is due. */
export const WAKE_ITEMS_MAX = 500;

/** Longest id of a workload or node group [characters]. */
const ID_LENGTH_MAX = 253;

/** A job that names what to look at: the only kind that travels in a wake. */
export type PlanJob = Extract<ActionJob, { pool: string }>;

/** What a woken function gets. */
export type WakeEvent = {
  readonly penstock: 'wake';
  readonly workloads?: readonly string[];
  readonly jobs?: readonly PlanJob[];
};

/** Function names (or ARNs) by stage; null: nobody to wake. */
export type WakeTargets = {
  readonly evaluate: string | null;
  readonly actuate: string | null;
  readonly notify: string | null;
};

type Stage = keyof WakeTargets;

/** Hands `payload` to a function without waiting for it to run. */
export type InvokeLater = (functionName: string, payload: WakeEvent) => Promise<void>;

/** Collects the wakes of an invocation; `flush` sends each stage at most one. */
export type CollectingWake = Wake & {
  /** Wakes actuate with jobs that it shall put into the queue itself. */
  actuateJobs(jobs: readonly PlanJob[]): void;
  flush(): Promise<void>;
};

type Pending = { readonly workloads: Set<string>; readonly jobs: Map<string, PlanJob> };

/** A wake that fails is logged and counted (`wake_failed_total`), never thrown: the schedule finds the work within seconds. */
export function collectingWake(
  invoke: InvokeLater,
  options: { readonly targets: WakeTargets; readonly log: Logger; readonly metrics: Metrics },
): CollectingWake {
  let pending = new Map<Stage, Pending>();
  const want = (stage: Stage): Pending => {
    const wanted = pending.get(stage) ?? { workloads: new Set(), jobs: new Map() };
    pending.set(stage, wanted);
    return wanted;
  };
  const send = async (stage: Stage, wanted: Pending): Promise<void> => {
    const functionName = options.targets[stage];
    if (functionName === null) return;
    try {
      await invoke(functionName, wakeEvent(wanted));
      options.metrics.count('wake_sent_total', 1, { stage });
    } catch (error) {
      options.metrics.count('wake_failed_total', 1, { stage });
      options.log.warn('wake failed', { stage, functionName, error: messageOf(error) });
    }
  };
  return {
    evaluate: async (workloads) => {
      for (const workload of workloads) want('evaluate').workloads.add(workload);
    },
    actuate: async () => void want('actuate'),
    notify: async () => void want('notify'),
    actuateJobs: (jobs) => {
      for (const job of jobs) want('actuate').jobs.set(`${job.kind}/${job.id}`, job);
    },
    flush: async () => {
      const due = pending;
      pending = new Map();
      await Promise.all([...due].map(([stage, wanted]) => send(stage, wanted)));
    },
  };
}

function wakeEvent({ workloads, jobs }: Pending): WakeEvent {
  return {
    penstock: 'wake',
    ...(workloads.size > 0 && workloads.size <= WAKE_ITEMS_MAX ? { workloads: [...workloads] } : {}),
    ...(jobs.size > 0 && jobs.size <= WAKE_ITEMS_MAX ? { jobs: [...jobs.values()] } : {}),
  };
}

/**
 * The action queue as ingest sees it: jobs travel in the wake of the actuate function, which puts them into the real queue. So ingest carries no queue
 * client and holds no further connection. A wake that gets lost costs one round of evaluate: it wakes every target that differs from the plan again.
 */
export function queueBehindWake(wake: Pick<CollectingWake, 'actuateJobs'>): ActionQueue {
  return {
    wake: async (jobs) => wake.actuateJobs(jobs.filter((job) => job.kind !== 'alert')),
    depth: async () => 0,
    close: async () => {},
  };
}

/** Whether the event is a wake, not the schedule's tick. */
export function isWake(event: unknown): event is { penstock: 'wake'; workloads?: unknown; jobs?: unknown } {
  return typeof event === 'object' && event !== null && 'penstock' in event && event.penstock === 'wake';
}

/** The names in a wake. undefined when it names none (or is no wake at all): then everything that is due is looked at. */
export function wokenWorkloads(event: unknown): readonly string[] | undefined {
  if (!isWake(event) || !Array.isArray(event.workloads)) return undefined;
  const names = event.workloads.filter(isId);
  return names.length === 0 ? undefined : names.slice(0, WAKE_ITEMS_MAX);
}

/** The jobs in a wake; what is no job is left out. */
export function wokenJobs(event: unknown): readonly PlanJob[] {
  if (!isWake(event) || !Array.isArray(event.jobs)) return [];
  return event.jobs.slice(0, WAKE_ITEMS_MAX).flatMap((job): PlanJob[] => {
    if (typeof job !== 'object' || job === null) return [];
    const { kind, pool, id }: Readonly<Record<string, unknown>> = { ...job };
    if ((kind !== 'target' && kind !== 'nodeGroup') || !isId(pool) || !isId(id)) return [];
    return [{ kind, pool, id }];
  });
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= ID_LENGTH_MAX;
}

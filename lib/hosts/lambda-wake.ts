/** Wakes the next function by an asynchronous invocation. */
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { messageOf } from '../base/errors.ts';
import type { Wake } from '../loop/deps.ts';

/** Workload names in one wake: keeps the payload below the 256 KB of an asynchronous invocation. More: the function looks at everything that is due. */
export const WAKE_WORKLOADS_MAX = 500;

/** What a woken function gets. */
export type WakeEvent = { readonly penstock: 'wake'; readonly workloads?: readonly string[] };

/** Function names (or ARNs) by stage; null: nobody to wake. */
export type WakeTargets = {
  readonly evaluate: string | null;
  readonly actuate: string | null;
  readonly notify: string | null;
};

/** Hands `payload` to a function without waiting for it to run. */
export type InvokeLater = (functionName: string, payload: WakeEvent) => Promise<void>;

/** Collects the wakes of an invocation; `flush` sends each stage at most one. */
export type CollectingWake = Wake & { flush(): Promise<void> };

/** A wake that fails is logged and counted (`wake_failed_total`), never thrown: the schedule finds the work within a minute. */
export function collectingWake(
  invoke: InvokeLater,
  options: { readonly targets: WakeTargets; readonly log: Logger; readonly metrics: Metrics },
): CollectingWake {
  const { targets, log, metrics } = options;
  let pending = new Map<keyof WakeTargets, Set<string>>();
  const want = (stage: keyof WakeTargets, workloads: readonly string[] = []): Promise<void> => {
    const names = pending.get(stage) ?? new Set();
    for (const name of workloads) names.add(name);
    pending.set(stage, names);
    return Promise.resolve();
  };
  const send = async (stage: keyof WakeTargets, names: ReadonlySet<string>): Promise<void> => {
    const functionName = targets[stage];
    if (functionName === null) return;
    const listed = names.size > 0 && names.size <= WAKE_WORKLOADS_MAX;
    try {
      await invoke(functionName, { penstock: 'wake', ...(listed ? { workloads: [...names] } : {}) });
      metrics.count('wake_sent_total', 1, { stage });
    } catch (error) {
      metrics.count('wake_failed_total', 1, { stage });
      log.warn('Wake failed', { stage, functionName, error: messageOf(error) });
    }
  };
  return {
    evaluate: (workloads) => (workloads.length === 0 ? Promise.resolve() : want('evaluate', workloads)),
    actuate: () => want('actuate'),
    notify: () => want('notify'),
    flush: async () => {
      const due = pending;
      pending = new Map();
      await Promise.all([...due].map(([stage, names]) => send(stage, names)));
    },
  };
}

/** The names in a wake. undefined when it names none (or is no wake at all): then everything that is due is looked at. */
export function wokenWorkloads(event: unknown): readonly string[] | undefined {
  if (!isWake(event) || !Array.isArray(event.workloads)) return undefined;
  const names = event.workloads.filter((name): name is string => typeof name === 'string' && name.length <= 253);
  return names.length === 0 ? undefined : names.slice(0, WAKE_WORKLOADS_MAX);
}

/** Whether the event is a wake, not the schedule's tick. */
export function isWake(event: unknown): event is { penstock: 'wake'; workloads?: unknown } {
  return typeof event === 'object' && event !== null && 'penstock' in event && event.penstock === 'wake';
}

/** One policy of a replay, from its name to its figures: what a worker thread is asked for. */
import { ConfigError } from '../../base/errors.ts';
import type { BaselineFactory } from '../baselines/contract.ts';
import { baselines } from '../baselines/index.ts';
import { START_MS, nodeOptionsOf, plantOf } from './ground.ts';
import type { Ground } from './ground.ts';
import { nodeSettings } from './node-models.ts';
import { runBound } from './optimum-run.ts';
import { penstockScaler } from './penstock.ts';
import { policySettings, replayPolicy } from './plain-policy.ts';
import { baselineScaler, runPolicy } from './run-policy.ts';
import type { PolicyRun } from './run-policy.ts';
import type { PolicySeries } from './series.ts';
import type { Outcome, Task } from './task.ts';

export type { Task } from './task.ts';

/** Production evaluates every 2 s; on ticks of 5 s there is nothing new in between. */
const EVALUATE_EVERY_MS = 2_000;

/** Same ground and task, same outcome. Throws ConfigError for an unknown baseline or tuning, and for a policy that is not valid. */
export async function runTask(ground: Ground, task: Task): Promise<Outcome> {
  if (task.kind === 'optimum' || task.kind === 'windowRule') return runBound(ground, task.kind);
  return task.kind === 'penstock' ? runPenstock(ground, task.spec) : runBaseline(ground, task);
}

/** Throws ConfigError for an unknown name. */
export function baselineOf(name: string): BaselineFactory {
  const known: Readonly<Record<string, BaselineFactory>> = baselines;
  const factory = Object.hasOwn(known, name) ? known[name] : undefined;
  if (factory !== undefined) return factory;
  throw new ConfigError(
    `Cannot compare with "${name}": expected all, none, or names among ${Object.keys(known).join(', ')}`,
  );
}

function runPenstock(ground: Ground, spec: Readonly<Record<string, unknown>> | null): Promise<Outcome> {
  const policy = replayPolicy(ground, spec);
  return run(ground, {
    who: 'penstock',
    settings: policySettings(policy),
    scaler: penstockScaler({
      policy,
      startMs: START_MS,
      evaluateEveryMs: Math.max(EVALUATE_EVERY_MS, ground.ticks.tickMs),
      replicas: ground.initialReplicas,
    }),
  });
}

function runBaseline(ground: Ground, task: Task & { readonly kind: 'baseline' }): Promise<Outcome> {
  const factory = baselineOf(task.name);
  const baseline = factory.create({
    capacity: ground.capacity,
    replicas: ground.replicas,
    leadTimeSec: ground.options.leadTimeSec,
    seed: ground.options.seed,
    historyPeakPerSec: ground.historyPeakPerSec,
    tuning: task.tuning,
  });
  const tuned = Object.fromEntries(
    Object.entries(task.tuning).map(([key, value]) => [key, `${value} (best of its grid on this trace)`]),
  );
  return run(ground, {
    who: 'peer',
    settings: { ...factory.settings, ...tuned },
    scaler: baselineScaler(baseline, START_MS),
  });
}

async function run(
  ground: Ground,
  of: {
    readonly who: 'penstock' | 'peer';
    readonly settings: Readonly<Record<string, string>>;
    readonly scaler: PolicyRun['scaler'];
  },
): Promise<Outcome> {
  const { count, tickMs } = ground.ticks;
  const series: PolicySeries = { ready: new Float64Array(count), misses: new Float64Array(count) };
  let [index, missed] = [0, 0];
  const totals = await runPolicy({
    plant: plantOf(ground, of.who),
    scaler: of.scaler,
    tickMs,
    endMs: START_MS + count * tickMs,
    replicas: ground.replicas,
    onTick: (sample, plant) => {
      const misses = plant.missesSoFar();
      series.ready[index] = sample.readyReplicas;
      series.misses[index] = misses - missed;
      missed = misses;
      index++;
    },
  });
  return { totals, settings: { ...of.settings, ...nodeSettings(of.who, nodeOptionsOf(ground.options)) }, series };
}

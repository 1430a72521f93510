/** The bridge: measures the load of workloads whose servers publish nothing themselves, and sends it to the stream. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { ScalingPolicy } from '../../core/policy.ts';
import { canonicalJson, fnv1a64Hex } from '../../core/hash.ts';
import type { LoadSource } from '../../load-sources/contract.ts';
import type { PolicySource } from '../../policy-source/contract.ts';
import type { StreamProducer } from '../../stream/contract.ts';
import { openBridgeBuffer } from './buffer.ts';
import type { BridgeBuffer } from './buffer.ts';
import { startSourceLoop } from './source.ts';
import type { SourceLoop } from './source.ts';
import type { Topics } from '../deps.ts';

export type BridgeDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly policies: PolicySource;
  readonly producer: StreamProducer;
  readonly topics: Pick<Topics, 'inferenceLoad' | 'queueDepth'>;
  /** Every source is measured so often [ms], 500 to 60 000. */
  readonly scrapeEveryMs: number;
  /**
   * What is measured for a workload; empty when its policy names nothing. Called when the policy is new, when what it says about this changed,
   * and again at each refresh after it threw (a mapping file may have been repaired).
   */
  readonly sourcesOf: (policy: ScalingPolicy) => Promise<readonly LoadSource[]>;
};

/** How often policies are looked at [ms]. */
export const POLICY_REFRESH_MS = 5_000;

/** A line that says what was published comes so often [ms]. */
export const SUMMARY_MS = 60_000;

type Running = {
  /** Hash of what the policy says about load. */
  readonly version: string;
  readonly loops: readonly SourceLoop[];
  /** Set while the sources could not be made. */
  readonly problem: string | null;
};

/**
 * Runs until `signal` aborts, then sends what is left and closes the sources. Each source of each workload runs on its own, spread over the period, so that
 * nobody's trouble delays another. Rejects with ConfigError only when there never was a good policy.
 */
export async function runBridge(deps: BridgeDeps, signal: AbortSignal): Promise<void> {
  const buffer = openBridgeBuffer(deps);
  const running = new Map<string, Running>();
  const told = { problems: '', summaryMs: deps.clock.monotonicMs() };
  try {
    while (!signal.aborted) {
      await refresh(deps, told);
      await reconcile(deps, { running, buffer });
      summarise(deps, { running, buffer, told });
      await deps.clock.sleep(POLICY_REFRESH_MS, signal);
    }
  } finally {
    await Promise.all([...running.values()].flatMap(({ loops }) => loops.map((loop) => loop.stop())));
    await buffer.close();
  }
}

type Told = { problems: string; summaryMs: number };

/** A bad new version is told once and the last good one stays in force. */
async function refresh(deps: BridgeDeps, told: Told): Promise<void> {
  try {
    const { problems } = await deps.policies.refresh();
    const text = canonicalJson(problems);
    if (problems.length > 0 && text !== told.problems) {
      deps.log.warn('policies have problems, the last good version stays in force', { problems });
    }
    told.problems = text;
  } catch (error) {
    deps.log.warn('policies were not refreshed', { error: messageOf(error) });
  }
}

/** Starts, restarts and stops loops so that they are those of the policies in force. */
async function reconcile(
  deps: BridgeDeps,
  { running, buffer }: { readonly running: Map<string, Running>; readonly buffer: BridgeBuffer },
): Promise<void> {
  const { workloads } = await deps.policies.current();
  for (const [name, { loops }] of running) {
    if (workloads.has(name)) continue;
    running.delete(name);
    stopAll(loops);
    deps.log.info('workload is no longer measured', { workload: name });
  }
  await Promise.all(
    [...workloads].map(async ([name, policy]) => {
      const version = versionOf(policy);
      const before = running.get(name);
      if (before?.version === version && before.problem === null) return;
      const next = await start(deps, { policy, version, buffer, before });
      if (before !== undefined) stopAll(before.loops);
      running.set(name, next);
    }),
  );
}

/** Not awaited: a source that hangs must not hold up the others. */
function stopAll(loops: readonly SourceLoop[]): void {
  for (const loop of loops) void loop.stop();
}

type Start = {
  readonly policy: ScalingPolicy;
  readonly version: string;
  readonly buffer: BridgeBuffer;
  readonly before: Running | undefined;
};

async function start(deps: BridgeDeps, { policy, version, buffer, before }: Start): Promise<Running> {
  const workload = policy.metadata.name;
  try {
    const sources = await deps.sourcesOf(policy);
    if (sources.length > 0) deps.log.info('workload is measured', { workload, sources: sources.length });
    const loops = sources.map((source, index) =>
      startSourceLoop({
        ...deps,
        workload,
        source,
        buffer,
        phaseMs: phaseMs(`${workload}/${index}`, deps.scrapeEveryMs),
      }),
    );
    return { version, loops, problem: null };
  } catch (error) {
    const problem = messageOf(error);
    if (problem !== before?.problem) deps.log.error('workload cannot be measured', { workload, error: problem });
    deps.metrics.count('bridge_setup_failures_total');
    return { version, loops: [], problem };
  }
}

/** What of a policy decides how its load is measured. */
function versionOf({ spec }: ScalingPolicy): string {
  const { target, bridge, signals } = spec;
  return fnv1a64Hex(canonicalJson({ target, bridge, kafka: signals.map((s) => ('kafka' in s ? s.kafka : null)) }));
}

/** Where in the period a source has its turn: stable, and spread evenly over many. */
function phaseMs(name: string, everyMs: number): number {
  return parseInt(fnv1a64Hex(name).slice(-8), 16) % everyMs;
}

function summarise(
  deps: BridgeDeps,
  of: { readonly running: ReadonlyMap<string, Running>; readonly buffer: BridgeBuffer; readonly told: Told },
): void {
  const nowMs = deps.clock.monotonicMs();
  if (nowMs - of.told.summaryMs < SUMMARY_MS) return;
  of.told.summaryMs = nowMs;
  const loops = [...of.running.values()].flatMap(({ loops: its }) => its);
  const failing = loops.reduce((sum, loop) => sum + loop.failing(), 0);
  deps.log.info('load was published', { sources: loops.length, failing, ...of.buffer.counts() });
}

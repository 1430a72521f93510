/** Workloads whose rings, memories and histories are full, for the benchmark of the decision core. */
import type { WorkloadControl, WorkloadInput } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import { foldRecords } from '../../lib/core/window/fold.ts';
import type { FoldRecord } from '../../lib/core/window/fold.ts';
import { RING_MS } from '../../lib/core/window/load-window.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import { readingsOf } from '../../lib/core/window/readings.ts';
import { observed, T0, workloadPolicy } from '../core/builders.ts';
import { inferenceLoad } from '../events/builders.ts';

const REPORT_MS = 2_000;
const EVALUATE_MS = 10_000;
/** Distinct courses of load; the other workloads are copies of them with objects of their own. */
const COURSES = 20;
/** Long enough for every ring of the core's memory to be full. */
const HISTORY_MS = 4 * 3_600_000;

export type FullWorkload = { readonly input: WorkloadInput; readonly window: LoadWindow };

const POLICY_SPEC = {
  nodeGroups: ['g0'],
  slo: { waitSec: 2 },
  scaleDown: { windowSec: 'auto', maxPerMinute: '20%' },
  signals: [
    { kind: 'inFlight', perReplica: 8 },
    { kind: 'requestRate', perReplicaPerSec: 5 },
    { kind: 'tokens', inputPerSec: 20_000, outputPerSec: 1_000 },
    { kind: 'kvCache' },
  ],
};

/** Replica-equivalents of load: a slow wave, and a burst now and then. */
function levelAt(atMs: number, course: number): number {
  const wave = 8 + 4 * Math.sin(atMs / 1_300_000 + course);
  const burst = (Math.floor(atMs / 60_000) + course * 7) % 13 === 0 ? 1.6 : 1;
  return wave * burst * (1 + 0.1 * Math.sin(atMs / 9_000 + course * 3));
}

/** Five characters at random, as Kubernetes gives them. */
function podSuffix(pod: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  let [rest, text] = [(pod + 1) * 7_368_787, ''];
  for (let at = 0; at < 5; at++, rest = Math.floor(rest / letters.length)) text += letters[rest % letters.length];
  return text;
}

/** Reports of every source for one interval that ends at `endMs`. */
export function reportsAt(
  endMs: number,
  of: { readonly sources: number; readonly course: number; readonly offset: number },
): FoldRecord[] {
  const { sources, course, offset } = of;
  const share = levelAt(endMs, course) / sources;
  return Array.from({ length: sources }, (_, pod) => ({
    offset: offset + pod,
    timestampMs: endMs + 35,
    event: inferenceLoad({
      source: `pod/llama-8b-chat-7c9f8d6b5-${podSuffix(pod)}`,
      intervalStartMs: endMs - REPORT_MS,
      intervalEndMs: endMs,
      inFlight: Math.round(share * 8_000) / 1_000,
      queued: Math.round(share * 200) / 1_000,
      requests: { arrived: Math.round(share * 10), completed: Math.round(share * 10), failed: 0, cancelled: 0 },
      tokens: { input: Math.round(share * 20_000), output: Math.round(share * 1_000) },
      utilization: { gpuRatio: 0.93, kvCacheRatio: 0.7 },
    }),
  }));
}

/** A window whose ring is full, as of `endMs`. */
export function fullWindow(endMs: number, of: { readonly sources: number; readonly course: number }): LoadWindow {
  let window: LoadWindow | undefined;
  let offset = 0;
  for (let atMs = endMs - RING_MS; atMs <= endMs; atMs += REPORT_MS) {
    const records = reportsAt(atMs, { ...of, offset });
    offset += records.length;
    ({ window } = foldRecords(window, { topicPartition: 'inference-load-11', records, nowMs: atMs }));
  }
  if (window === undefined) throw new Error('no window was made');
  return window;
}

function courseOf(policy: ScalingPolicy, index: number): FullWorkload {
  const sources = 5;
  let [control, replicas, offset]: [WorkloadControl | undefined, number, number] = [undefined, 8, 0];
  let window: LoadWindow | undefined;
  let input: WorkloadInput | undefined;
  for (let nowMs = T0; nowMs <= T0 + HISTORY_MS; nowMs += EVALUATE_MS) {
    for (let atMs = nowMs - EVALUATE_MS + REPORT_MS; atMs <= nowMs; atMs += REPORT_MS) {
      const records = reportsAt(atMs, { sources, course: index, offset });
      offset += records.length;
      ({ window } = foldRecords(window, { topicPartition: 'inference-load-11', records, nowMs }));
    }
    const readings = readingsOf(window, { nowMs, readyReplicas: sources });
    input = {
      policy,
      kind: 'full',
      nowMs,
      readings,
      holdUntilMs: 0,
      warmRatio: 1,
      target: observed(replicas, { ready: sources }),
      snapshotAgeMs: 0,
      control,
    };
    const outcome = decideWorkload(input);
    ({ control } = outcome);
    replicas = outcome.wanted;
  }
  if (input === undefined || window === undefined) throw new Error('nothing was decided');
  return { input: { ...input, nowMs: input.nowMs + EVALUATE_MS, control }, window };
}

/** So many workloads, each with objects of its own, about to be decided again. */
export function fullMemories(count: number): readonly FullWorkload[] {
  const policy = workloadPolicy(POLICY_SPEC);
  const courses = Array.from({ length: Math.min(COURSES, count) }, (_, index) => courseOf(policy, index));
  return Array.from({ length: count }, (_, index) => {
    const of = courses[index % courses.length];
    if (of === undefined) throw new Error('no course');
    // Every second one compares its forecasts with what came, as in a fleet that is evaluated every 10 s and compares every 15 s at the earliest.
    const nowMs = of.input.nowMs + (index % 2) * EVALUATE_MS;
    const input = index < courses.length ? of.input : copyOf(of.input);
    return { input: { ...input, nowMs }, window: of.window };
  });
}

/** Memories come out of a store, as JSON; the rest is made by this process. */
function copyOf({ control, ...rest }: WorkloadInput): WorkloadInput {
  const stored = control === undefined ? undefined : (JSON.parse(JSON.stringify(control)) as WorkloadControl);
  return { ...structuredClone(rest), control: stored };
}

/** Decides all of them. */
export function decideAll(workloads: readonly FullWorkload[]): number {
  return workloads.reduce((sum, { input }) => sum + decideWorkload(input).wanted, 0);
}

/** Reads all windows. */
export function readAll(workloads: readonly FullWorkload[]): number {
  return workloads.reduce(
    (sum, { window, input }) => sum + readingsOf(window, { nowMs: input.nowMs, readyReplicas: 5 }).inFlight.kind.length,
    0,
  );
}

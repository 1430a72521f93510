/** Courses of decisions for the laws: every count is applied at once, pods take their time to start, and the load is what the law says. */
import * as fc from 'fast-check';
import type { WorkloadControl } from '../../lib/core/decide-types.ts';
import { decideWorkload } from '../../lib/core/decide-workload.ts';
import type { ScalingPolicy } from '../../lib/core/policy.ts';
import type { PodObservation, Readings } from '../../lib/core/types.ts';
import { observed, T0 } from './builders.ts';
import { NODES } from './law-pods.ts';

export type Course = {
  readonly policy: ScalingPolicy;
  /** Replicas that run and are ready at the start. */
  readonly start: number;
  readonly everyMs: number;
  readonly steps: number;
  readonly control?: WorkloadControl | undefined;
  readonly fromMs?: number;
  /** From asked for to ready [ms]. */
  readonly startupMs: number;
};

export type Point = {
  readonly atMs: number;
  readonly wanted: number;
  readonly ready: number;
  readonly control: WorkloadControl;
};

type Replica = { readonly pod: PodObservation; readonly readyMs: number };

/** A replica is ready `startupMs` after it was asked for, and gone at once. Lead times are learned from its pods. */
export function courseOf(course: Course, readingsAt: (step: number, ready: number) => Readings): Point[] {
  const { policy, everyMs, startupMs } = course;
  let { control } = course;
  let nowMs = course.fromMs ?? T0;
  let replicas: readonly Replica[] = Array.from({ length: course.start }, (_, at) =>
    replicaOf(`first-${at}`, { createdMs: nowMs - 3_600_000, readyMs: nowMs }),
  );
  const points: Point[] = [];
  for (let step = 0; step < course.steps; step++, nowMs += everyMs) {
    replicas = readyBy(replicas, nowMs);
    const pods = replicas.map(({ pod }) => pod);
    const ready = pods.filter((pod) => pod.ready).length;
    const outcome = decideWorkload({
      policy,
      kind: 'full',
      nowMs,
      readings: readingsAt(step, ready),
      holdUntilMs: 0,
      warmRatio: 1,
      target: observed(replicas.length, { ready, pods }),
      snapshotAgeMs: 0,
      nodes: NODES,
      control,
    });
    ({ control } = outcome);
    replicas = resized(replicas, { count: outcome.wanted, step, nowMs, readyMs: nowMs + startupMs });
    points.push({ atMs: nowMs, wanted: outcome.wanted, ready, control: outcome.control });
  }
  return points;
}

function replicaOf(name: string, of: { readonly createdMs: number; readonly readyMs: number }): Replica {
  const pod: PodObservation = {
    name,
    nodeName: 'node-0',
    ready: false,
    // Whole seconds, as Kubernetes has them.
    createdMs: Math.floor(of.createdMs / 1_000) * 1_000,
    unschedulable: false,
    terminating: false,
    terminationGraceSec: 600,
    ip: null,
  };
  return { pod, readyMs: of.readyMs };
}

function readyBy(replicas: readonly Replica[], nowMs: number): readonly Replica[] {
  return replicas.map((one) =>
    one.pod.ready || one.readyMs > nowMs ? one : { ...one, pod: { ...one.pod, ready: true } },
  );
}

/** Those that are not ready yet go first. */
function resized(
  replicas: readonly Replica[],
  to: { readonly count: number; readonly step: number; readonly nowMs: number; readonly readyMs: number },
): readonly Replica[] {
  if (to.count === replicas.length) return replicas;
  const sorted = replicas.toSorted((a, b) => a.readyMs - b.readyMs).slice(0, to.count);
  while (sorted.length < to.count) {
    sorted.push(replicaOf(`pod-${to.step}-${sorted.length}`, { createdMs: to.nowMs, readyMs: to.readyMs }));
  }
  return sorted;
}

/** Directions of the changes, one after the other. */
export const movesOf = (points: readonly Point[]): number[] =>
  points.slice(1).flatMap(({ wanted }, index) => Math.sign(wanted - (points[index]?.wanted ?? wanted)) || []);

export const reversalsOf = (moves: readonly number[]): number =>
  moves.filter((move, index) => index > 0 && move !== moves[index - 1]).length;

/** In tenths of a replica, so that half of them lie where rounding bites. */
export const levelArb = fc.nat(300).map((tenths) => tenths / 10);
export const everyArb = fc.constantFrom(10_000, 30_000, 60_000);

/** How long starts really take, in parts of what the policy says. */
export const startupArb = fc.constantFrom(1, 0.3, 2, 5);

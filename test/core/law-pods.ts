/** The pods of a workload from one observation to the next, for the laws: they start, become ready, sit on nodes, and go. */
import type { NodeBirths } from '../../lib/core/scaling/lead-time.ts';
import type { PodObservation } from '../../lib/core/types.ts';
import { T0 } from './builders.ts';

/** A node that was always there, one that comes as the first pods do, and one nobody knows of. */
export const NODES: NodeBirths = {
  'node-0': { group: 'g5-od', createdMs: T0 - 86_400_000 },
  'node-1': { group: 'g5-spot', createdMs: T0 + 15_000 },
};
const NODE_NAMES = ['node-0', 'node-1', 'node-2'];

/** Ages at which a pod is seen first [ms]; one of them is of a clock that is ahead. */
const FIRST_AGES_MS = [2_000, 500, 9_000, -1_500];

export type PodsNow = {
  readonly nowMs: number;
  readonly replicas: number;
  readonly ready: number;
  /** What is unusual: 0 is nothing. 1: those that start have no node. 2: nor can get one. 4: the grace is short. 8, 16: one, two on their way out. 32: new ones have other names. */
  readonly pods: number;
};

/** As many as `replicas`, as many of them ready as `ready`, and those that are being deleted beside them. */
export function podsAfter(before: readonly PodObservation[], now: PodsNow): readonly PodObservation[] {
  const has = (flag: number): boolean => (now.pods & flag) !== 0;
  const staying = before.filter((pod) => !pod.terminating);
  const pods: PodObservation[] = [];
  for (let at = 0; at < now.replicas; at++) {
    const known = staying[at] ?? newPod(`${has(32) ? now.nowMs : 'pod'}-${at}`, { at, nowMs: now.nowMs });
    const ready = at < now.ready;
    const waits = !ready && has(1);
    pods.push({
      ...known,
      ready,
      nodeName: waits ? null : (known.nodeName ?? NODE_NAMES[at % NODE_NAMES.length] ?? null),
      unschedulable: waits && has(2),
      terminationGraceSec: has(4) ? 30 : 600,
    });
  }
  const leaving = staying
    .slice(now.replicas)
    .concat(pods)
    .slice(0, (has(8) ? 1 : 0) + (has(16) ? 2 : 0));
  return pods.concat(leaving.map((pod) => ({ ...pod, name: `${pod.name}-old`, terminating: true })));
}

function newPod(name: string, of: { readonly at: number; readonly nowMs: number }): PodObservation {
  return {
    name,
    nodeName: null,
    ready: false,
    createdMs: of.nowMs - (FIRST_AGES_MS[of.at % FIRST_AGES_MS.length] ?? 0),
    unschedulable: false,
    terminating: false,
    terminationGraceSec: 600,
    ip: null,
  };
}

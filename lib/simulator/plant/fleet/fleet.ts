/** The replicas of a plant, whatever serves in them: starts, readiness, removal, and what they cost. */
import { assert } from '../../../base/assert.ts';
import type { PodView } from '../../baselines/contract.ts';
import { createNodePool } from './node-pool.ts';
import type { PlantOptions } from '../plant-options.ts';
import { createStarts, readyPod } from './starts.ts';
import type { Pod } from './starts.ts';

/** What an engine does with the replicas. */
export type FleetEvents = {
  /** The replica serves from `atMs` on. */
  ready(id: number, atMs: number): void;
  /** The replica takes no more requests from `atMs` on. Returns when its last one ends [ms]; `null`: the engine will call {@link Fleet.drained}. */
  retire(id: number, atMs: number): number | null;
  /** Of ready replicas, those with nothing to do go first. */
  isIdle(id: number): boolean;
};

export type FleetTotals = {
  /** From launch to the end of the drain, of the scored time up to now [s]. */
  readonly replicaSec: number;
  readonly replicaStarts: number;
  readonly directionChanges: number;
  readonly replicasMax: number;
};

export type Fleet = {
  readonly specReplicas: number;
  readonly readyReplicas: number;
  /** Not terminating, oldest first. */
  readonly pods: readonly PodView[];
  /** When the next replica gets ready [ms]; Infinity when none starts. */
  readonly nextReadyMs: number;
  /** Makes those ready whose time has come. */
  advanceTo(nowMs: number): void;
  /** New replicas start; surplus ones go: starting ones first, then idle ones, the youngest first. */
  scale(replicas: number, nowMs: number): void;
  drained(id: number, atMs: number): void;
  totals(nowMs: number): FleetTotals;
};

type Ending = { readonly id: number; readonly launchMs: number; endMs: number };

/** A fleet with `replicas` ready at the start. */
export function createFleet(options: PlantOptions, events: FleetEvents): Fleet {
  const startMs = options.startMs ?? 0;
  const scoreFromMs = startMs + (options.scoreFromMs ?? 0);
  const starts = createStarts(options.start, options.seed);
  const ready: Pod[] = [];
  let starting: Pod[] = [];
  let ending: Ending[] = [];
  let pods: readonly PodView[] | null = null;
  let nextId = 0;
  let nextReadyMs = Infinity;
  let specReplicas = options.replicas;
  let lastDirection = 0;
  let lastAskedMs: number | null = null;
  const sums = { ms: 0, starts: 0, turns: 0, max: options.replicas };

  const scoredMs = (fromMs: number, toMs: number): number => Math.max(0, toMs - Math.max(fromMs, scoreFromMs));
  const changed = (): void => {
    pods = null;
    nextReadyMs = starting.reduce((soonest, pod) => Math.min(soonest, pod.readyMs), Infinity);
  };
  const { nodes: nodeModel = null } = options.start;
  const nodes = nodeModel === null ? null : createNodePool(nodeModel.reaction, scoredMs);
  const launch = (nowMs: number): void => {
    starting.push(starts.begin(nextId++, { nowMs, node: nodes?.take(nowMs) }));
    if (nowMs >= scoreFromMs) sums.starts++;
  };
  const nodeCount = (): number => ready.length + starting.length + ending.length + (nodes?.count ?? 0) + 1;
  const leave = (node: { launchMs: number; upMs: number }, nowMs: number): void =>
    nodes?.leave(node, { nowMs, nodeCount: nodeCount() });
  const advanceNodes = (nowMs: number): void => {
    if (nodes === null) return;
    for (const { askedMs } of starting) {
      if (askedMs !== null && askedMs <= nowMs) lastAskedMs = Math.max(lastAskedMs ?? 0, askedMs);
    }
    settle(nowMs);
    nodes.advanceTo(nowMs, lastAskedMs);
  };
  const retire = (pod: Pod, nowMs: number): void => {
    ready.splice(ready.indexOf(pod), 1);
    const endMs = events.retire(pod.id, nowMs) ?? Infinity;
    ending.push({ id: pod.id, launchMs: pod.launchMs, endMs });
  };
  const settle = (nowMs: number): void => {
    const over = ending.filter((pod) => pod.endMs <= nowMs);
    if (over.length === 0) return;
    ending = ending.filter((pod) => pod.endMs > nowMs);
    for (const pod of over) {
      sums.ms += scoredMs(pod.launchMs, pod.endMs);
      leave({ launchMs: pod.launchMs, upMs: pod.endMs }, pod.endMs);
    }
  };
  const removeOne = (nowMs: number): void => {
    // Both lists are in order of creation: the youngest is the last.
    const cancelled = starting.pop();
    if (cancelled !== undefined) {
      sums.ms += scoredMs(cancelled.launchMs, nowMs);
      // What was asked for comes, wanted or not.
      if ((cancelled.askedMs ?? nowMs) <= nowMs)
        leave({ launchMs: cancelled.launchMs, upMs: starts.upMs(cancelled) }, nowMs);
      return;
    }
    const victim = ready.findLast((pod) => events.isIdle(pod.id)) ?? ready.at(-1);
    assert(victim !== undefined, 'there is a replica to remove');
    retire(victim, nowMs);
  };
  const makeReady = (nowMs: number): void => {
    if (nextReadyMs > nowMs) return;
    const due = starting.filter((pod) => pod.readyMs <= nowMs).toSorted((one, other) => one.readyMs - other.readyMs);
    starting = starting.filter((pod) => pod.readyMs > nowMs);
    for (const pod of due) {
      ready.push(pod);
      events.ready(pod.id, pod.readyMs);
    }
    ready.sort((one, other) => one.id - other.id);
    changed();
  };
  const noteDirection = (replicas: number, nowMs: number): void => {
    const direction = Math.sign(replicas - specReplicas);
    if (lastDirection !== 0 && direction !== lastDirection && nowMs >= scoreFromMs) sums.turns++;
    lastDirection = direction;
  };

  for (let index = 0; index < options.replicas; index++) {
    const pod = readyPod(nextId++, startMs);
    ready.push(pod);
    events.ready(pod.id, startMs);
  }

  return {
    get specReplicas() {
      return specReplicas;
    },
    get readyReplicas() {
      return ready.length;
    },
    get pods() {
      pods ??= [...ready, ...starting].toSorted((one, other) => one.id - other.id).map(viewOf(ready));
      return pods;
    },
    get nextReadyMs() {
      return nextReadyMs;
    },
    advanceTo: (nowMs) => {
      advanceNodes(nowMs);
      makeReady(nowMs);
    },
    scale: (replicas, nowMs) => {
      assert(Number.isInteger(replicas) && replicas >= 0, `replicas are a whole number of 0 or more, not ${replicas}`);
      if (replicas === specReplicas) return;
      noteDirection(replicas, nowMs);
      settle(nowMs);
      advanceNodes(nowMs);
      while (ready.length + starting.length > replicas) removeOne(nowMs);
      while (ready.length + starting.length < replicas) launch(nowMs);
      starting = starts.askAgain(starting, nowMs);
      specReplicas = replicas;
      if (nowMs < scoreFromMs) sums.max = replicas;
      else sums.max = Math.max(sums.max, replicas);
      changed();
      makeReady(nowMs);
    },
    drained: (id, atMs) => {
      const pod = ending.find((candidate) => candidate.id === id);
      assert(pod !== undefined, `replica ${id} is draining`);
      pod.endMs = atMs;
    },
    totals: (nowMs) => {
      settle(nowMs);
      const open = [...ready, ...starting, ...ending].reduce((sum, pod) => sum + scoredMs(pod.launchMs, nowMs), 0);
      return {
        replicaSec: (sums.ms + open + (nodes?.emptyMs(nowMs) ?? 0)) / 1000,
        replicaStarts: sums.starts,
        directionChanges: sums.turns,
        replicasMax: sums.max,
      };
    },
  };
}

function viewOf(ready: readonly Pod[]): (pod: Pod) => PodView {
  const served = new Set(ready);
  return (pod) => ({ id: pod.id, createdMs: pod.createdMs, readyMs: served.has(pod) ? pod.readyMs : null });
}

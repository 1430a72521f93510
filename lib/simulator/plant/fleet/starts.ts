/** When a replica that is created gets ready: on a node that is there, or on one that is asked for. */
import type { NodeModel, StartModel } from '../contract.ts';
import type { NodePool } from './node-pool.ts';
import { startDraws } from './start-draw.ts';
import type { StartDraw } from './start-draw.ts';

/** A replica; times [ms]. */
export type Pod = {
  readonly id: number;
  readonly createdMs: number;
  /** When its node is asked for; null: it was there. Later pods may still move a time that has not come. */
  readonly askedMs: number | null;
  readonly launchMs: number;
  readonly readyMs: number;
  readonly draw: StartDraw;
};

export type Starts = {
  /** A replica that is created now. `node`: the free one that it takes. */
  begin(id: number, of: { readonly nowMs: number; readonly node: ReturnType<NodePool['take']> }): Pod;
  /** Pods that are pending together are asked for together: new ones may move those that are not asked for yet. */
  askAgain(starting: Pod[], nowMs: number): Pod[];
  /** When the node of a replica that starts is up [ms]. */
  upMs(pod: Pod): number;
};

/** A replica that was there before the trace. */
export function readyPod(id: number, startMs: number): Pod {
  const draw = { waitMs: 0, takesMs: 0 };
  return { id, createdMs: startMs, askedMs: null, launchMs: startMs, readyMs: startMs, draw };
}

/** Starts of a model; the same for the same seed and order. */
export function createStarts(model: StartModel, seed: number): Starts {
  const draw = startDraws(model, seed);
  const { nodes = null } = model;
  const warmMs = ({ takesMs }: StartDraw): number => Math.round(takesMs * (nodes?.warmStartRatio ?? 1));
  return {
    begin: (id, { nowMs, node }) => {
      const pod = { id, createdMs: nowMs, draw: draw() };
      if (node === undefined) return onNewNode(pod, nowMs);
      const launchMs = Math.max(nowMs, node.paidFromMs);
      return { ...pod, askedMs: null, launchMs, readyMs: Math.max(nowMs, node.upMs) + warmMs(pod.draw) };
    },
    askAgain: (starting, nowMs) => (nodes === null ? starting : askTogether(starting, { nowMs, nodes })),
    upMs: (pod) => pod.readyMs - warmMs(pod.draw),
  };
}

function onNewNode(pod: Pick<Pod, 'id' | 'createdMs' | 'draw'>, askedMs: number): Pod {
  const launchMs = askedMs + pod.draw.waitMs;
  return { ...pod, askedMs, launchMs, readyMs: launchMs + pod.draw.takesMs };
}

function askTogether(starting: readonly Pod[], of: { readonly nowMs: number; readonly nodes: NodeModel }): Pod[] {
  const { nowMs } = of;
  const pending = starting.filter((pod) => pod.askedMs !== null);
  const created = pending.map((pod) => pod.createdMs);
  return starting.map((pod) => {
    const isOpen = pod.askedMs !== null && (pod.askedMs > nowMs || pod.createdMs === nowMs);
    if (!isOpen) return pod;
    const othersPendingSinceMs = created.toSpliced(pending.indexOf(pod), 1);
    const delayMs = of.nodes.reaction.upDelayMs({ pendingSinceMs: pod.createdMs, othersPendingSinceMs });
    return onNewNode(pod, Math.max(nowMs, pod.createdMs + delayMs));
  });
}

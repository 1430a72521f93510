/** Several orchestrators seen as one: each kind of target is observed by the view that knows it. */
import type { Clock } from '../base/clock.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import type { Snapshot, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import { attempt, refuseNothing } from './parts.ts';

export type ViewsByKind = {
  /** By target kind. A text says why this kind cannot be observed. */
  readonly views: ReadonlyMap<string, ClusterView | string>;
  /** Every other kind, and the node groups. A text says why there is no such cluster. */
  readonly otherwise: ClusterView | string;
  readonly clock: Clock;
};

/** One outage spoils only the targets behind it. The time of the snapshot is that of its oldest part. */
export function clusterViewByKind({ views, otherwise, clock }: ViewsByKind): ClusterView {
  return {
    observe: async (asked) => {
      const { nodeGroups, groupsMsMax } = asked;
      const shares = new Map<ClusterView | string, ScalingPolicy[]>();
      if (nodeGroups.length > 0) shares.set(otherwise, []);
      for (const policy of asked.workloads) {
        const view = views.get(policy.spec.target.kind) ?? otherwise;
        shares.set(view, [...(shares.get(view) ?? []), policy]);
      }
      const parts = [...shares].map(([view, workloads]) =>
        observePart(view, {
          workloads,
          nodeGroups: view === otherwise ? nodeGroups : [],
          ...(groupsMsMax === undefined ? {} : { groupsMsMax }),
          clock,
        }),
      );
      const snapshot = joined(await Promise.all(parts), clock.nowMs());
      refuseNothing(snapshot);
      return snapshot;
    },
    close: async () => {
      const open = [...views.values(), otherwise].filter((view) => typeof view !== 'string');
      await Promise.allSettled(open.map((view) => view.close()));
    },
  };
}

type Share = Parameters<ClusterView['observe']>[0] & { readonly clock: Clock };

async function observePart(view: ClusterView | string, { clock, ...asked }: Share): Promise<Snapshot> {
  const atMs = clock.nowMs();
  const part =
    typeof view === 'string' ? { ok: false as const, reason: view } : await attempt(() => view.observe(asked));
  if (part.ok) return part.value;
  const missing: TargetObservation = { kind: 'missing', reason: part.reason };
  return {
    atMs,
    targets: Object.fromEntries(asked.workloads.map((policy) => [policy.metadata.name, missing])),
    nodeGroups: Object.fromEntries(asked.nodeGroups.map((policy) => [policy.metadata.name, missing])),
  };
}

function joined(parts: readonly Snapshot[], nowMs: number): Snapshot {
  const asOfMs = Math.min(nowMs, ...parts.map((part) => part.asOfMs ?? part.atMs));
  const atMs = Math.min(nowMs, ...parts.map((part) => part.atMs));
  const groupsAsOfMs = Math.min(atMs, ...parts.map((part) => part.groupsAsOfMs ?? atMs));
  return {
    atMs,
    ...(asOfMs < atMs ? { asOfMs } : {}),
    ...(groupsAsOfMs < atMs ? { groupsAsOfMs } : {}),
    targets: Object.assign({}, ...parts.map((part) => part.targets)),
    nodeGroups: Object.assign({}, ...parts.map((part) => part.nodeGroups)),
  };
}

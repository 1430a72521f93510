/** Node groups described at a bounded pace: AWS limits the rate of these calls, and mostly nothing has changed. */
import { TransientError } from '../base/errors.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { NodeGroupObservation } from '../core/types.ts';
import { describeGroups } from './kubernetes-reads.ts';
import type { KubernetesEksOptions } from './kubernetes-reads.ts';
import type { SeenGroup } from './kubernetes-source.ts';

export type PacedGroups = {
  /** By policy name; never rejects. A described group that cannot be described again is shown for {@link GROUP_AGE_MS_MAX}, with its age. */
  describe(policies: readonly NodeGroupPolicy[]): Promise<ReadonlyMap<string, SeenGroup>>;
  /** What was made of it: a group in which something is under way is described at every look. */
  note(observed: Readonly<Record<string, NodeGroupObservation>>): void;
};

/** A group in which nothing is under way [ms]: three calls a minute. Below the age from which nothing shrinks, by the time of a few looks. */
export const SETTLED_MS = 20_000;
/** After a call that failed [ms]. */
const FAILED_MS = 5_000;
/** As for what is watched: older than this it is not shown any more [ms]. */
const GROUP_AGE_MS_MAX = 45_000;

type Described = {
  readonly seen: SeenGroup;
  readonly triedMs: number;
  readonly atMs: number;
  readonly changes: number;
  readonly provider: string;
};

/** Nothing is described yet. */
export function pacedGroups(options: KubernetesEksOptions): PacedGroups {
  const { clock, aws } = options;
  const known = new Map<string, Described>();
  const settled = new Set<string>();

  const isDue = (policy: NodeGroupPolicy): boolean => {
    const { name } = policy.metadata;
    const last = known.get(name);
    if (last === undefined || last.provider !== providerOf(policy)) return true;
    const sinceMs = clock.monotonicMs() - last.triedMs;
    // Whatever we have changed at AWS since may show in any group.
    if (last.changes !== (aws?.changes() ?? 0)) return true;
    if (last.triedMs !== last.atMs || !last.seen.ok) return sinceMs >= FAILED_MS;
    return !settled.has(name) || sinceMs >= SETTLED_MS;
  };

  return {
    describe: async (policies) => {
      const due = policies.filter(isDue);
      const triedMs = clock.monotonicMs();
      const asOfMs = clock.nowMs();
      const changes = aws?.changes() ?? 0;
      for (const [name, part] of await describeGroups(options, due)) {
        const policy = due.find((one) => one.metadata.name === name);
        const provider = policy === undefined ? '' : providerOf(policy);
        const last = known.get(name);
        const isKept =
          !part.ok && part.error instanceof TransientError && last?.seen.ok === true && last.provider === provider;
        if (isKept && triedMs - last.atMs < GROUP_AGE_MS_MAX) known.set(name, { ...last, triedMs, changes });
        else known.set(name, { seen: { ...part, asOfMs }, triedMs, atMs: triedMs, changes, provider });
      }
      return new Map(
        policies.flatMap(({ metadata: { name } }) => {
          const seen = known.get(name)?.seen;
          return seen === undefined ? [] : [[name, seen] as const];
        }),
      );
    },
    note: (observed) => {
      for (const [name, group] of Object.entries(observed)) {
        if (isSettled(group)) settled.add(name);
        else settled.delete(name);
      }
    },
  };
}

function isSettled(group: NodeGroupObservation): boolean {
  if (group.kind !== 'observed' || group.status !== 'active' || group.issues.length > 0) return false;
  return group.nodes.filter((node) => node.ready).length === group.desired;
}

function providerOf({ spec }: NodeGroupPolicy): string {
  return JSON.stringify(spec.provider);
}

/** Node groups described at a bounded pace: AWS limits the rate of these calls, and mostly nothing has changed. */
import { TransientError } from '../base/errors.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import type { NodeGroupObservation, Snapshot } from '../core/types.ts';
import { describeGroups } from './kubernetes-reads.ts';
import type { DescribedGroup, KubernetesEksOptions } from './kubernetes-reads.ts';
import type { SeenGroup } from './kubernetes-source.ts';

export type PacedGroups = {
  /**
   * By policy name; never rejects. `groupsMsMax`: what is older is described anew [ms]. A group that cannot be described again is shown as it was, with its age, for
   * {@link AGE_MS_MAX}; a quiet one that nobody asks more of for {@link LATE_MS_MAX} from the first call that failed.
   */
  describe(
    policies: readonly NodeGroupPolicy[],
    of?: { readonly groupsMsMax?: number | undefined },
  ): Promise<ReadonlyMap<string, SeenGroup>>;
  /** What was made of it: it tells how soon a group is described again. */
  note(snapshot: Snapshot): void;
  /** Names that are remembered. */
  known(): number;
};

/**
 * How old the description of a group may become [ms]. `busy`: something is under way in it; it is described at every look. `waiting`: a pod waits for a node, or a node
 * is going or closed to pods, so that something may begin soon. `quiet`: none of that; whoever lowers anything has it described anew first (`groupsMsMax`).
 */
export const DESCRIBED_EVERY_MS = { busy: 0, waiting: 20_000, quiet: 300_000 } as const;
/** After a call that failed [ms]. */
const FAILED_MS = 5_000;
/** As for what is watched: older than this it is not shown any more [ms], */
const AGE_MS_MAX = 45_000;
/** but that one call which fails must not take a quiet group away [ms]. */
const LATE_MS_MAX = 25_000;
/** A name that nobody has asked for is forgotten after so long [ms]. */
const UNUSED_MS_MAX = 600_000;

type Activity = keyof typeof DESCRIBED_EVERY_MS;

type Known = {
  readonly provider: string;
  askedMs: number;
  /** Of the last call. */
  triedMs: number;
  changes: number;
  /** The last whole answer. */
  good?: { readonly value: DescribedGroup; readonly asOfMs: number; readonly atMs: number } | undefined;
  /** Why the last call brought none. */
  failure?: SeenGroup & { readonly ok: false };
  /** Of the first of the calls in a row that brought none. */
  failingMs?: number;
  activity: Activity;
  /** Its nodes as they were noted last; what differs brings a new description. */
  nodes?: string;
  isStirred: boolean;
};

/** Nothing is described yet. */
export function pacedGroups(options: KubernetesEksOptions): PacedGroups {
  const { clock, aws } = options;
  const known = new Map<string, Known>();

  const isDue = (policy: NodeGroupPolicy, everyMsMax: number): boolean => {
    const last = known.get(policy.metadata.name);
    if (last === undefined || last.provider !== providerOf(policy)) return true;
    // Whatever we have changed at AWS since may show in any group.
    if (last.changes !== (aws?.changes() ?? 0)) return true;
    const nowMs = clock.monotonicMs();
    if (last.failure !== undefined || last.good === undefined) return nowMs - last.triedMs >= FAILED_MS;
    const everyMs = Math.min(DESCRIBED_EVERY_MS[last.activity], everyMsMax);
    return last.isStirred || nowMs - last.good.atMs >= everyMs;
  };

  const seenOf = (name: string, isDemanded: boolean): SeenGroup | undefined => {
    const { good, failure, failingMs = -Infinity } = known.get(name) ?? {};
    if (good === undefined) return failure;
    const nowMs = clock.monotonicMs();
    const isShown = nowMs - good.atMs < AGE_MS_MAX || (!isDemanded && nowMs - failingMs < LATE_MS_MAX);
    return failure === undefined || isShown ? { ok: true, value: good.value, asOfMs: good.asOfMs } : failure;
  };

  const forgetUnused = (nowMs: number): void => {
    for (const [name, { askedMs }] of known) if (nowMs - askedMs >= UNUSED_MS_MAX) known.delete(name);
  };

  return {
    describe: async (policies, { groupsMsMax = Infinity } = {}) => {
      const due = policies.filter((policy) => isDue(policy, groupsMsMax));
      const triedMs = clock.monotonicMs();
      const asOfMs = clock.nowMs();
      const changes = aws?.changes() ?? 0;
      const parts = await describeGroups(options, due);
      for (const policy of due) {
        const { name } = policy.metadata;
        const part = parts.get(name);
        if (part === undefined) continue;
        const provider = providerOf(policy);
        const before = known.get(name)?.provider === provider ? known.get(name) : undefined;
        const tried = { provider, askedMs: triedMs, triedMs, changes, activity: before?.activity ?? 'busy' } as const;
        if (part.ok) {
          const nodes = before?.nodes === undefined ? {} : { nodes: before.nodes };
          known.set(name, { ...tried, ...nodes, good: { value: part.value, asOfMs, atMs: triedMs }, isStirred: false });
        } else {
          // Another answer than none: what was known of it holds no longer.
          const good = part.error instanceof TransientError ? before?.good : undefined;
          const failingMs = before?.failingMs ?? triedMs;
          known.set(name, { ...tried, good, failure: { ...part, asOfMs }, failingMs, isStirred: true });
        }
      }
      for (const { metadata } of policies) {
        const one = known.get(metadata.name);
        if (one !== undefined) one.askedMs = triedMs;
      }
      forgetUnused(triedMs);
      return new Map(
        policies.flatMap(({ metadata: { name } }) => {
          const seen = seenOf(name, groupsMsMax < Infinity);
          return seen === undefined ? [] : [[name, seen] as const];
        }),
      );
    },
    known: () => known.size,
    note: ({ targets, nodeGroups }) => {
      const isAwaited = Object.values(targets).some(
        (target) => target.kind === 'observed' && target.pods.some((pod) => pod.unschedulable),
      );
      for (const [name, group] of Object.entries(nodeGroups)) {
        const one = known.get(name);
        if (one === undefined) continue;
        one.activity = activityOf(group, isAwaited);
        const nodes = nodesOf(group);
        one.isStirred ||= one.nodes !== undefined && one.nodes !== nodes;
        one.nodes = nodes;
      }
    },
  };
}

function activityOf(group: NodeGroupObservation, isAwaited: boolean): Activity {
  if (group.kind !== 'observed' || group.status !== 'active' || group.issues.length > 0) return 'busy';
  if (group.nodes.filter((node) => node.ready).length !== group.desired) return 'busy';
  const isGoing = group.nodes.some((node) => !node.schedulable || node.leaving !== undefined);
  return isAwaited || isGoing ? 'waiting' : 'quiet';
}

/** Which nodes there are, and what is said of them. */
function nodesOf(group: NodeGroupObservation): string {
  if (group.kind !== 'observed') return '';
  return group.nodes
    .map(({ name, ready, schedulable, leaving }) => `${name} ${ready} ${schedulable} ${leaving ?? ''}`)
    .toSorted()
    .join('\n');
}

function providerOf({ spec }: NodeGroupPolicy): string {
  return JSON.stringify(spec.provider);
}

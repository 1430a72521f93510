/** How the strategy came to the count of a workload that got less than it wants: a clause with its figures. */
import { count } from '../format.ts';
import { total } from '../nodes/gpus.ts';
import type { AllocationClaim, Turn } from './contract.ts';
import { classOf } from './ledger.ts';
import { FLOORS } from './turns.ts';
import type { ServedTurn } from './turns.ts';

type Counts = ReadonlyMap<string, number>;

/** Competitors of one class in one turn, summed. */
type Rivals = { readonly claim: AllocationClaim; workloads: number; part: number; gpus: number };

/** By workload that got less than it wants: `fair: weight 2 of 3 in tier 1, 4 GPUs left after …`. */
export function becauseOf(
  served: readonly ServedTurn[],
  of: { readonly strategy: string; readonly granted: Counts },
): ReadonlyMap<string, string> {
  const floors = new Map(served.filter(({ turn }) => turn.name === FLOORS).flatMap(({ replicas }) => [...replicas]));
  const turns = served.map(({ turn }) => turn).filter((turn) => turn.name !== FLOORS);
  return new Map(
    turns.flatMap((turn, index) => {
      const after = turns[index - 1]?.name ?? FLOORS;
      return sentencesOf(turn, { ...of, floors, after });
    }),
  );
}

type Parts = {
  readonly strategy: string;
  readonly granted: Counts;
  readonly floors: Counts;
  /** What was served before. */
  readonly after: string;
};

function sentencesOf(turn: Turn, parts: Parts): readonly (readonly [string, string])[] {
  const rivals = rivalsOf(turn, parts);
  const known = new Map<string, Rivals>();
  return turn.entries.flatMap(({ claim, part }): readonly (readonly [string, string])[] => {
    if ((parts.granted.get(claim.workload) ?? claim.held) >= claim.wanted) return [];
    const key = classOf(claim);
    const all =
      known.get(key) ??
      sumOf(
        rivals.filter((each) => meets(each.claim, claim)),
        claim,
      );
    known.set(key, all);
    const isAlone = all.workloads < 2;
    const share = isAlone ? `alone in ${turn.name}` : `${turn.describe(part, all.part)} in ${turn.name}`;
    const left = `${count(all.gpus, 'GPU')} left after ${parts.after}`;
    const { step = 1, podsPerReplica = 1 } = claim;
    const pods = podsPerReplica > 1 ? `, ${podsPerReplica} pods with GPUs a replica` : '';
    const gang = step > podsPerReplica ? `${pods}, ${step / podsPerReplica} replicas at a time` : pods;
    const why = turn.why === undefined || isAlone ? '' : ` (${turn.why})`;
    return [[claim.workload, `${parts.strategy}: ${share}, ${left}${gang}${why}`]];
  });
}

/** Those who wanted more than they had when the turn began, by class. */
function rivalsOf(turn: Turn, { granted, floors }: Parts): readonly Rivals[] {
  const rivals = new Map<string, Rivals>();
  for (const { claim, part } of turn.entries) {
    const before = floors.get(claim.workload) ?? claim.held;
    if (before >= claim.wanted) continue;
    const key = classOf(claim);
    const of = rivals.get(key) ?? { claim, workloads: 0, part: 0, gpus: 0 };
    of.workloads += 1;
    of.part += part;
    of.gpus += Math.max(0, (granted.get(claim.workload) ?? before) - before) * total(claim.gpus);
    rivals.set(key, of);
  }
  return [...rivals.values()];
}

function sumOf(rivals: readonly Rivals[], claim: AllocationClaim): Rivals {
  const sum = (of: (each: Rivals) => number): number => rivals.reduce((all, each) => all + of(each), 0);
  return {
    claim,
    workloads: sum((each) => each.workloads),
    part: sum((each) => each.part),
    gpus: sum((each) => each.gpus),
  };
}

/** True when both may use GPUs of one name in one group. */
function meets(a: AllocationClaim, b: AllocationClaim): boolean {
  return (
    a.groups.some((group) => b.groups.includes(group)) &&
    Object.keys(a.gpus).some((name) => (a.gpus[name] ?? 0) > 0 && (b.gpus[name] ?? 0) > 0)
  );
}

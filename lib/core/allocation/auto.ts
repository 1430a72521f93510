/** Chooses by the kind of task: what serves interactive inference well is wrong for a queue, and neither suits training. */
import { total } from '../nodes/gpus.ts';
import type { AllocationClaim, AllocationStrategy, Turn, TurnEntry, WorkKind } from './contract.ts';
import { byFairness, byLoadText, byWantText, byWeightText, tiersOf } from './strategies.ts';

type SizeOf = (claim: AllocationClaim) => number;
type Rule = {
  readonly why: string;
  readonly describe: Turn['describe'];
  readonly entriesOf: (claims: readonly AllocationClaim[], sizeOf: SizeOf) => readonly TurnEntry[];
};

/** In the order in which a tier is served: people wait now, a queue can wait, training can wait longest. */
const RULES: Readonly<Record<WorkKind, Rule>> = {
  interactive: {
    why: 'interactive: small wants are met whole, then where a GPU saves most waiting',
    describe: byWeightText,
    entriesOf: (claims, sizeOf) => byFairness(claims, sizeOf).flatMap((turn) => turn.entries),
  },
  batch: {
    why: 'batch: by weighted load, so that queues drain in the same time',
    describe: byLoadText,
    entriesOf: (claims, sizeOf) =>
      claims.map((claim) => ({
        claim,
        weight: claim.weight * claim.load * sizeOf(claim),
        part: claim.weight * claim.load * total(claim.gpus),
      })),
  },
  training: {
    why: 'training: whole gangs, by weighted want, so that jobs are slowed alike',
    describe: byWantText,
    entriesOf: (claims, sizeOf) =>
      claims.map((claim) => ({
        claim,
        weight: claim.weight * claim.wanted * sizeOf(claim),
        part: claim.weight * claim.wanted * total(claim.gpus),
      })),
  },
};

const KINDS: readonly WorkKind[] = ['interactive', 'batch', 'training'];

/** Tiers first, because people set them on purpose; within a tier the kinds in turn, each by its own rule. */
export const byKind: AllocationStrategy = (claims, sizeOf) =>
  tiersOf(claims).flatMap((tier) =>
    KINDS.flatMap((kind): readonly Turn[] => {
      const ofKind = tier.filter((claim) => claim.kind === kind);
      if (ofKind.length === 0) return [];
      const { why, describe, entriesOf } = RULES[kind];
      const name = `${kind} work of tier ${ofKind[0]?.tier ?? 1}`;
      return [{ name, why, describe, entries: entriesOf(ofKind, sizeOf) }];
    }),
  );

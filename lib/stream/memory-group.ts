/** A consumer group in memory: who has which partition, and what was committed. */
import { keyOf, type PartitionId } from './positions.ts';

/** What the group needs of a member. */
export type GroupMember = {
  /** Resolves when no batch is in the handlers any more and none will be begun. */
  revoke(): Promise<void>;
  assign(partitions: readonly PartitionId[]): Promise<void>;
};

export type MemoryGroup = {
  readonly committed: Map<string, number>;
  /** Resolves when the partitions are spread over the old members and this one. */
  join(member: GroupMember, partitions: readonly PartitionId[]): Promise<void>;
  leave(member: GroupMember): Promise<void>;
};

/** Every join and leave stops all members, spreads the partitions anew in a fixed order, and lets them go on: as Kafka's classic protocol does. */
export function memoryGroup(): MemoryGroup {
  const committed = new Map<string, number>();
  const wanted = new Map<GroupMember, readonly PartitionId[]>();
  let last: Promise<void> = Promise.resolve();

  const rebalance = async (change: () => void): Promise<void> => {
    const before = [...wanted.keys()];
    await Promise.all(before.map((member) => member.revoke()));
    change();
    const shares = spread(wanted);
    await Promise.all([...shares].map(([member, partitions]) => member.assign(partitions)));
  };
  // One after the other, whatever became of the one before.
  const queue = (change: () => void): Promise<void> => {
    last = last.then(
      () => rebalance(change),
      () => rebalance(change),
    );
    return last;
  };

  return {
    committed,
    join: (member, partitions) => queue(() => wanted.set(member, partitions)),
    leave: (member) => queue(() => wanted.delete(member)),
  };
}

/** Round robin over the members that want a partition. */
function spread(
  wanted: ReadonlyMap<GroupMember, readonly PartitionId[]>,
): ReadonlyMap<GroupMember, readonly PartitionId[]> {
  const shares = new Map([...wanted.keys()].map((member): [GroupMember, PartitionId[]] => [member, []]));
  const takers = new Map<string, { readonly partition: PartitionId; readonly members: GroupMember[] }>();
  for (const [member, partitions] of wanted) {
    for (const partition of partitions) {
      const taker = takers.get(keyOf(partition)) ?? { partition, members: [] };
      taker.members.push(member);
      takers.set(keyOf(partition), taker);
    }
  }
  for (const [index, { partition, members }] of [...takers.values()].entries()) {
    const member = members[index % members.length];
    if (member !== undefined) shares.get(member)?.push(partition);
  }
  return shares;
}

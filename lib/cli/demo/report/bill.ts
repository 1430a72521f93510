/** What the day cost, and what it would have cost with the largest fleet of the day kept from its beginning to its end. */
import type { World } from '../../../simulator/world/world.ts';

export type Cost = { readonly gpuHours: number; readonly usd: number };

export type Bill = {
  /** Looks at the fleet; one that comes and goes between two looks is not seen. */
  look(): void;
  /** From the beginning until now. `constant`: the largest count of GPUs and the dearest hour that were seen, for the whole time. */
  read(): { readonly cost: Cost; readonly constant: Cost };
};

const MS_PER_HOUR = 3_600_000;

/** Begins now. */
export function makeBill(cloud: World): Bill {
  const startMs = cloud.nowMs();
  const before = cloud.cost();
  let gpusMax = 0;
  let usdPerHourMax = 0;
  const look = (): void => {
    const groups = [...cloud.state.groups.values()];
    gpusMax = Math.max(
      gpusMax,
      sumOf(groups, (group) => group.instances.size * group.gpusPerNode),
    );
    usdPerHourMax = Math.max(usdPerHourMax, usdPerHour(cloud));
  };
  return {
    look,
    read: () => {
      look();
      const now = cloud.cost();
      const hours = (cloud.nowMs() - startMs) / MS_PER_HOUR;
      return {
        cost: { gpuHours: now.gpuHours - before.gpuHours, usd: now.usd - before.usd },
        constant: { gpuHours: gpusMax * hours, usd: usdPerHourMax * hours },
      };
    },
  };
}

/** What the instances of all node groups cost now [USD/h]. */
export function usdPerHour(cloud: World): number {
  return sumOf([...cloud.state.groups.values()], (group) => group.instances.size * group.usdPerHour);
}

function sumOf<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + valueOf(item), 0);
}

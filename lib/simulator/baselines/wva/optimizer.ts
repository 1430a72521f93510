/** Cost-aware optimizer of llm-d's workload-variant-autoscaler (commit b08b1c77, 2026-02), without a GPU limit. */

/** `cost` of a replica in any unit; `capacityTokens` 0: unknown, the variant is left alone. */
export type WvaOption = {
  readonly variant: string;
  readonly currentReplicas: number;
  readonly cost: number;
  readonly capacityTokens: number;
};

/** Replicas by variant: all that is required from the one that is cheapest for its capacity, or all that can be
 *  spared from the dearest one on. The cheapest variant keeps one replica unless a dearer one has some. Rounds up and down. */
export function wvaCostAwareTargets(
  options: readonly WvaOption[],
  needs: { readonly requiredCapacityTokens: number; readonly spareCapacityTokens: number },
): Readonly<Record<string, number>> {
  const targets = Object.fromEntries(options.map(({ variant, currentReplicas }) => [variant, currentReplicas]));
  const usable = options.filter(({ capacityTokens }) => capacityTokens > 0);
  if (needs.requiredCapacityTokens > 0) {
    const best = usable.toSorted((left, right) => efficiency(left) - efficiency(right))[0];
    if (best)
      targets[best.variant] = best.currentReplicas + Math.ceil(needs.requiredCapacityTokens / best.capacityTokens);
  } else if (needs.spareCapacityTokens > 0) {
    removeSpare(targets, { usable, spareTokens: needs.spareCapacityTokens });
  }
  return targets;
}

function removeSpare(
  targets: Record<string, number>,
  { usable, spareTokens }: { readonly usable: readonly WvaOption[]; readonly spareTokens: number },
): void {
  const byCost = usable.toSorted((left, right) => right.cost - left.cost);
  const cheapest = byCost.at(-1);
  let leftTokens = spareTokens;
  for (const option of byCost) {
    const dearerRun = byCost.some(({ variant }) => variant !== option.variant && (targets[variant] ?? 0) > 0);
    const keep = option === cheapest && !dearerRun ? 1 : 0;
    const removable = Math.max(0, option.currentReplicas - keep);
    const removed = Math.min(Math.floor(leftTokens / option.capacityTokens), removable);
    targets[option.variant] = option.currentReplicas - removed;
    leftTokens -= removed * option.capacityTokens;
  }
}

function efficiency({ cost, capacityTokens }: WvaOption): number {
  return cost / capacityTokens;
}

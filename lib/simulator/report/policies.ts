/** The policies of a report: which is which, and in what order they are shown. */
import type { PolicyFigures, ReplayReport } from './types.ts';

/** The policy that is Penstock itself. */
export const PENSTOCK = 'penstock';
/** The clairvoyant bound; not something that can be run. */
export const OPTIMUM = 'optimum';

/** A planner's rule with hindsight; no bound, and not something that can be run. */
export const WINDOW_RULE = 'windowRule';

/** Whether it is something that knows the future, and no policy. */
export function isYardstick(name: string): boolean {
  return name === OPTIMUM || name === WINDOW_RULE;
}

/** Whom a reader most likely runs today, likeliest first. */
const USUAL = ['hpa', 'keda', 'knative'];

export type NamedPolicy = { readonly name: string; readonly figures: PolicyFigures };

/** `hpa` of `hpa:tuned`. */
export function baseOf(name: string): string {
  return name.split(':')[0] ?? name;
}

/** All policies, cheapest first; equal ones by misses, then by name. */
export function policiesByCost(report: ReplayReport): readonly NamedPolicy[] {
  return Object.entries(report.policies)
    .map(([name, figures]) => ({ name, figures }))
    .toSorted(cheaperFirst);
}

/** What Penstock is compared with: everything but itself and the yardsticks, cheapest first. */
export function peersByCost(report: ReplayReport): readonly NamedPolicy[] {
  return policiesByCost(report).filter(({ name }) => baseOf(name) !== PENSTOCK && !isYardstick(name));
}

/** The peer as most people run it: `hpa`, else `keda`, else `knative`, else the first by name. Undefined without peers. */
export function usualPeer(report: ReplayReport): NamedPolicy | undefined {
  const peers = peersByCost(report);
  const usual = USUAL.map((name) => peers.find((peer) => peer.name === name)).find((peer) => peer !== undefined);
  return usual ?? peers.toSorted((one, other) => byText(one.name, other.name))[0];
}

/** The cheapest peer with at most `missCount` misses, in whole requests; undefined when each missed more. */
export function cheapestPeer(report: ReplayReport, missCount: number): NamedPolicy | undefined {
  return peersByCost(report).find(({ figures }) => Math.round(figures.sloMissCount) <= Math.round(missCount));
}

/** Order of code units: the same everywhere, whatever the locale. */
export function byText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function cheaperFirst(one: NamedPolicy, other: NamedPolicy): number {
  return (
    one.figures.gpuHours - other.figures.gpuHours ||
    one.figures.sloMissCount - other.figures.sloMissCount ||
    byText(one.name, other.name)
  );
}

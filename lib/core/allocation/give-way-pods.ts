/** Which pods give way: on the node where fewest have to, of the lowest tier first, idle ones first. */
import type { PoolInput, PoolWorkload } from '../decide-types.ts';
import { fits, minus, plus } from '../nodes/gpus.ts';
import { replicaShapeOf } from '../nodes/replica-pods.ts';
import type { Supply } from '../nodes/supply.ts';
import type { GpuCounts, PodObservation } from '../types.ts';
import type { Given } from './given-way.ts';

/** A replica runs at least so long before it is asked for [ms]: it has just loaded its model. */
const RUN_MS_MIN = 600_000;

/** A workload that may give replicas. */
export type Giver = {
  readonly workload: PoolWorkload;
  /** What it stands at. */
  readonly replicas: number;
  /** Above its minimum. */
  spare: number;
  /** That may go this minute. */
  allowed: number;
};

export type Pick = { readonly giver: string; readonly pod: string; readonly for: string };

type Candidate = {
  readonly giver: string;
  readonly pod: string;
  readonly gpus: GpuCounts;
  readonly tier: number;
  readonly weight: number;
  readonly work: number;
};

type Plot = {
  readonly name: string;
  readonly group: string;
  /** Free, or about to be. */
  free: GpuCounts;
  candidates: readonly Candidate[];
};

export type Ground = { readonly plots: readonly Plot[]; readonly givers: ReadonlyMap<string, Giver> };

/** Nodes that take pods: what is free there or will be, and which pods could go. */
export function groundOf(
  input: PoolInput,
  of: {
    readonly supply: Supply;
    readonly givers: ReadonlyMap<string, Giver>;
    readonly given: readonly Given[];
  },
): Ground {
  const bins = [...of.supply.bins.free.values()].flat();
  const plots = bins.map(({ nodeName, group, free }): Plot => ({ name: nodeName ?? '', group, free, candidates: [] }));
  const byName = new Map(plots.map((plot) => [plot.name, plot]));
  for (const workload of input.workloads) {
    if (workload.target.kind === 'missing') continue;
    const going = new Set(stillToGo(workload, of.given));
    const gpus = replicaShapeOf(workload).gpusPerPod;
    for (const pod of workload.target.pods) {
      const plot = byName.get(pod.nodeName ?? '');
      if (plot === undefined || pod.withoutGpus === true) continue;
      if (pod.terminating || going.has(pod.name)) plot.free = plus(plot.free, gpus);
      else plot.candidates = [...plot.candidates, ...candidateOf(input, { workload, pod, gpus, givers: of.givers })];
    }
  }
  for (const plot of plots) plot.candidates = plot.candidates.toSorted(leastHarmFirst);
  return { plots, givers: of.givers };
}

/** Pods that were asked for and are not gone: until the count was lowered and the orchestrator has chosen. Which ones went is seen then. */
export function stillToGo({ policy, target }: PoolWorkload, given: readonly Given[]): readonly string[] {
  const own = given.filter(({ from }) => from === policy.metadata.name);
  const last = own.at(-1);
  if (last === undefined || target.kind === 'missing') return [];
  const bound = target.pods.filter((pod) => pod.nodeName !== null && !pod.terminating).length;
  if (Math.max(target.replicas, bound) <= last.to) return [];
  // Of who gave before, those pods are gone; one that the orchestrator left then has to wait for those that were asked for now.
  const there = new Set(target.pods.filter((pod) => !pod.terminating).map((pod) => pod.name));
  return own.toReversed().flatMap(({ pods }) => pods.filter((pod) => there.has(pod)));
}

function candidateOf(
  input: PoolInput,
  of: {
    readonly workload: PoolWorkload;
    readonly pod: PodObservation;
    readonly gpus: GpuCounts;
    readonly givers: ReadonlyMap<string, Giver>;
  },
): readonly Candidate[] {
  const { policy, inFlightByPod } = of.workload;
  const { tier, weight } = policy.spec.priority;
  const giver = policy.metadata.name;
  if (!of.givers.has(giver) || input.nowMs - of.pod.createdMs < RUN_MS_MIN) return [];
  // A pod that nobody reports counts as one that is busy.
  const work = inFlightByPod?.[of.pod.name] ?? 1;
  return [{ giver, pod: of.pod.name, gpus: of.gpus, tier, weight, work }];
}

function leastHarmFirst(a: Candidate, b: Candidate): number {
  return b.tier - a.tier || a.weight - b.weight || a.work - b.work || (a.pod < b.pod ? -1 : 1);
}

/**
 * Pods to let go so that so many more replicas find GPUs, gangs whole; marks the ground. Fewer replicas where no more can be had; none that what is free already is enough for.
 * Stops at `mostPods`: the rest is for a later plan.
 */
export function podsToFree(
  ground: Ground,
  of: { readonly workload: PoolWorkload; readonly replicas: number; readonly mostPods: number },
): readonly Pick[] {
  const { step } = of.workload.policy.spec.replicas;
  const { gpuPods } = replicaShapeOf(of.workload);
  const picks: Pick[] = [];
  for (let done = 0; done + step <= of.replicas && picks.length < of.mostPods; done += step) {
    const gang = gangOf(ground, { workload: of.workload, pods: step * gpuPods });
    if (gang === null) break;
    picks.push(...gang);
  }
  return picks;
}

/** For all of a gang, or null and nothing marked. */
function gangOf(
  ground: Ground,
  { workload, pods }: { readonly workload: PoolWorkload; readonly pods: number },
): readonly Pick[] | null {
  const before = ground.plots.map(({ free, candidates }) => ({ free, candidates }));
  const spares = [...ground.givers.values()].map(({ spare }) => spare);
  const picks: Pick[] = [];
  for (let member = 0; member < pods; member++) {
    const found = memberOf(ground, workload);
    if (found === null) {
      for (const [index, plot] of ground.plots.entries()) Object.assign(plot, before[index]);
      for (const [index, giver] of [...ground.givers.values()].entries()) giver.spare = spares[index] ?? 0;
      return null;
    }
    picks.push(...found);
  }
  return picks;
}

/** For one pod: none where it fits without, else the pods of the node where that harms least. */
function memberOf(ground: Ground, workload: PoolWorkload): readonly Pick[] | null {
  const need = replicaShapeOf(workload).gpusPerPod;
  const { nodeGroups } = workload.policy.spec;
  const plots = ground.plots.filter(({ group }) => nodeGroups.includes(group));
  const open = plots.find(({ free }) => fits(free, need));
  const options = open === undefined ? plots.flatMap((plot) => optionOf(ground, { plot, workload }) ?? []) : [];
  const best = options.toSorted(lessHarm)[0];
  const plot = open ?? best?.plot;
  if (plot === undefined) return null;
  const chosen = best?.chosen ?? [];
  for (const { giver, gpus } of chosen) {
    plot.free = plus(plot.free, gpus);
    const of = ground.givers.get(giver);
    if (of !== undefined) of.spare--;
  }
  plot.candidates = plot.candidates.filter((candidate) => !chosen.includes(candidate));
  plot.free = minus(plot.free, need);
  return chosen.map(({ giver, pod }) => ({ giver, pod, for: workload.policy.metadata.name }));
}

type Option = { readonly plot: Plot; readonly chosen: readonly Candidate[] };

function optionOf(
  { givers }: Ground,
  { plot, workload }: { readonly plot: Plot; readonly workload: PoolWorkload },
): Option | null {
  const need = replicaShapeOf(workload).gpusPerPod;
  const left = new Map([...givers].map(([name, { spare }]) => [name, spare]));
  const chosen: Candidate[] = [];
  let free = plot.free;
  for (const candidate of plot.candidates) {
    const spare = left.get(candidate.giver) ?? 0;
    if (candidate.tier <= workload.policy.spec.priority.tier || spare <= 0) continue;
    if (!Object.keys(need).some((name) => (candidate.gpus[name] ?? 0) > 0 && (free[name] ?? 0) < (need[name] ?? 0)))
      continue;
    left.set(candidate.giver, spare - 1);
    chosen.push(candidate);
    free = plus(free, candidate.gpus);
    if (fits(free, need)) return { plot, chosen: withoutNeedless(chosen, { free, need }) };
  }
  return null;
}

/** The most harmful ones that are not needed after all stay. */
function withoutNeedless(
  chosen: readonly Candidate[],
  of: { readonly free: GpuCounts; readonly need: GpuCounts },
): readonly Candidate[] {
  let { free } = of;
  return chosen
    .toReversed()
    .filter(({ gpus }) => {
      if (!fits(minus(free, gpus), of.need)) return true;
      free = minus(free, gpus);
      return false;
    })
    .toReversed();
}

function lessHarm(a: Option, b: Option): number {
  const highest = ({ chosen }: Option): number => Math.min(...chosen.map(({ tier }) => tier));
  const work = ({ chosen }: Option): number => chosen.reduce((sum, each) => sum + each.work, 0);
  return (
    highest(b) - highest(a) ||
    a.chosen.length - b.chosen.length ||
    work(a) - work(b) ||
    (a.plot.name < b.plot.name ? -1 : 1)
  );
}

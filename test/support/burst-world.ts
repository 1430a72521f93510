/** A group of one-GPU nodes under a load with bursts, planned by the production planner: what comes late, and what it costs. */
import { seededRandom } from '../../lib/base/random.ts';
import { planPool } from '../../lib/core/plan-pool.ts';
import type { NodeObservation, Plan, PodObservation } from '../../lib/core/types.ts';
import {
  T0,
  groupPolicy,
  node,
  observed,
  observedGroup,
  poolGroup,
  poolInput,
  wants,
  workloadPolicy,
} from '../core/builders.ts';

const GROUP = 'g5-od';
const GPU = 'nvidia.com/gpu';

export type BurstSettings = {
  /** `nodes.spare` of the policy. */
  readonly spare: unknown;
  readonly days: number;
  readonly risk?: 'low' | 'balanced' | 'cheap';
  /** Bursts come at random times, so many a day (a rate for each day, the last one goes on). Default 8. */
  readonly burstsPerDay?: readonly number[];
  readonly seed?: number;
  /** Median time from asked for to Ready with GPUs [s]. Default 240, drawn with a sigma of 0.2. */
  readonly nodeSec?: number;
  /** From a pod on a node to Ready [s]. Default 45. */
  readonly podSec?: number;
  /** Between two evaluations [s]. Default 15. */
  readonly stepSec?: number;
  readonly nodesMax?: number;
};

export type BurstResult = {
  /** Share of the requests that met no replica. */
  readonly lateShare: number;
  readonly gpuHours: number;
  /** Spare nodes in force at the end of each hour, and how often that changed. */
  readonly spareByHour: readonly number[];
  readonly changes: number;
  readonly plan: Plan;
};

type Node = {
  readonly name: string;
  readonly readySec: number;
  pod: { readonly readySec: number; readonly name: string } | null;
};
type Burst = { readonly atSec: number; readonly forSec: number; readonly replicas: number };

/** Runs the course. The replicas wanted are those of the load, without a forecast: what the planner alone is worth. */
export function burstWorld(settings: BurstSettings): BurstResult {
  const { days, seed = 1, nodeSec = 240, podSec = 45, stepSec = 15, risk = 'balanced', nodesMax = 40 } = settings;
  const random = seededRandom(seed);
  const bursts = burstsOf(settings, seededRandom(seed + 1));
  const policy = groupPolicy({ nodes: { max: nodesMax, spare: settings.spare }, leadTimeSec: nodeSec }, GROUP);
  const workload = workloadPolicy({ nodeGroups: [GROUP], risk }, 'llama');
  let nodes: Node[] = Array.from({ length: 6 }, (_, index) => nodeOf(index, { readySec: 0, hasPod: true }));
  let made = nodes.length;
  let plan: Plan | undefined;
  let [late, total, nodeSeconds, changes] = [0, 0, 0, 0];
  const spareByHour: number[] = [];
  for (let sec = 0; sec < days * 86_400; sec += stepSec) {
    const wanted = wantedAt(sec, bursts);
    const pods = nodes.flatMap((one) => (one.pod === null ? [] : [podOf(one, sec)]));
    const target = observed(pods.length, { pods, ready: pods.filter((pod) => pod.ready).length });
    late += Math.max(0, wanted - target.ready) * stepSec;
    total += wanted * stepSec;
    nodeSeconds += nodes.length * stepSec;
    const there = nodes.filter(({ readySec }) => readySec <= sec).map(observationOf);
    const before = plan?.groupWatch?.[GROUP]?.spare?.nodes;
    plan = planPool(
      poolInput({
        nowMs: T0 + sec * 1000,
        workloads: [{ policy: workload, target, outcome: wants(wanted) }],
        nodeGroups: [poolGroup(observedGroup(there, { desired: nodes.length, max: nodesMax }), { policy })],
        previous: plan,
      }),
    ).plan;
    const planned = plan.nodeGroups[GROUP];
    const spare = plan.groupWatch?.[GROUP]?.spare?.nodes ?? 0;
    if (before !== undefined && spare !== before) changes++;
    if (sec % 3_600 < stepSec) spareByHour.push(spare);
    const gone = new Set((planned?.victims ?? []).map(({ nodeName }) => nodeName));
    nodes = nodes.filter((one) => !gone.has(one.name) || one.pod !== null);
    for (let missing = (planned?.nodes ?? 0) - nodes.length; missing > 0; missing--) {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      nodes.push(nodeOf(made++, { readySec: sec + nodeSec * Math.exp(0.2 * normal), hasPod: false }));
    }
    setPods(nodes, { replicas: plan.targets['llama']?.replicas ?? 0, sec, podSec });
  }
  if (plan === undefined) throw new Error('nothing was planned');
  return { lateShare: late / total, gpuHours: nodeSeconds / 3_600, spareByHour, changes, plan };
}

function burstsOf({ days, burstsPerDay = [8] }: BurstSettings, random: () => number): readonly Burst[] {
  return Array.from({ length: Math.ceil(days) }, (_, day) => {
    const count = burstsPerDay[Math.min(day, burstsPerDay.length - 1)] ?? 0;
    return Array.from({ length: count }, () => ({
      atSec: (day + random()) * 86_400,
      forSec: 120 + 300 * random(),
      replicas: 1 + Math.floor(3 * random()),
    }));
  }).flat();
}

/** A day between four and eight replicas, and what bursts ask for on top. */
function wantedAt(sec: number, bursts: readonly Burst[]): number {
  const base = 6 - 2 * Math.cos((2 * Math.PI * sec) / 86_400);
  const on = bursts.filter(({ atSec, forSec }) => sec >= atSec && sec < atSec + forSec);
  return Math.round(base) + on.reduce((sum, { replicas }) => sum + replicas, 0);
}

function nodeOf(index: number, of: { readonly readySec: number; readonly hasPod: boolean }): Node {
  return {
    name: `node-${index}`,
    readySec: of.readySec,
    pod: of.hasPod ? { readySec: 0, name: `pod-${index}` } : null,
  };
}

function observationOf({ name, pod, readySec }: Node): NodeObservation {
  const used = pod === null ? 0 : 1;
  return node(name, { gpusUsed: { [GPU]: used }, podCount: used, createdMs: T0 + readySec * 1000 });
}

function podOf({ name, pod }: Node, sec: number): PodObservation {
  const [like] = observed(1).pods;
  if (like === undefined || pod === null) throw new Error('no pod');
  return { ...like, name: pod.name, nodeName: name, ready: pod.readySec <= sec };
}

/** Pods beyond the count go from the youngest nodes; new ones start on nodes that are there. */
function setPods(
  nodes: readonly Node[],
  of: { readonly replicas: number; readonly sec: number; readonly podSec: number },
): void {
  const holding = nodes.filter(({ pod }) => pod !== null);
  for (const one of holding.slice(of.replicas)) one.pod = null;
  let missing = of.replicas - holding.length;
  for (const one of nodes) {
    if (missing <= 0) return;
    if (one.pod !== null || one.readySec > of.sec) continue;
    one.pod = { readySec: of.sec + of.podSec, name: `pod-${one.name}-${of.sec}` };
    missing--;
  }
}

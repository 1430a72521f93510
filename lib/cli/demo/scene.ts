/** What the demo plays: the fleet, the traffic of three models, and what goes wrong. */
import type { WorldSettings } from '../../simulator/world/settings.ts';
import { batchDay, burstDay, officeDay } from '../../simulator/traffic/day-shape.ts';
import type { DayShape } from '../../simulator/traffic/day-shape.ts';
import type { ServingSettings } from '../../simulator/traffic/serving-model.ts';

export const NAMESPACE = 'inference';

export type ModelScene = {
  readonly name: string;
  readonly shape: DayShape;
  readonly serving: ServingSettings;
  /** Where its load comes from: scraped pods, its gateway's events, or its queue's events. */
  readonly source: 'bridge' | 'gateway' | 'queue';
  readonly maxReplicas: number;
  readonly tokensPerRequest: { readonly input: number; readonly output: number };
};

export const models: readonly ModelScene[] = [
  {
    name: 'llama-8b-chat',
    shape: officeDay(42),
    serving: { slotsPerReplica: 10, serviceSec: 2, waitLimitSec: 2 },
    source: 'bridge',
    maxReplicas: 16,
    tokensPerRequest: { input: 924, output: 142 },
  },
  {
    name: 'qwen-32b-agent',
    shape: burstDay({ basePerSec: 2.4, burstFactor: 4.5, fromHour: 13, hours: 3 }),
    serving: { slotsPerReplica: 8, serviceSec: 4, waitLimitSec: 4 },
    source: 'gateway',
    maxReplicas: 12,
    tokensPerRequest: { input: 2048, output: 410 },
  },
  {
    name: 'image-batch',
    shape: batchDay(8),
    // A batch job may wait as long as its run lasts.
    serving: { slotsPerReplica: 2, serviceSec: 1, waitLimitSec: 30 },
    source: 'queue',
    maxReplicas: 6,
    tokensPerRequest: { input: 0, output: 0 },
  },
];

/** Node groups in the order of the view; the shapes repeat what `infra/local/demo/policies.yaml` says. */
export const nodeGroups = [
  { name: 'g6-od', shape: 'g6.xlarge, 1 GPU', maxNodes: 20 },
  { name: 'g7e-od', shape: 'g7e.12xlarge, 2 GPUs', maxNodes: 10 },
  { name: 'p5-od', shape: 'p5.48xlarge, 8 GPUs', maxNodes: 1 },
] as const;

/** Hour at which `g7e-od` has no more machines to give, and the hour at which it has again. */
export const STOCK_OUT = { group: 'g7e-od', fromHour: 6, toHour: 17, instances: 4 } as const;

/** Broken events sent on purpose, so that the dead-letter topic has something to show. */
export const POISON: readonly string[] = [
  'this is not JSON',
  '{"schema":"penstock.inference-load/9","workload":"llama-8b-chat"}',
  '{"schema":"penstock.queue-depth/1","workload":"image-batch","source":"queue/demo/jobs","intervalStartMs":1,"intervalEndMs":2,"depth":-5}',
];

/** The day begins before the morning ramp, so that the first minute already shows growth, and ends at midnight. */
export const FIRST_HOUR = 4;
export const HOURS = 20;

/** Length of the day for which the times below are meant [s]. */
const DAY_SEC = 120;

/** What starting a replica takes in a two-minute day [s]. */
const START = { boot: 3, gpus: 0.5, image: 0.5, model: 2 } as const;

/** How many times as fast as in life the hours pass. */
export function daySpeed(dayDurationSec: number): number {
  return (HOURS * 3_600) / dayDurationSec;
}

/** A shorter day is as short for machines; in a longer one they take no longer. */
function paceOf(dayDurationSec: number): number {
  return Math.min(1, dayDurationSec / DAY_SEC);
}

/** From asked for to serving, on a node that is not there yet [s]. */
export function replicaStartSec(dayDurationSec: number): number {
  return paceOf(dayDurationSec) * (START.boot + START.gpus + START.image + START.model);
}

/** The fleet at the beginning of a day of this length [s]. */
export function worldSettings(dayDurationSec: number): WorldSettings {
  const pace = paceOf(dayDurationSec);
  const deployment = {
    namespace: NAMESPACE,
    imagePullSec: START.image * pace,
    modelLoadSec: START.model * pace,
    terminationGracePeriodSec: 5,
    drainSec: 1,
  };
  const group = {
    bootSec: START.boot * pace,
    gpuReadySec: START.gpus * pace,
    inServiceSec: pace,
    zones: ['eu-west-1a'],
  };
  return {
    cluster: 'demo',
    seed: 7,
    durationSigma: 0.15,
    deployments: [
      {
        ...deployment,
        name: 'llama-8b-chat',
        replicas: 1,
        gpusPerPod: 1,
        nodeSelector: { 'eks.amazonaws.com/nodegroup': 'g6-od' },
      },
      { ...deployment, name: 'qwen-32b-agent', replicas: 2, gpusPerPod: 2 },
      {
        ...deployment,
        name: 'image-batch',
        replicas: 0,
        gpusPerPod: 1,
        nodeSelector: { 'eks.amazonaws.com/nodegroup': 'g6-od' },
      },
    ],
    nodeGroups: [
      {
        ...group,
        name: 'g6-od',
        instanceType: 'g6.xlarge',
        gpusPerNode: 1,
        usdPerHour: 0.8048,
        minSize: 1,
        maxSize: 20,
        desiredSize: 1,
      },
      {
        ...group,
        name: 'g7e-od',
        instanceType: 'g7e.12xlarge',
        gpusPerNode: 2,
        usdPerHour: 8.286,
        minSize: 2,
        maxSize: 10,
        desiredSize: 2,
      },
      {
        ...group,
        name: 'p5-od',
        instanceType: 'p5.48xlarge',
        gpusPerNode: 8,
        usdPerHour: 55.04,
        minSize: 0,
        maxSize: 1,
        desiredSize: 0,
      },
    ],
    launchRetrySec: 5,
    shutdownSec: 1,
    scalingDelaySec: 0.2,
    updateApplySec: 0.2,
    updateSec: 1,
    billedSecMin: 0,
  };
}

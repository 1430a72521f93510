/** Small replays for tests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadSample } from '../../../lib/simulator/baselines/contract.ts';
import { mixOf, serviceLevelOf } from '../../../lib/simulator/plant/capacity.ts';
import { replicaClassOf } from '../../../lib/simulator/plant/replica-classes.ts';
import type { Ground } from '../../../lib/simulator/replay/ground.ts';
import type { RunOptions } from '../../../lib/simulator/replay/run-options.ts';

export const TICK_MS = 5_000;

export function sampleAt(atMs: number, of: Partial<LoadSample> = {}): LoadSample {
  return {
    atMs,
    arrivalsPerSec: 0,
    completedPerSec: 0,
    running: 0,
    queued: 0,
    inputTokensPerSec: 0,
    outputTokensPerSec: 0,
    kvRatio: 0,
    readyReplicas: 1,
    ...of,
  };
}

/** `load[i]`: replicas of work that arrive in tick `i`. */
export function groundOfLoad(load: readonly number[], of: Partial<Ground> = {}): Ground {
  const level = serviceLevelOf(replicaClassOf('B'), mixOf([{ inputTokens: 1_155, outputTokens: 211 }]));
  const column = (perReplica: number): Float64Array => Float64Array.from(load, (replicas) => replicas * perReplica);
  return {
    level,
    capacity: {
      requestsPerSec: level.requestsPerSec,
      concurrency: level.concurrency / 2,
      slots: level.replicaClass.maxSeqs,
      inputTokensPerSec: level.requestsPerSec * 1_155,
      outputTokensPerSec: level.requestsPerSec * 211,
    },
    ticks: {
      tickMs: TICK_MS,
      count: load.length,
      requests: column((level.requestsPerSec * TICK_MS) / 1_000),
      workReplicaSec: column(TICK_MS / 1_000),
      inputTokens: column((level.requestsPerSec * 1_155 * TICK_MS) / 1_000),
      outputTokens: column((level.requestsPerSec * 211 * TICK_MS) / 1_000),
    },
    requests: null,
    replicas: { min: 1, max: 40 },
    initialReplicas: 3,
    historyPeakPerSec: level.requestsPerSec * Math.max(...load),
    options: { leadTimeSec: 60, leadTimeSigma: 0, failedStartRatio: 0, sloWaitSec: 10, warmupSec: 0, seed: 1 },
    ...of,
  };
}

/** `minutes` of a wavy rate [1/s] as a rate series: a line a minute. */
export function waveCsv(minutes: number, of: { readonly meanPerSec?: number; readonly shift?: number } = {}): string {
  const { meanPerSec = 40, shift = 0 } = of;
  const lines = Array.from({ length: minutes }, (_, minute) => {
    const wave = 1 + 0.6 * Math.sin((minute + shift) / 9) + 0.25 * Math.sin((minute + shift) / 2.3);
    return `${minute * 60},${(meanPerSec * Math.max(0.05, wave)).toFixed(3)}`;
  });
  return `t,rps\n${lines.join('\n')}\n`;
}

/** Writes files into a folder of its own for `use`, and removes it. */
export async function withFiles<T>(
  files: Readonly<Record<string, string>>,
  use: (path: (name: string) => string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-replay-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await use((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function runOptions(file: string, of: Partial<RunOptions> = {}): RunOptions {
  return {
    file,
    trace: {},
    engine: 'fluid',
    replicaClass: 'B',
    leadTimeSec: 60,
    leadTimeSigma: 0,
    failedStartRatio: 0,
    sloWaitSec: 10,
    scale: 1,
    warmupSec: 0,
    seed: 1,
    tickSec: 5,
    replicas: null,
    lengthsFile: null,
    against: [],
    tunePeers: false,
    policySpec: null,
    version: 'test',
    progress: () => {},
    ...of,
  };
}

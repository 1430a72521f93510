/** The report of a replay from its parts. */
import type { ReplayReport } from '../report/types.ts';
import { warmStartOf } from './ground.ts';
import type { Prepared } from './prepare.ts';
import type { RunOptions } from './run-options.ts';
import { baselineOf } from './tasks.ts';

/** All that is needed to repeat the run, and what came of it. */
export function reportOf(of: {
  readonly prepared: Prepared;
  readonly options: RunOptions;
  readonly policies: ReplayReport['policies'];
}): ReplayReport {
  const { prepared, options } = of;
  return {
    trace: {
      file: options.file,
      format: prepared.trace.format,
      digest: prepared.digest,
      requestCount: Math.round(prepared.requestCount),
      durationSec: prepared.durationSec,
      skippedLines: prepared.trace.counts().badLines,
    },
    settings: { ...plantSettings(of), ...readSettings(of), ...runSettings(options) },
    seed: options.seed,
    versions: {
      penstock: options.version,
      ...Object.fromEntries(options.against.map((name) => [name, baselineOf(name).source])),
    },
    policies: of.policies,
  };
}

type Parts = { readonly prepared: Prepared; readonly options: RunOptions };

function plantSettings({ prepared, options }: Parts) {
  const { requestsPerSec, concurrency } = prepared.capacity;
  return {
    engine: options.engine,
    tickSec: options.tickSec,
    replicaClass: prepared.options.replicaClass,
    leadTimeSec: options.leadTimeSec,
    leadTimeSigma: options.leadTimeSigma,
    capacityWait: options.capacityWait ?? null,
    failedStartRatio: options.failedStartRatio,
    peerNodes: options.peerNodes ?? 'none',
    warmStartSec: options.warmStartSec ?? warmStartOf(options.leadTimeSec),
    sloWaitSec: options.sloWaitSec,
    replicas: prepared.replicas,
    capacity: { requestsPerSec, concurrency },
  };
}

function readSettings({ prepared, options }: Parts) {
  const { from, to, timeColumn, timeUnit, rateColumn, rateUnit, skipBadLines } = options.trace;
  const { lengthsFile } = options;
  return {
    scale: options.scale,
    overlay: options.overlay ?? 1,
    warmupSec: prepared.options.warmupSec,
    ...cutOf(prepared),
    cut: { from: from ?? null, to: to ?? null },
    columns: {
      timeColumn: timeColumn ?? null,
      timeUnit: timeUnit ?? null,
      rateColumn: rateColumn ?? null,
      rateUnit: rateUnit ?? null,
    },
    skipBadLines: skipBadLines ?? false,
    lengths: lengthsFile === null ? null : { file: lengthsFile, digest: prepared.lengthsDigest },
  };
}

function runSettings(options: RunOptions) {
  return {
    policy: options.policyFile ?? null,
    maxReplicas: options.maxReplicas ?? null,
    tunePeers: options.tunePeers,
    sweepRisk: options.sweepRisk ?? false,
  };
}

/** The cut in the user's own seconds; a cut between dates is told by its length only. */
function cutOf({ options, durationSec }: Prepared): Pick<ReplayReport['settings'], 'fromSec' | 'toSec'> {
  const { from, to } = options.trace;
  const fromSec = typeof from === 'number' ? from : 0;
  return { fromSec, toSec: typeof to === 'number' ? to : fromSec + durationSec };
}

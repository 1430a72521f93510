/** From a trace file to what every policy of a replay meets: the same ticks or requests, the same servers, the same limits. */
import { ConfigError } from '../../base/errors.ts';
import type { ReplicaCapacity } from '../baselines/contract.ts';
import type { CapacityWait } from '../plant/fleet/capacity-wait.ts';
import { concurrencyAt, mixOf, serviceLevelOf, workReplicaSecOf } from '../plant/capacity.ts';
import type { LengthMix, ServiceLevel } from '../plant/capacity.ts';
import type { ReplicaClass } from '../plant/contract.ts';
import { replicaClassOf } from '../plant/replica-classes.ts';
import type { Trace, TraceOptions } from '../traces/contract.ts';
import { traceDigest } from '../traces/digest.ts';
import { defaultLengthPool, lengthPoolOf } from '../traces/lengths.ts';
import type { LengthPool } from '../traces/lengths.ts';
import { openTrace } from '../traces/open-trace.ts';
import { requestBatchesOf } from '../traces/requests-of.ts';
import type { TickColumns } from '../traces/ticks.ts';
import { ticksOfTrace } from '../traces/trace-ticks.ts';
import type { PeerNodes } from './node-models.ts';
import { requestColumnsOf } from './request-columns.ts';
import type { RequestColumns } from './request-columns.ts';

export type ReplayOptions = {
  readonly file: string;
  readonly trace: TraceOptions;
  readonly engine: 'fluid' | 'requests';
  /** Name of a class, or `auto`: what fits the trace. */
  readonly replicaClass: string;
  readonly leadTimeSec: number;
  readonly leadTimeSigma: number;
  readonly failedStartRatio: number;
  readonly sloWaitSec: number;
  readonly scale: number;
  /** Requests before this count as history, not as score [s since the start of the trace]. */
  readonly warmupSec: number;
  readonly seed: number;
  readonly tickSec: number;
  /** Null: from 1 to three times what the busiest minute needs. */
  readonly replicas: { readonly min: number; readonly max: number } | null;
  /** A trace whose requests have the lengths for a rate series that says none. */
  readonly lengthsFile: string | null;
  /** So many copies of recorded requests at once, shifted by random hours; default 1. */
  readonly overlay?: number;
  /** Wait for a machine, drawn per start; default null: none. */
  readonly capacityWait?: CapacityWait | null;
  /** Who brings the peers' nodes; default `none`. */
  readonly peerNodes?: PeerNodes;
  /** Of the lead time, what a replica needs on a node that is there [s]; default 82, at most the lead time. */
  readonly warmStartSec?: number;
};

export type Prepared = {
  readonly options: ReplayOptions;
  readonly trace: Trace;
  readonly digest: string;
  /** SHA-256 of the lengths that were borrowed; null when there is no such file. */
  readonly lengthsDigest: string | null;
  readonly level: ServiceLevel;
  readonly capacity: ReplicaCapacity;
  readonly ticks: TickColumns;
  /** Only with the `requests` engine. */
  readonly requests: RequestColumns | null;
  readonly requestCount: number;
  readonly durationSec: number;
  readonly replicas: { readonly min: number; readonly max: number };
  readonly initialReplicas: number;
  /** Before the scored part; over the whole trace when there is no history [1/s]. */
  readonly historyPeakPerSec: number;
};

/** A share of the busiest minute at which all policies begin: nobody starts in an emergency. */
const BUSY_MINUTES = 12;
const MAX_OVER_PEAK = 3;

/** Reads the trace (twice: for its lengths, then for its arrivals). Throws ConfigError for a file that cannot be read and for settings that cannot be. */
export async function prepare(given: ReplayOptions): Promise<Prepared> {
  const trace = await openTrace(given.file, given.trace);
  const { pool, lengthsDigest } = await poolOfTrace(trace, given);
  const replicaClass = classFor(pool, given);
  const options = {
    ...given,
    replicaClass: replicaClass.name,
    warmupSec: wholeTicksSec(given.warmupSec, given.tickSec),
  };
  if (replicaClass.serial && options.engine === 'fluid') {
    throw new ConfigError(
      `Cannot replay "${options.file}" as a fluid: expected --engine requests, because a request of class "${replicaClass.name}" has a replica for itself, and a fluid would spread it over all of them`,
    );
  }
  const level = serviceLevelOf(replicaClass, mixOfPool(pool));
  const tickMs = options.tickSec * 1000;
  const overlay = overlayOf(trace, options);
  const drawing = { seed: options.seed, scale: options.scale, lengths: pool, overlay };
  const ticks = await ticksOfTrace(trace, {
    ...drawing,
    tickMs,
    workOf: (request) => workReplicaSecOf(level, request),
  });
  const requests =
    options.engine === 'requests' ? await requestColumnsOf(requestBatchesOf(trace, drawing), trace.name) : null;
  const peak = peakReplicas(ticks);
  const replicas = options.replicas ?? { min: 1, max: Math.max(4, Math.ceil(peak * MAX_OVER_PEAK)) };
  const durationSec = (ticks.count * tickMs) / 1000;
  if (options.warmupSec >= durationSec) {
    throw new ConfigError(
      `Cannot replay "${options.file}": expected a warm-up shorter than the trace's ${durationSec} s, current value is ${options.warmupSec} s`,
    );
  }
  return {
    options,
    trace,
    digest: await traceDigest(trace),
    lengthsDigest,
    level,
    capacity: capacityOf(level),
    ticks,
    requests,
    requestCount: ticks.requests.reduce((sum, count) => sum + count, 0),
    durationSec,
    replicas,
    initialReplicas: clamp(Math.ceil(meanLoad(ticks, BUSY_MINUTES * 60_000) * 1.3), replicas),
    historyPeakPerSec: peakRate(ticks, options.warmupSec > 0 ? options.warmupSec : durationSec),
  };
}

/** The scored part begins with a tick, for the plant as for the optimum. */
function wholeTicksSec(warmupSec: number, tickSec: number): number {
  return Math.ceil(warmupSec / tickSec) * tickSec;
}

/** Standard for tokens: the cheapest per request. */
const TOKEN_CLASS = 'B';
/** For requests that say how long they take one GPU, alone. */
const SERIAL_CLASS = 'G';

/** Lengths would say nothing of work that is told in seconds: such a trace would need next to no servers. */
function classFor(pool: LengthPool, { replicaClass, file }: ReplayOptions): ReplicaClass {
  if (replicaClass === 'auto') return replicaClassOf(pool.execSec === null ? TOKEN_CLASS : SERIAL_CLASS);
  const named = replicaClassOf(replicaClass);
  if (pool.execSec === null || named.serial) return named;
  throw new ConfigError(
    `Cannot replay "${file}" with replica class "${replicaClass}": expected ${SERIAL_CLASS}, because its requests say how long they take a GPU and not how many tokens they have`,
  );
}

function overlayOf(trace: Trace, { overlay = 1, file }: ReplayOptions): number {
  if (overlay === 1 || trace.kind === 'requests') return overlay;
  throw new ConfigError(`Cannot overlay trace "${file}": expected recorded requests, current value is a rate series`);
}

async function poolOfTrace(
  trace: Trace,
  options: ReplayOptions,
): Promise<{ readonly pool: LengthPool; readonly lengthsDigest: string | null }> {
  const { lengthsFile, seed } = options;
  if (trace.kind === 'requests') return { pool: await lengthPoolOf(trace, { seed }), lengthsDigest: null };
  if (lengthsFile === null) return { pool: defaultLengthPool(), lengthsDigest: null };
  const lengths = await openTrace(lengthsFile, {});
  if (lengths.kind === 'requests') {
    return { pool: await lengthPoolOf(lengths, { seed }), lengthsDigest: await traceDigest(lengths) };
  }
  throw new ConfigError(
    `Cannot take lengths from "${lengthsFile}": expected a trace of requests, current value is a rate series`,
  );
}

function mixOfPool(pool: LengthPool): LengthMix {
  return mixOf(
    Array.from(pool.inputTokens, (inputTokens, index) => ({
      inputTokens,
      outputTokens: pool.outputTokens[index] ?? 0,
      ...(pool.execSec === null ? {} : { execSec: pool.execSec[index] ?? 0 }),
    })),
  );
}

/**
 * Batching makes requests in flight grow slowly with the load and then steeply: at the last tenth of a server's rate they double. A load test is read at the
 * knee, not at the end of the curve, so a replica's concurrency is the one at this share of its rate.
 */
const KNEE_RATIO = 0.8;

/** What a user would have measured before configuring a peer. */
function capacityOf(level: ServiceLevel): ReplicaCapacity {
  const { mix, requestsPerSec } = level;
  return {
    requestsPerSec,
    concurrency: concurrencyAt(level, KNEE_RATIO),
    slots: level.replicaClass.maxSeqs,
    ...(Number.isFinite(level.replicaClass.kvTokens) ? { kvTokens: level.replicaClass.kvTokens } : {}),
    inputTokensPerSec: requestsPerSec * mix.inputTokens,
    outputTokensPerSec: requestsPerSec * mix.outputTokens,
  };
}

/** Work of the busiest minute [replicas]. */
function peakReplicas(ticks: TickColumns): number {
  return peakOf(ticks, { column: ticks.workReplicaSec, untilSec: Infinity });
}

/** Arrivals of the busiest minute up to `untilSec` [1/s]. */
function peakRate(ticks: TickColumns, untilSec: number): number {
  return peakOf(ticks, { column: ticks.requests, untilSec });
}

function peakOf(ticks: TickColumns, of: { readonly column: Float64Array; readonly untilSec: number }): number {
  const perMinute = Math.max(1, Math.round(60_000 / ticks.tickMs));
  const end = Math.min(ticks.count, Math.ceil((of.untilSec * 1000) / ticks.tickMs));
  let sum = 0;
  let peak = 0;
  for (let index = 0; index < end; index++) {
    sum += (of.column[index] ?? 0) - (index >= perMinute ? (of.column[index - perMinute] ?? 0) : 0);
    peak = Math.max(peak, sum);
  }
  return peak / ((Math.min(perMinute, Math.max(1, end)) * ticks.tickMs) / 1000);
}

function meanLoad(ticks: TickColumns, spanMs: number): number {
  const count = Math.max(1, Math.min(ticks.count, Math.round(spanMs / ticks.tickMs)));
  let sum = 0;
  for (let index = 0; index < count; index++) sum += ticks.workReplicaSec[index] ?? 0;
  return sum / ((count * ticks.tickMs) / 1000);
}

function clamp(value: number, limits: { readonly min: number; readonly max: number }): number {
  return Math.max(limits.min, Math.min(limits.max, value));
}

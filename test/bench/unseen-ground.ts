/** From a course of load to what every policy of a replay meets. */
import { seededRandom } from '../../lib/base/random.ts';
import type { Random } from '../../lib/base/random.ts';
import type { ReplicaCapacity } from '../../lib/simulator/baselines/contract.ts';
import { concurrencyAt, mixOf, serviceLevelOf, workReplicaSecOf } from '../../lib/simulator/plant/capacity.ts';
import type { RequestLengths, ServiceLevel } from '../../lib/simulator/plant/capacity.ts';
import type { ReplicaClass, TraceRequest } from '../../lib/simulator/plant/contract.ts';
import { replicaClassOf } from '../../lib/simulator/plant/replica-classes.ts';
import type { Ground } from '../../lib/simulator/replay/ground.ts';
import { requestColumnsOf } from '../../lib/simulator/replay/request-columns.ts';
import { inBatches } from '../../lib/simulator/traces/batches.ts';
import type { RateTrace } from '../../lib/simulator/traces/contract.ts';
import { drawNormal } from '../../lib/simulator/draws.ts';
import { defaultLengthPool } from '../../lib/simulator/traces/lengths.ts';
import { ticksOf } from '../../lib/simulator/traces/ticks.ts';
import type { TickColumns } from '../../lib/simulator/traces/ticks.ts';
import { ticksOfTrace } from '../../lib/simulator/traces/trace-ticks.ts';
import type { Course, Family } from './unseen-families.ts';

export type Service = { readonly course: Course; readonly ground: Ground };

/** A service of a family. Fixed lead time, no failed starts, a request may wait 10 s; limits as in a replay: up to three times what the busiest minute needs. */
export async function serviceOf(
  family: Family,
  of: { readonly seed: number; readonly leadTimeSec: number },
): Promise<Service> {
  const { seed, leadTimeSec } = of;
  const course = family.make(seededRandom(Math.imul(seed, 0x9e3779b1) ^ hashOf(family.name)), leadTimeSec);
  const made = isSingle(course) ? await singles(course, seed) : await fluid(course, seed);
  const replicas = {
    min: course.replicasMin ?? 1,
    max: Math.max(4, Math.ceil(busiest(made.ticks, 'workReplicaSec') * 3)),
  };
  const first = course.replicasFirst ?? Math.ceil(meanLoad(made.ticks) * 1.3);
  return {
    course,
    ground: {
      ...made,
      capacity: capacityOf(made.level),
      replicas,
      initialReplicas: Math.max(replicas.min, Math.min(replicas.max, first)),
      historyPeakPerSec: busiest(made.ticks, 'requests'),
      options: {
        leadTimeSec,
        leadTimeSigma: 0,
        failedStartRatio: 0,
        sloWaitSec: 10,
        warmupSec: course.warmupSec,
        seed: 1,
      },
    },
  };
}

function hashOf(name: string): number {
  return Array.from(name).reduce((hash, letter) => Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0), 7);
}

type Made = Pick<Ground, 'level' | 'ticks' | 'requests'>;

function isSingle(course: Course): boolean {
  return course.slots !== undefined || course.serial !== undefined;
}

/** A batching server and a chat mix. */
async function fluid(course: Course, seed: number): Promise<Made> {
  const pool = defaultLengthPool();
  const mix = mixOf(
    Array.from(pool.inputTokens, (inputTokens, at) => ({ inputTokens, outputTokens: pool.outputTokens[at] ?? 0 })),
  );
  const level = serviceLevelOf(replicaClassOf('B'), mix);
  const { load, pointSec, lengths } = course;
  const trace: RateTrace = {
    kind: 'rate',
    name: 'unseen',
    format: 'rate',
    options: {},
    source: { name: 'unseen', bytes: noBytes },
    counts: () => ({ lines: 0, rows: 0, badLines: 0, emptyLines: 0, firstBadLine: null }),
    series: {
      startMs: Float64Array.from(load, (_, at) => at * pointSec * 1000),
      requestsPerSec: load.map((replicas) => replicas * level.requestsPerSec),
      meanInputTokens: lengths === undefined ? null : lengths.map(() => pool.meanInputTokens),
      meanOutputTokens: lengths === undefined ? null : lengths.map((ratio) => ratio * pool.meanOutputTokens),
      // Each point holds until the next: what there is of noise is in the points.
      spacingMs: Math.min(60, pointSec) * 1000,
      endMs: course.durationSec * 1000,
      gapCount: 0,
    },
  };
  const ticks = await ticksOfTrace(trace, {
    seed,
    scale: 1,
    lengths: pool,
    tickMs: course.tickSec * 1000,
    workOf: (request) => workReplicaSecOf(level, request),
    requestsDrawnMax: 0,
  });
  return { level, ticks, requests: null };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** Requests one by one, in slots or alone. */
async function singles(course: Course, seed: number): Promise<Made> {
  const random = seededRandom(Math.imul(seed, 0x3c6ef372));
  const draw = drawOf(course);
  const sample = Array.from({ length: 20_000 }, () => draw(random));
  const level = levelOf(course, sample);
  const requests = [...arrivals(course, { random, draw, perReplica: level.requestsPerSec })];
  const ticks = await ticksOf(inBatches(requests), {
    tickMs: course.tickSec * 1000,
    workOf: (request) => workReplicaSecOf(level, request),
    endMs: course.durationSec * 1000,
  });
  return { level, ticks, requests: await requestColumnsOf(inBatches(requests), 'unseen') };
}

/** A token is a second: a step of such a server takes one, however many requests it has. */
function drawOf({ slots, serial }: Course): (random: Random) => RequestLengths {
  if (serial !== undefined)
    return (random) => ({
      inputTokens: 1,
      outputTokens: 1,
      execSec: Math.min(serial.maxSec, serial.minSec * (1 - random()) ** (-1 / serial.shape)),
    });
  const { medianSec = 1, sigma = 0 } = slots ?? {};
  return (random) => ({
    inputTokens: 1,
    outputTokens: Math.max(1, Math.round(medianSec * Math.exp(sigma * drawNormal(random)))),
  });
}

function levelOf(course: Course, sample: readonly RequestLengths[]): ServiceLevel {
  const mix = mixOf(sample);
  if (course.slots === undefined) return serviceLevelOf(replicaClassOf('G'), mix);
  const concurrency = course.slots.count;
  const replicaClass: ReplicaClass = {
    ...replicaClassOf('E'),
    name: 'slots',
    gpusPerReplica: 1,
    a: 1_000,
    b: 0,
    k: 0,
    c: 0,
    maxSeqs: concurrency,
    kvTokens: Infinity,
  };
  const serviceSec = mix.outputTokens;
  return {
    replicaClass,
    mix,
    requestsPerSec: concurrency / serviceSec,
    concurrency,
    stepMs: 1_000,
    serviceSec,
    boundBy: 'slots',
  };
}

function* arrivals(
  { load, pointSec }: Course,
  of: { readonly random: Random; readonly draw: (random: Random) => RequestLengths; readonly perReplica: number },
): Generator<TraceRequest> {
  for (const [point, replicas] of load.entries()) {
    const perSec = replicas * of.perReplica;
    const endSec = (point + 1) * pointSec;
    const gapSec = (): number => -Math.log(1 - of.random()) / perSec;
    for (let atSec = point * pointSec + gapSec(); atSec < endSec; atSec += gapSec())
      yield { arrivalMs: atSec * 1000, ...of.draw(of.random) };
  }
}

/** As in a replay: what a user would have measured. */
function capacityOf(level: ServiceLevel): ReplicaCapacity {
  const { mix, requestsPerSec } = level;
  return {
    requestsPerSec,
    concurrency: concurrencyAt(level, 0.8),
    slots: level.replicaClass.maxSeqs,
    ...(Number.isFinite(level.replicaClass.kvTokens) ? { kvTokens: level.replicaClass.kvTokens } : {}),
    inputTokensPerSec: requestsPerSec * mix.inputTokens,
    outputTokensPerSec: requestsPerSec * mix.outputTokens,
  };
}

/** Of the busiest minute [1/s]. */
function busiest(ticks: TickColumns, column: 'requests' | 'workReplicaSec'): number {
  const size = Math.round(60_000 / ticks.tickMs);
  let [sum, most] = [0, 0];
  for (let at = 0; at < ticks.count; at++) {
    sum += (ticks[column][at] ?? 0) - (at >= size ? (ticks[column][at - size] ?? 0) : 0);
    most = Math.max(most, sum);
  }
  return most / 60;
}

function meanLoad(ticks: TickColumns): number {
  const count = Math.round(720_000 / ticks.tickMs);
  return ticks.workReplicaSec.subarray(0, count).reduce((sum, work) => sum + work, 0) / 720;
}

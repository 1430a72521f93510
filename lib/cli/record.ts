/** `penstock record`: writes the load of a topic as rate traces, one file per workload, for `penstock simulate`. */
import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRecord } from '../../events/decode.ts';
import { INFERENCE_LOAD } from '../../events/schema/inference-load.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { ConfigError, messageOf } from '../base/errors.ts';
import { jsonLogger, type Logger } from '../base/log.ts';
import { noMetrics } from '../base/metrics.ts';
import { readConfig } from '../hosts/config.ts';
import { openStream } from '../hosts/connections.ts';
import { csvLine, recording, RECORDING_HEADER, type RecordedPoint } from '../simulator/traces/recording.ts';
import type { RecordBatch, Stream } from '../stream/contract.ts';
import { untilStopped } from './until-stopped.ts';

export type RecordOptions = {
  /** Default: the configured topic of inference-load events. */
  readonly topic?: string;
  /** Folder for `WORKLOAD.csv`; made when it does not exist. Must not contain any .csv yet. */
  readonly out: string;
  /** How long to listen [s]. */
  readonly seconds: number;
  /** Distance of two points [s], 1 to 3600. Default {@link INTERVAL_SEC}. */
  readonly intervalSec?: number;
  /** Begin with records of so long ago, as far as Kafka still has them [s]. Default 0: from now on. */
  readonly lookbackSec?: number;
  /** Only this workload. */
  readonly workload?: string;
  /** Consumer group. Default: one of its own, `GROUP-record-TIME`. */
  readonly group?: string;
};

export type RecordSummary = {
  readonly events: number;
  /** Points written, by workload. */
  readonly points: Readonly<Record<string, number>>;
  /** Records that are no inference-load event. */
  readonly otherRecords: number;
  readonly lateEvents: number;
  readonly workloadsLeftOut: number;
};

export type RecordDeps = {
  readonly stream: Pick<Stream, 'consumer'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Shows bursts of seconds, and is coarse enough for counts to mean something. */
const INTERVAL_SEC = 10;
const POLL_MS = 200;
/** Time is up, but records of the past are still coming: without progress for so long, that is all. */
const QUIET_MS = 10_000;

/** Records until the time is up or SIGTERM or SIGINT. Answers the exit code: 1 when nothing was heard. Throws ConfigError at start. */
export async function recordCommand(options: RecordOptions): Promise<number> {
  const config = readConfig();
  const log = jsonLogger({ level: config.logLevel });
  const stream = await openStream({ config, log, metrics: noMetrics });
  const stopping = new AbortController();
  void untilStopped().then(() => stopping.abort());
  const topic = options.topic ?? config.topics.inferenceLoad;
  const group = options.group ?? `${config.kafka.groupId}-record-${systemClock.nowMs()}`;
  const summary = await recordTopic(
    { stream, clock: systemClock, log },
    { ...options, topic, group, signal: stopping.signal },
  );
  log.info('recorded', { topic, out: options.out, ...summary });
  if (Object.keys(summary.points).length > 0) return 0;
  log.error('nothing was recorded: no whole interval with an inference-load event was heard', { topic });
  return 1;
}

/**
 * Records a topic. Points are written as soon as they can change no more, so a run that is ended early leaves what it heard. Goes on after its time
 * while records of the past are still coming. Throws ConfigError for bad options, a folder with traces, an unknown topic; and what writing throws.
 */
export async function recordTopic(
  { stream, clock, log }: RecordDeps,
  options: RecordOptions & { readonly topic: string; readonly group: string; readonly signal: AbortSignal },
): Promise<RecordSummary> {
  const intervalMs = checkedIntervalMs(options);
  await prepareFolder(options.out);
  const startMs = clock.nowMs();
  const lookbackMs = (options.lookbackSec ?? 0) * 1000;
  const heard = recording({
    intervalMs,
    fromMs: Math.ceil((startMs - lookbackMs) / intervalMs) * intervalMs,
    ...(options.workload === undefined ? {} : { workload: options.workload }),
  });
  const files = csvFiles(options.out);
  const progress = progressOf(clock);
  const failed = new AbortController();
  let otherRecords = 0;
  const consumer = stream.consumer({ group: options.group, topics: [options.topic], lookbackMs });
  await consumer.start({
    onBatch: async (batch) => {
      for (const record of batch.records) {
        const decoded = decodeRecord(record, { nowMs: clock.nowMs() });
        if (decoded.kind === 'event' && decoded.event.schema === INFERENCE_LOAD) heard.add(decoded.event);
        else otherRecords++;
      }
      progress.saw(batch);
      // A full disk does not get better by asking for the same records again.
      await files.write(heard.take()).catch((error: unknown) => failed.abort(error));
      return {};
    },
    startOffset: () => Promise.resolve(undefined),
  });
  log.info('recording', { topic: options.topic, group: options.group, seconds: options.seconds });
  try {
    const signal = AbortSignal.any([options.signal, failed.signal]);
    await clock.sleep(options.seconds * 1000, signal);
    while (!signal.aborted && progress.isBehind()) await clock.sleep(POLL_MS, signal);
  } finally {
    await consumer.stop();
  }
  if (failed.signal.aborted) throw writeError(options.out, failed.signal.reason);
  await files.write(heard.take(0));
  return { ...heard.counts(), points: files.points(), otherRecords };
}

function checkedIntervalMs({ intervalSec = INTERVAL_SEC }: RecordOptions): number {
  if (intervalSec >= 1 && intervalSec <= 3600) return intervalSec * 1000;
  throw new ConfigError(`Cannot record: expected an interval from 1 to 3600 s, current value is ${intervalSec}`);
}

async function prepareFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    const there = (await readdir(out)).find((name) => name.endsWith('.csv'));
    if (there === undefined) return;
    throw new ConfigError(
      `Cannot record into "${out}": expected a folder without traces, current value is one with ${there}`,
    );
  } catch (error) {
    throw error instanceof ConfigError ? error : writeError(out, error);
  }
}

function writeError(out: string, cause: unknown): ConfigError {
  return new ConfigError(`Cannot record into "${out}": ${messageOf(cause)}`, { cause });
}

/** Appends points to `WORKLOAD.csv`, one write at a time. Workload ids are DNS names: safe as file names. */
function csvFiles(out: string): {
  write(points: readonly RecordedPoint[]): Promise<void>;
  points(): Record<string, number>;
} {
  const written = new Map<string, number>();
  let last: Promise<void> = Promise.resolve();
  const append = async (points: readonly RecordedPoint[]): Promise<void> => {
    for (const workload of new Set(points.map((point) => point.workload))) {
      const own = points.filter((point) => point.workload === workload);
      const before = written.get(workload);
      const lines = [...(before === undefined ? [RECORDING_HEADER] : []), ...own.map(csvLine)];
      await appendFile(join(out, `${workload}.csv`), `${lines.join('\n')}\n`);
      written.set(workload, (before ?? 0) + own.length);
    }
  };
  return {
    write: (points) => (last = last.then(() => append(points))),
    points: () => Object.fromEntries(written),
  };
}

/** Whether records of the past are still coming. */
function progressOf(clock: Clock): { saw(batch: RecordBatch): void; isBehind(): boolean } {
  const lags = new Map<number, number>();
  let sawMs = clock.monotonicMs();
  return {
    saw: ({ partition, lag }) => {
      lags.set(partition, lag ?? 0);
      sawMs = clock.monotonicMs();
    },
    isBehind: () => clock.monotonicMs() - sawMs < QUIET_MS && [...lags.values()].some((lag) => lag > 0),
  };
}

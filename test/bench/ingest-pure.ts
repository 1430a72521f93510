/** Decode, fold and encode without Kafka and Redis, in processor time an event. */
import { decodeRecord, type RawRecord } from '../../events/decode.ts';
import { encodeWindow } from '../../lib/core/window/codec.ts';
import { foldRecords, type FoldRecord } from '../../lib/core/window/fold.ts';
import type { LoadWindow } from '../../lib/core/window/load-window.ts';
import { type LoadShape, tickOf } from './ingest-load.ts';

const START_MS = 1_763_920_800_000;
/** Ticks in one batch: 4,000 records of 100 workloads. */
const TICKS_PER_BATCH = 4;

export type PureFigures = {
  readonly parseMicros: number;
  readonly decodeMicros: number;
  readonly foldMicros: number;
  readonly encodeMicros: number;
  readonly bytesPerEvent: number;
};

/** Processor time an event [µs] of JSON.parse alone, and of each step (decoding includes parsing). */
export function measurePure(shape: LoadShape): PureFigures {
  const batches = batchesOf({ ...shape, ticks: Math.min(shape.ticks, 120) });
  const count = batches.reduce((sum, batch) => sum + batch.length, 0);
  let figures: PureFigures | undefined;
  // The first passes warm the compiler up.
  for (let pass = 0; pass < 4; pass++) figures = onePass(batches, count);
  if (figures === undefined) throw new Error('nothing was measured');
  return figures;
}

function onePass(batches: readonly RawRecord[][], count: number): PureFigures {
  const windows = new Map<string, LoadWindow>();
  const used = { parse: 0, decode: 0, fold: 0, encode: 0 };
  // Batch by batch, as in the stage: what one batch left behind is garbage when the next one comes.
  for (const batch of batches) {
    used.parse += cpu(() => {
      for (const record of batch) JSON.parse(String(record.value));
    });
    let decoded = new Map<string, FoldRecord[]>();
    used.decode += cpu(() => {
      decoded = decodeAll(batch);
    });
    const steps: { window: LoadWindow; before: LoadWindow | undefined }[] = [];
    used.fold += cpu(() => {
      for (const [workload, records] of decoded) {
        const before = windows.get(workload);
        const { window } = foldRecords(before, { topicPartition: 'inference-load-0', records, nowMs: START_MS });
        windows.set(workload, window);
        steps.push({ window, before });
      }
    });
    used.encode += cpu(() => {
      for (const { window, before } of steps) Buffer.byteLength(Object.values(encodeWindow(window, before)).join(''));
    });
  }
  const micros = (time: number): number => Math.round((time * 100) / count) / 100;
  return {
    parseMicros: micros(used.parse),
    decodeMicros: micros(used.decode),
    foldMicros: micros(used.fold),
    encodeMicros: micros(used.encode),
    bytesPerEvent: batches[0]?.[0]?.value?.length ?? 0,
  };
}

function cpu(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

let offset = 0;

function batchesOf(shape: LoadShape): RawRecord[][] {
  const batches: RawRecord[][] = [];
  for (let tick = 0; tick < shape.ticks; tick += TICKS_PER_BATCH) {
    const sent = Array.from({ length: TICKS_PER_BATCH }, (_, more) =>
      tickOf(shape, { tick: tick + more, startMs: START_MS }),
    );
    batches.push(
      sent.flat().map((one) => ({
        key: Buffer.from(one.key),
        value: Buffer.from(one.value),
        headers: {},
        timestampMs: one.timestampMs,
      })),
    );
  }
  return batches;
}

function decodeAll(batch: readonly RawRecord[]): Map<string, FoldRecord[]> {
  const byWorkload = new Map<string, FoldRecord[]>();
  for (const record of batch) {
    const decoded = decodeRecord(record, { nowMs: START_MS + 3_600_000 });
    if (decoded.kind !== 'event') throw new Error('an event was refused');
    const { event } = decoded;
    const entry = { offset: offset++, timestampMs: record.timestampMs, event };
    const known = byWorkload.get(event.workload);
    if (known === undefined) byWorkload.set(event.workload, [entry]);
    else known.push(entry);
  }
  return byWorkload;
}

/** The ingest function: a Kafka event → state, then a leading evaluation of what was touched. */
import { TransientError, messageOf } from '../../base/errors.ts';
import type { EvaluateRequest, EvaluateResult } from '../../loop/evaluate/evaluate.ts';
import type { IngestDeps } from '../../loop/deps.ts';
import type { IngestOutcome } from '../../loop/ingest/ingest.ts';
import { topicPartition } from '../../stream/contract.ts';
import type { BatchAnswer, RecordBatch } from '../../stream/contract.ts';
import { ANSWER_MARGIN_MS, withinMs, workMs } from './lambda.ts';
import type { LambdaContext, LambdaHandler } from './lambda.ts';
import { batchResponse, decodeKafkaEvent } from './kafka-event.ts';
import type { KafkaBatchResponse } from './kafka-event.ts';
import type { CollectingWake } from './wake.ts';

/** What the handler uses of the stage's answer. */
export type IngestAnswer = Pick<IngestOutcome, 'answers' | 'touched' | 'triggers'> & {
  readonly counts: Pick<IngestOutcome['counts'], 'deadLettered'>;
};

export type IngestParts = {
  readonly deps: Pick<IngestDeps, 'clock' | 'log' | 'metrics'>;
  readonly ingest: (batches: readonly RecordBatch[]) => Promise<IngestAnswer>;
  readonly evaluate: (request: EvaluateRequest) => Promise<EvaluateResult>;
  readonly wake: CollectingWake;
};

/** Records of one call of the stage: some 100 ms of work, so that an event cut short by the deadline keeps most of what was done. */
export const SLICE_RECORDS_MAX = 2_000;

/** Below this there is no point in starting another slice or an evaluation [ms]. */
const WORK_MS_MIN = 500;

type Run = {
  /** First record that was not applied, by `TOPIC-PARTITION`. */
  readonly answers: Map<string, BatchAnswer>;
  readonly touched: Set<string>;
  readonly triggers: Map<string, number>;
  appliedAny: boolean;
  deadLettered: number;
};

/**
 * Handles one event. What could not be applied (a store that fails half way, a deadline that comes near) is reported as failed items, first failure and
 * everything behind it; Lambda delivers it again, and the offsets in the state make the repetition harmless. Throws when nothing at all was applied: then
 * the whole batch comes again. A failed evaluation or wake fails nothing: the events are in the state, and the schedule evaluates them.
 *
 * Lambda cannot seek. When Redis has lost its tail and Kafka's commit is ahead of the stored progress, the records between are not heard again: the stage
 * notices the gap and holds (nothing shrinks) for one window, after which the window has been refilled by newer events.
 */
export function ingestHandler(build: () => Promise<IngestParts>): LambdaHandler<KafkaBatchResponse> {
  return async (event, context) => {
    const batches = decodeKafkaEvent(event);
    const parts = await build();
    const run = await ingestSlices(parts, { batches: batches.map((keyed) => keyed.batch), context });
    await evaluateTouched(parts, { run, context });
    if (run.deadLettered > 0) await parts.wake.notify();
    await parts.wake.flush();
    const response = batchResponse(batches, run.answers);
    if (response.batchItemFailures.length > 0) {
      parts.deps.metrics.count('ingest_items_returned_total', response.batchItemFailures.length);
      parts.deps.log.warn('part of the event was returned to Lambda', {
        records: response.batchItemFailures.length,
        partitions: [...run.answers.keys()],
      });
    }
    return response;
  };
}

async function ingestSlices(
  parts: IngestParts,
  { batches, context }: { batches: readonly RecordBatch[]; context: LambdaContext },
): Promise<Run> {
  const run: Run = { answers: new Map(), touched: new Set(), triggers: new Map(), appliedAny: false, deadLettered: 0 };
  for (const slice of slicesOf(batches)) {
    const open = slice.filter((batch) => !run.answers.has(topicPartition(batch)));
    if (open.length === 0) continue;
    const problem = await ingestSlice(parts, { slice: open, run, context });
    if (problem === undefined) continue;
    for (const batch of open) giveBack(run, batch);
    if (!run.appliedAny) throw problem;
    parts.deps.log.warn('slice was not applied', { error: messageOf(problem) });
  }
  return run;
}

/** Applies one slice into `run`. Returns why it could not be applied. */
async function ingestSlice(
  parts: IngestParts,
  { slice, run, context }: { slice: readonly RecordBatch[]; run: Run; context: LambdaContext },
): Promise<Error | undefined> {
  const ms = workMs(context);
  if (ms < WORK_MS_MIN) return tooLate();
  try {
    const outcome = await withinMs(parts.ingest(slice), { clock: parts.deps.clock, ms });
    if (outcome.kind === 'late') return tooLate();
    record(run, slice, outcome.value);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new TransientError(messageOf(error));
  }
}

function tooLate(): TransientError {
  return new TransientError(
    `Cannot finish the event: expected it done ${ANSWER_MARGIN_MS} ms before the function's timeout, so the rest is returned`,
  );
}

function record(run: Run, slice: readonly RecordBatch[], outcome: IngestAnswer): void {
  for (const batch of slice) {
    const answer = outcome.answers.get(topicPartition(batch));
    const from = answer?.retryFromOffset;
    if (from === undefined || from > (batch.records[0]?.offset ?? Infinity)) run.appliedAny = true;
    if (answer !== undefined && from !== undefined) run.answers.set(topicPartition(batch), answer);
  }
  run.deadLettered += outcome.counts.deadLettered;
  for (const workload of outcome.touched) run.touched.add(workload);
  for (const [workload, atMs] of outcome.triggers) run.triggers.set(workload, atMs);
}

function giveBack(run: Run, batch: RecordBatch): void {
  const first = batch.records[0];
  if (first !== undefined) run.answers.set(topicPartition(batch), { retryFromOffset: first.offset });
}

/** Cuts the batches into slices of at most {@link SLICE_RECORDS_MAX} records; the records of a partition keep their order. */
export function slicesOf(batches: readonly RecordBatch[]): RecordBatch[][] {
  const slices: RecordBatch[][] = [];
  let roomLeft = 0;
  for (const batch of batches) {
    for (let start = 0; start < batch.records.length;) {
      if (roomLeft === 0) {
        slices.push([]);
        roomLeft = SLICE_RECORDS_MAX;
      }
      const records = batch.records.slice(start, start + roomLeft);
      slices.at(-1)?.push({ ...batch, records });
      start += records.length;
      roomLeft -= records.length;
    }
  }
  return slices;
}

/** Whoever could not be evaluated here is left to the evaluate function. */
async function evaluateTouched(
  parts: IngestParts,
  { run, context }: { run: Run; context: LambdaContext },
): Promise<void> {
  const workloads = [...run.touched];
  const ms = workMs(context);
  if (workloads.length === 0) return;
  if (ms < WORK_MS_MIN) return parts.wake.evaluate(workloads);
  try {
    const request = { kind: 'leading', workloads, triggers: run.triggers } as const;
    const outcome = await withinMs(parts.evaluate(request), { clock: parts.deps.clock, ms });
    if (outcome.kind === 'done' && outcome.value.failed.length === 0) return;
  } catch (error) {
    parts.deps.log.warn('leading evaluation failed, the evaluate function takes over', { error: messageOf(error) });
  }
  parts.deps.metrics.count('leading_handed_over_total');
  await parts.wake.evaluate(workloads);
}

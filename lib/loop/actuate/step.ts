/** One actuation step's memory and voice: the record it reads and writes with compare-and-set, its log line, its metric. */
import type { ActionJob, StepResult } from '../../action-queue/contract.ts';
import { ConflictError, PenstockError, messageOf } from '../../base/errors.ts';
import { canonicalJson } from '../../core/hash.ts';
import type { ActuationRecord } from '../../state/contract.ts';
import { believedRecord, blankRecord } from '../stored-record.ts';
import type { ActuateDeps } from '../deps.ts';

/** Fields to change; `undefined` removes one. */
export type RecordChange = { readonly [K in keyof ActuationRecord]?: ActuationRecord[K] | undefined };

export type ActuationStep = {
  /** As last read or written; a blank one at first. */
  record(): ActuationRecord;
  /** How long this job should stay away still [ms]; 0 when it may act. A retry by the queue has waited already. */
  pauseMs(attempt: number): number;
  /** Writes progress before or between effects. Throws ConflictError when another worker wrote meanwhile: then it has the floor. */
  save(change: RecordChange): Promise<void>;
  /** The step's answer: written (unless it says nothing new), logged, counted. */
  end(outcome: ActuationRecord['outcome'], detail: string, change?: RecordChange): Promise<void>;
  /** Remembers what was thrown, for back-off and alerts; the caller throws it on. Never throws itself. */
  fail(error: unknown): Promise<void>;
};

export type StepSubject = {
  readonly job: Exclude<ActionJob, { readonly kind: 'alert' }>;
  readonly planSeq: number;
  readonly decision: string;
};

/** Failing targets and groups are left alone for 1 s, doubling to 60 s. */
const FAILURE_PAUSE_MS = 1_000;
const FAILURE_PAUSE_MS_MAX = 60_000;

/** What one answer may say in a record [characters]. */
const DETAIL_LENGTH_MAX = 500;

/** One write of a foreign hand is told for so long [ms] after it was seen: an alert that clears between two writes of a fight helps nobody. */
const FOREIGN_WRITE_TOLD_MS = 600_000;

export const DONE: StepResult = { done: true };

/** Looked at again after `ms`; at least 1. */
export function again(ms: number): StepResult {
  return { done: false, againInMs: Math.max(1, Math.ceil(ms)) };
}

/** Opens the record of a job. Throws TransientError when the store cannot be reached. */
export async function beginStep(deps: ActuateDeps, subject: StepSubject): Promise<ActuationStep> {
  const { job, planSeq, decision } = subject;
  const id = `${job.kind}/${job.id}`;
  const read = await deps.state.actuation.read(id);
  let record = believedRecord(deps, id, read?.value) ?? blankRecord(planSeq);
  let version = read?.version;

  const write = async (next: ActuationRecord): Promise<void> => {
    const before = version ?? (await versionOf(deps, id, record));
    if (!(await deps.state.actuation.compareAndSet(id, next, before))) {
      throw new ConflictError(`Cannot record the actuation of "${id}": expected no other writer`);
    }
    record = next;
    version = undefined;
  };

  const tell = (outcome: ActuationRecord['outcome'], detail: string): void => {
    const fields = {
      ...(job.kind === 'target' ? { workload: job.id } : { nodeGroup: job.id }),
      decision,
      planSeq,
      outcome,
      detail,
    };
    deps.metrics.count('actuate_results_total', 1, { kind: job.kind, outcome });
    if (outcome === 'failed') deps.log.warn('actuation failed', fields);
    else if (outcome === 'inProgress' || outcome === 'already') deps.log.debug('actuation went on', fields);
    else deps.log.info('actuation ended', fields);
  };

  const end: ActuationStep['end'] = async (outcome, detail, change = {}) => {
    const nowMs = deps.clock.nowMs();
    const settled = outcome === 'applied' || outcome === 'already';
    const next = merged(record, {
      planSeq: Math.max(planSeq, record.planSeq),
      outcome,
      detail: detail.slice(0, DETAIL_LENGTH_MAX),
      atMs: nowMs,
      ...(settled ? { failures: 0, notBeforeMs: 0, foreignWrite: stillTold(record, nowMs) } : {}),
      ...(outcome === 'failed' ? failureFields(record, nowMs) : {}),
      ...change,
    });
    if (!saysTheSame(record, next)) await write(next);
    tell(outcome, detail);
  };

  return {
    record: () => record,
    pauseMs: (attempt) => (attempt > 1 ? 0 : Math.max(0, record.notBeforeMs - deps.clock.nowMs())),
    save: (change) => write(merged(record, change)),
    end,
    fail: async (error) => {
      const retryAfterMs = error instanceof PenstockError ? (error.retryAfterMs ?? 0) : 0;
      const { notBeforeMs } = failureFields(record, deps.clock.nowMs());
      const change = { notBeforeMs: Math.max(notBeforeMs, deps.clock.nowMs() + retryAfterMs) };
      try {
        await end('failed', messageOf(error), change);
      } catch (second) {
        deps.log.warn('actuation failed, and so did its record', {
          [job.kind]: job.id,
          error: messageOf(error),
          recordError: messageOf(second),
        });
      }
    },
  };
}

/** After our own write the version is not known: what is stored must still be what we wrote. */
async function versionOf(deps: ActuateDeps, id: string, expected: ActuationRecord): Promise<string | undefined> {
  const stored = await deps.state.actuation.read(id);
  if (stored === undefined) return undefined;
  if (canonicalJson(stored.value) === canonicalJson(expected)) return stored.version;
  throw new ConflictError(`Cannot record the actuation of "${id}": expected no other writer`);
}

function merged(record: ActuationRecord, change: RecordChange): ActuationRecord {
  const kept = Object.entries({ ...record, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as ActuationRecord;
}

function failureFields(record: ActuationRecord, nowMs: number): { failures: number; notBeforeMs: number } {
  const failures = record.failures + 1;
  const pauseMs = Math.min(FAILURE_PAUSE_MS * 2 ** Math.min(failures - 1, 10), FAILURE_PAUSE_MS_MAX);
  return { failures, notBeforeMs: nowMs + pauseMs };
}

function stillTold(record: ActuationRecord, nowMs: number): ActuationRecord['foreignWrite'] {
  const seen = record.foreignWrite;
  return seen !== undefined && nowMs - seen.atMs < FOREIGN_WRITE_TOLD_MS ? seen : undefined;
}

/** Only time and sequence differ: not worth a write. */
function saysTheSame(before: ActuationRecord, after: ActuationRecord): boolean {
  if (after.outcome === 'applied' || after.outcome === 'failed') return false;
  return before.atMs !== 0 && timeless(before) === timeless(after);
}

function timeless(record: ActuationRecord): string {
  return canonicalJson({ ...record, atMs: 0, planSeq: 0 });
}

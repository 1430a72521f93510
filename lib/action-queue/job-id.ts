/** Names of jobs: what is the same thing to look at, and which lane it runs in. */
import { createHash } from 'node:crypto';
import type { ActionJob } from './contract.ts';

/** Longest id kept readable in keys [characters]; longer ones are hashed. */
const ID_LENGTH_MAX = 200;

/** `alerts` has its own workers, so that a receiver that hangs for seconds never keeps a scaling step waiting. */
export type Lane = 'actions' | 'alerts';

export const LANES: readonly Lane[] = ['actions', 'alerts'];

/** The lane a job runs in. */
export function laneOf(job: ActionJob): Lane {
  return job.kind === 'alert' ? 'alerts' : 'actions';
}

/** The same for all wakes of one thing; without `:` and braces, which mean something in queue keys. */
export function sameJobId(job: ActionJob): string {
  const parts = job.kind === 'alert' ? [job.kind, job.hook, job.id] : [job.kind, job.pool, job.id];
  const id = parts.map(encodeURIComponent).join('/');
  return id.length <= ID_LENGTH_MAX ? id : `${job.kind}/${createHash('sha256').update(id).digest('hex')}`;
}

/** The job in stored data. Throws on data that no version of ours wrote. */
export function jobOf(data: unknown): ActionJob {
  const fields = (typeof data === 'object' && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  const { kind, id, pool, hook, payload } = fields;
  if ((kind === 'target' || kind === 'nodeGroup') && typeof id === 'string' && typeof pool === 'string') {
    return { kind, pool, id };
  }
  if (kind === 'alert' && typeof id === 'string' && typeof hook === 'string' && typeof payload === 'string') {
    return { kind, hook, id, payload };
  }
  throw new TypeError(
    `Cannot read an action: expected a target, nodeGroup or alert, current value is "${String(kind)}"`,
  );
}

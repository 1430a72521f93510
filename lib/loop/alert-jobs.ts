/** One alert message becomes one job per hook. */
import { createHash } from 'node:crypto';
import type { ActionJob } from '../action-queue/contract.ts';
import type { OpsAlert } from '../core/types.ts';

/** Characters of hook and key that stay readable in an id; the hash keeps ids apart. */
const READABLE_LENGTH_MAX = 80;

/**
 * Jobs that deliver `alert` to each of `hooks`. The id is the delivery id: the same for the same message, so that a message that is queued or
 * delivered twice is recognised, and made of letters, digits, `-` and `_` only.
 */
export function alertJobs(alert: OpsAlert, hooks: readonly string[]): ActionJob[] {
  const payload = JSON.stringify(alert);
  return [...new Set(hooks)].map((hook) => ({ kind: 'alert', hook, id: deliveryId(alert, hook), payload }));
}

function deliveryId(alert: OpsAlert, hook: string): string {
  const parts = [hook, alert.key, alert.state, String(alert.atMs)];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  const readable = `${hook}_${alert.key}`.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, READABLE_LENGTH_MAX);
  return `${readable}_${alert.state}_${alert.atMs}_${hash}`;
}

/** Closing a worker when Redis may be away. */
import type { Clock } from '../base/clock.ts';
import type { Connection } from './bullmq-step.ts';
import { STALLED_CHECK_MS } from './contract.ts';

/** The longest step (an alert) and a little: closing waits for it, but not for a Redis that never comes back [ms]. */
const CLOSE_MS_MAX = 21_000;

const CLOSE_POLL_MS = 100;

/** Waits until `closed` is over, Redis stayed away, or the longest step should have ended; then ends the connections. */
export async function closeWithin(
  closed: Promise<unknown>,
  connections: readonly Connection[],
  clock: Clock,
): Promise<void> {
  const ended = new AbortController();
  await Promise.race([closed, patience(connections, clock, ended.signal)]);
  ended.abort();
  for (const client of connections) if (client.status !== 'end') client.disconnect();
}

async function patience([connection]: readonly Connection[], clock: Clock, ended: AbortSignal): Promise<void> {
  const startedMs = clock.monotonicMs();
  let awaySinceMs: number | undefined;
  while (!ended.aborted && clock.monotonicMs() - startedMs < CLOSE_MS_MAX) {
    await clock.sleep(CLOSE_POLL_MS, ended);
    if (connection?.status === 'ready') awaySinceMs = undefined;
    else if (clock.monotonicMs() - (awaySinceMs ??= clock.monotonicMs()) >= STALLED_CHECK_MS) return;
  }
}

/** The connection, and every one that BullMQ makes of it: when Redis is away, BullMQ's own closing waits for ever, and only ending them frees it. */
export function withDuplicates(connection: Connection): Connection[] {
  const all = [connection];
  const duplicate = connection.duplicate.bind(connection) as (...args: unknown[]) => Connection;
  const tracked = (...args: unknown[]): Connection => {
    const copy = duplicate(...args);
    all.push(copy);
    return copy;
  };
  Object.assign(connection, { duplicate: tracked });
  return all;
}

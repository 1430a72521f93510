/** One watch request, from its opening to its end. */
import type { Clock } from '../../base/clock.ts';
import { TransientError } from '../../base/errors.ts';
import { kubernetesError } from './errors.ts';
import { ApiException } from './facade.ts';
import type { KubernetesClient } from './client.ts';
import { recordOf, textOf } from '../json-values.ts';
import type { JsonRecord } from '../json-values.ts';

export type WatchEvent = {
  /** BOOKMARK: everything up to this version was sent. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly version: string;
  readonly object: JsonRecord;
};

export type WatchRequest = {
  /** Completes `Cannot …`. */
  readonly what: string;
  /** Path of the list. */
  readonly path: string;
  /** Selectors, as of the list. */
  readonly query: Readonly<Record<string, string>>;
  /** Changes after this version. */
  readonly from: string;
  /** The server is asked to end it after so long [s]. */
  readonly seconds: number;
  readonly clock: Clock;
  /** Ends it at once and without an error. */
  readonly signal: AbortSignal;
  /** The server has begun to answer. */
  readonly onOpen: () => void;
  readonly onEvent: (event: WatchEvent) => void;
};

/** The server has so long to begin its answer [ms]: it does so at once, also when nothing has changed. */
const ANSWER_MS_MAX = 5_000;
/** A watch that has not ended so long after its time [ms] is taken for dead: whatever is between us and the server swallows what it says. */
export const OVERDUE_MS_MAX = 4_000;

const CHANGES = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

/**
 * Resolves when the server has ended it. Throws what `client.call` throws; TransientError when it was lost, is overdue, or the version is forgotten
 * (`isExpired` of errors.ts tells).
 */
export async function watchOnce(client: KubernetesClient, request: WatchRequest): Promise<void> {
  const { what, path, clock, seconds } = request;
  const ending = new AbortController();
  const stop = (): void => ending.abort();
  request.signal.addEventListener('abort', stop, { once: true });
  let isOverdue = false;
  let timing = new AbortController();
  const abortAfter = (ms: number): void => {
    timing.abort();
    timing = new AbortController();
    const { signal } = timing;
    void clock.sleep(ms, signal).then(() => {
      if (signal.aborted) return;
      isOverdue = true;
      ending.abort();
    });
  };
  try {
    const query = {
      ...request.query,
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: request.from,
      timeoutSeconds: seconds,
    };
    abortAfter(ANSWER_MS_MAX);
    let isOpen = false;
    for await (const line of client.lines(what, { path, query }, ending.signal)) {
      if (!isOpen) {
        abortAfter(seconds * 1000 + OVERDUE_MS_MAX);
        request.onOpen();
      }
      isOpen = true;
      if (line !== '') request.onEvent(eventOf(line, what));
    }
  } catch (error) {
    if (request.signal.aborted) return;
    if (!isOverdue) throw kubernetesError(what, error);
    throw new TransientError(
      `Cannot ${what}: expected its end after ${seconds} s, current value is silence for ${OVERDUE_MS_MAX / 1000} s more`,
      { cause: error },
    );
  } finally {
    timing.abort();
    request.signal.removeEventListener('abort', stop);
  }
}

function eventOf(line: string, what: string): WatchEvent {
  // A line that was cut off in the middle throws: the watch is lost, not the event.
  const { type, object } = recordOf(JSON.parse(line));
  const read = recordOf(object);
  // 410 comes as an event when the watch was open already.
  if (type === 'ERROR') throw kubernetesError(what, new ApiException(Number(read['code']), 'ERROR', read, {}));
  if (typeof type !== 'string' || !CHANGES.has(type)) {
    throw new TransientError(`Cannot ${what}: expected a known kind of event, current value is ${String(type)}`);
  }
  const version = textOf(recordOf(read['metadata'])['resourceVersion']);
  return { type: type as WatchEvent['type'], version, object: read };
}

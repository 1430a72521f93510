/** Load of servers that expose Prometheus metrics: scrape, compare with the last time, report what happened in between. */
import { once } from 'node:events';
import { INTERVAL_MS_MAX, INTERVAL_MS_MIN } from '../../events/schema/common.ts';
import { INFERENCE_LOAD } from '../../events/schema/inference-load.ts';
import type { InferenceLoad } from '../../events/schema/index.ts';
import { problemOf } from '../../events/validate.ts';
import type { Clock } from '../base/clock.ts';
import { TransientError, messageOf } from '../base/errors.ts';
import type { Collected, Endpoint, EndpointDiscovery, LoadSource } from './contract.ts';
import { differenceOf } from './difference.ts';
import { parseExposition } from './exposition.ts';
import { fetchMetrics } from './fetch-metrics.ts';
import type { Mapping } from './mapping.ts';
import { isEmpty, readingOf, wantedNames } from './reading.ts';
import type { Reading } from './reading.ts';

export type PrometheusScrapeOptions = {
  readonly workload: string;
  readonly discovery: EndpointDiscovery;
  readonly mapping: Mapping;
  readonly clock: Clock;
  /** For one scrape [ms], default {@link TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** How that time is told, default by `AbortSignal.timeout`; one signal for each scrape, in the order in which they start. */
  readonly deadlineOf?: (timeoutMs: number) => AbortSignal;
  /** Scrapes at once, default {@link CONCURRENT_MAX}. */
  readonly concurrentMax?: number;
};

/** A server that needs a second for its metrics is not healthy, and half the default period is left for a second round. */
const TIMEOUT_MS = 1_000;

/** 64 answers of 4 MB are the most that is in memory. */
const CONCURRENT_MAX = 64;

/** Series that one server may have of the mapped metrics: engines × models × reasons × buckets stay far below. */
const SAMPLES_MAX = 20_000;

type Failure = Collected['failures'][number];
type Outcome = { readonly event?: InferenceLoad; readonly failure?: Failure };

/**
 * The first scrape of a server only sets the base. An event covers the time since its last successful scrape, 0.5 to 60 s; after a longer gap there is a new
 * base and no event. A server that does not answer in time is left out, so coverage falls, and has its turn after those that answered the last time.
 */
export function prometheusScrape(options: PrometheusScrapeOptions): LoadSource {
  const closing = new AbortController();
  const bases = new Map<string, Reading>();
  const failing = new Set<string>();
  const wanted = wantedNames(options.mapping);

  const read = async (url: string): Promise<Reading> => {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const text = await fetchMetrics(url, { timeoutMs, signal: closing.signal, deadlineOf: options.deadlineOf });
    const atMs = Math.round(options.clock.nowMs());
    const page = parseExposition(text, (name) => wanted.has(name));
    if (page.samples.length > SAMPLES_MAX) {
      throw new Error(`has ${page.samples.length} series of the mapped metrics, expected at most ${SAMPLES_MAX}`);
    }
    const reading = readingOf(page, { mapping: options.mapping, atMs });
    if (isEmpty(reading)) throw new Error(`none of the mapped metrics was found (${page.malformed} malformed lines)`);
    return reading;
  };

  const scrape = async (endpoint: Endpoint): Promise<Outcome> => {
    const { source } = endpoint;
    try {
      const now = await read(endpoint.url);
      failing.delete(source);
      const before = bases.get(source);
      const lengthMs = before === undefined ? Infinity : now.atMs - before.atMs;
      // Too soon: the base stays, so that nothing is lost.
      if (lengthMs >= 0 && lengthMs < INTERVAL_MS_MIN) return {};
      bases.set(source, now);
      // First of this server, too long ago, or the clock was set back: nobody knows what happened when.
      if (before === undefined || lengthMs < 0 || lengthMs > INTERVAL_MS_MAX) return {};
      return eventOf(options.workload, { endpoint, before, now });
    } catch (error) {
      failing.add(source);
      // A pod that has not loaded its model yet, or is going, owes no answer.
      return endpoint.ready === false ? {} : { failure: { source, reason: messageOf(error) } };
    }
  };

  const forget = (endpoints: readonly Endpoint[]): void => {
    const listed = new Set(endpoints.map(({ source }) => source));
    for (const source of failing) if (!listed.has(source)) failing.delete(source);
    for (const [source, { atMs }] of bases) {
      if (!listed.has(source) && options.clock.nowMs() - atMs > INTERVAL_MS_MAX) bases.delete(source);
    }
  };

  return {
    collect: async () => {
      if (closing.signal.aborted) return { events: [], failures: [] };
      let endpoints: readonly Endpoint[];
      try {
        endpoints = await unlessEnded(options.discovery.list(), closing.signal);
      } catch (error) {
        if (closing.signal.aborted) return { events: [], failures: [] };
        return { events: [], failures: [{ source: 'discovery', reason: messageOf(error) }] };
      }
      forget(endpoints);
      const healthyFirst = endpoints.toSorted((a, b) => Number(failing.has(a.source)) - Number(failing.has(b.source)));
      const outcomes = await inTurn(healthyFirst, {
        concurrentMax: options.concurrentMax ?? CONCURRENT_MAX,
        run: scrape,
      });
      if (closing.signal.aborted) return { events: [], failures: [] };
      return {
        events: outcomes.flatMap(({ event }) => event ?? []),
        failures: outcomes.flatMap(({ failure }) => failure ?? []),
      };
    },
    close: async () => closing.abort(),
  };
}

/** A cluster that is slow to tell its pods must not hold up the end: rejects when `ending` aborts. */
async function unlessEnded<T>(work: Promise<T>, ending: AbortSignal): Promise<T> {
  const over = new AbortController();
  const ended = once(ending, 'abort', { signal: over.signal }).then(() => {
    throw new TransientError('Cannot wait for the servers: expected to be asked for load, current value is closed');
  });
  ended.catch(nothing);
  try {
    return await Promise.race([work, ended]);
  } finally {
    over.abort();
  }
}

function nothing(): void {}

type Between = { readonly endpoint: Endpoint; readonly before: Reading; readonly now: Reading };

/** Checked as whoever reads it will check it. */
function eventOf(workload: string, { endpoint, before, now }: Between): Outcome {
  const event: InferenceLoad = {
    schema: INFERENCE_LOAD,
    workload,
    source: endpoint.source,
    intervalStartMs: before.atMs,
    intervalEndMs: now.atMs,
    ...(endpoint.ready === undefined ? {} : { ready: endpoint.ready }),
    ...differenceOf(before, now),
  };
  const problem = problemOf(event);
  if (problem !== null)
    return { failure: { source: endpoint.source, reason: `its metrics make no valid event: ${problem}` } };
  return { event };
}

/** Runs over all items, at most `concurrentMax` at once, starting in their order; results in their order. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  { concurrentMax, run }: { readonly concurrentMax: number; readonly run: (item: Item) => Promise<Result> },
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  const worker = async (): Promise<void> => {
    // One iterator for all workers: each takes the next item that is left.
    for (const [index, item] of entries) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrentMax, items.length) }, worker));
  return results;
}

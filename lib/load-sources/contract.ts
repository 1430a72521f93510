/**
 * To add a load source (say, SQS depth):
 * 1. implement {@link LoadSource} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/load-source.ts` against it.
 *
 * A server that speaks Prometheus needs no code: a preset (`presets/`), or a mapping file of the user's.
 */
import type { InferenceLoad, QueueDepth } from '../../events/schema/index.ts';

export type LoadSource = {
  /** Measures once. What could not be measured is left out (never zero) and named in `failures`; one hung server never delays the others beyond the timeout. */
  collect(): Promise<{
    readonly events: readonly (InferenceLoad | QueueDepth)[];
    readonly failures: readonly { readonly source: string; readonly reason: string }[];
  }>;
  /** Ends a measurement that still runs. Nothing is measured after it. */
  close(): Promise<void>;
};

export type Collected = Awaited<ReturnType<LoadSource['collect']>>;

/** A server to scrape. */
export type Endpoint = {
  /** `pod/NAME`, the source of its events. */
  readonly source: string;
  readonly url: string;
  /** The model is loaded and serves; left out where nobody knows. A server that is not ready may refuse without that being a failure. */
  readonly ready?: boolean;
};

/** Finds the servers of a workload. */
export type EndpointDiscovery = {
  /** Throws TransientError or ConfigError when they are not known. An empty list is a fact: there are none. */
  list(): Promise<readonly Endpoint[]>;
};

/**
 * To add a load source (say, SQS depth):
 * 1. implement {@link LoadSource} in a file of its own,
 * 2. name it in `index.ts`,
 * 3. run `test/conformance/load-source.ts` against it.
 */
import type { InferenceLoad, QueueDepth } from '../../events/schema/index.ts';

export type LoadSource = {
  /** Measures once. What could not be measured is left out (never zero) and named in `failures`; one hung server never delays the others beyond the timeout. */
  collect(): Promise<{
    readonly events: readonly (InferenceLoad | QueueDepth)[];
    readonly failures: readonly { readonly source: string; readonly reason: string }[];
  }>;
  close(): Promise<void>;
};

/** Finds the pods of a workload to scrape. */
export type Endpoint = { readonly source: string; readonly url: string };
export type EndpointDiscovery = { list(): Promise<readonly Endpoint[]> };

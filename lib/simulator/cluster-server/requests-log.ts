/** The last requests that reached the simulated APIs: for benchmarks, tests and the summary of a run. */

export type Service = 'kubernetes' | 'eks' | 'autoscaling';

export type LoggedRequest = {
  readonly service: Service;
  /** Kubernetes: `patch deployments/scale`; AWS: `UpdateNodegroupConfig`. */
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** When the request had arrived whole [epoch ms], and on the clock that never jumps [ms, fractional]. */
  readonly atMs: number;
  readonly monotonicMs: number;
  /** The status sent; 0 while there is none, or when the connection was cut instead. */
  status: number;
  /** Body of a mutating request, at most {@link BODY_CHARS_MAX} characters. */
  readonly body: string;
};

export type RequestsLog = {
  add(request: LoggedRequest): LoggedRequest;
  /** Oldest first. */
  all(): readonly LoggedRequest[];
  /** Requests of one operation, oldest first. */
  of(operation: string): readonly LoggedRequest[];
  clear(): void;
};

/** Requests kept: a ten-minute demo makes a few thousand. */
const REQUESTS_MAX = 20_000;
/** Enough for every scaling request; the log stays under 40 MB at worst. */
export const BODY_CHARS_MAX = 1_000;

/** An empty log that forgets the oldest requests beyond {@link REQUESTS_MAX}. */
export function createRequestsLog(): RequestsLog {
  let requests: LoggedRequest[] = [];
  return {
    add: (request) => {
      requests.push(request);
      // Cut in blocks: shifting one by one would cost O(n) per request.
      if (requests.length > REQUESTS_MAX * 1.1) requests = requests.slice(-REQUESTS_MAX);
      return request;
    },
    all: () => requests.slice(-REQUESTS_MAX),
    of: (operation) => requests.filter((request) => request.operation === operation),
    clear: () => {
      requests = [];
    },
  };
}

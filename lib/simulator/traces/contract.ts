/**
 * To add a trace format:
 * 1. implement {@link RequestFormat} (a line is a request) or {@link RateFormat} (a line is a point of a series) in a file of its own;
 *    a CSV with one request per line needs only its column names (`csv-requests.ts`),
 * 2. name it in `index.ts`; the order there is the order in which `auto` asks,
 * 3. give it a test with good and bad lines in `test/simulator/traces/`, and an example in `docs/replay-traces.md`.
 */
import type { TraceRequest } from '../plant/contract.ts';

/** One request as its line says it. */
export type RequestRow = {
  /** Arrival on the file's own clock [ms]: epoch from {@link EPOCH_MS_MIN} on, else since the start of the trace. */
  readonly timeMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Time one GPU works on it alone [s]; undefined where lengths say how much work it is. */
  readonly execSec?: number;
};

/** One point of a rate series as its line says it. */
export type RateRow = {
  /** As in {@link RequestRow}. */
  readonly timeMs: number;
  readonly rate: number;
  /** Mean lengths of the requests of this interval [tokens], where the file has them. */
  readonly meanInputTokens?: number;
  readonly meanOutputTokens?: number;
};

/** Times from here on are dates (1973), smaller ones count from the start of the trace (up to three years) [ms]. */
export const EPOCH_MS_MIN = 1e11;

/** Unit of a time column; `iso` are dates with or without a zone (without: UTC). */
export type TimeUnit = 'iso' | 'ns' | 'us' | 'ms' | 's' | 'min' | 'h';

/** Unit of a rate column; `interval` counts requests per line. */
export type RateUnit = 's' | 'min' | 'h' | 'interval';

/** How to read columns that are not recognised by their names. */
export type ColumnOptions = {
  readonly timeColumn?: string;
  /** Default: from the column's name, else from how the first value looks. */
  readonly timeUnit?: TimeUnit;
  readonly rateColumn?: string;
  /** Default: from the column's name. */
  readonly rateUnit?: RateUnit;
};

/**
 * Reads one line: a row; null for a line that says that nothing is known (a request that never ran, a rate nobody measured);
 * or, as text, what is wrong: `expected …, current value is …`.
 */
export type LineParser<Row> = (line: string) => Row | null | string;

/** A parser for the lines of one file, made from its first line; `headerLines` of them are passed over. A text says what is wrong with that line. */
export type OpenedFormat<Row> = { readonly headerLines: 0 | 1; readonly parse: LineParser<Row> };

type FormatBase<Row> = {
  /** As in `--format`. */
  readonly name: string;
  /** What the first line must be, for error messages. */
  readonly expected: string;
  /** Whether a file that begins with this line is of this format. */
  detect(firstLine: string, options: ColumnOptions): boolean;
  open(firstLine: string, options: ColumnOptions): OpenedFormat<Row> | string;
};

export type RequestFormat = FormatBase<RequestRow> & { readonly kind: 'requests' };
export type RateFormat = FormatBase<RateRow> & {
  readonly kind: 'rate';
  /** Unit of the rate column of a file with this first line; null: it has to be named. */
  rateUnit(firstLine: string, options: ColumnOptions): RateUnit | null;
};
export type TraceFormat = RequestFormat | RateFormat;

/** Where the bytes of a trace come from; each call of `bytes` starts anew. Gzip is recognised. */
export type TraceSource = {
  /** For messages, such as the file's path. */
  readonly name: string;
  bytes(): AsyncIterable<Uint8Array>;
};

export type TraceOptions = ColumnOptions & {
  /** Name of a format; default `auto`. */
  readonly format?: string;
  /** Bad lines are counted instead of ending the run. */
  readonly skipBadLines?: boolean;
  /**
   * Cut: from here (inclusive) to there (exclusive). Seconds: on the file's own clock where it counts from the start of the trace, since the
   * first line where it has dates. Or an ISO time, where it has dates.
   */
  readonly from?: number | string;
  readonly to?: number | string;
};

/** What the last pass over a trace has met. */
export type ReadCounts = {
  readonly lines: number;
  /** Requests or points within the cut. */
  readonly rows: number;
  readonly badLines: number;
  /** Lines that say that nothing is known: requests that never ran, rates nobody measured. */
  readonly emptyLines: number;
  /** What was wrong with the first bad line. */
  readonly firstBadLine: string | null;
};

type TraceBase = {
  readonly name: string;
  readonly format: string;
  readonly options: TraceOptions;
  readonly source: TraceSource;
  counts(): ReadCounts;
};

/** A trace of single requests, read anew by each call of `batches`, in order of time; times count from the first request, or from the start of the cut. */
export type RequestTrace = TraceBase & { readonly kind: 'requests'; batches(): RequestBatches };

/** Requests in order of time, some thousands at a time: a promise for each would cost more than reading them. Batches may be empty. */
export type RequestBatches = AsyncIterable<readonly TraceRequest[]>;

/** A rate over time, whole in memory. Columns of equal length. */
export type RateSeries = {
  /** Since the first point or the start of the cut, ascending; negative for the point in force when the cut begins [ms]. */
  readonly startMs: Float64Array;
  readonly requestsPerSec: Float64Array;
  /** Mean lengths [tokens], NaN where unknown; null where the file has none. */
  readonly meanInputTokens: Float64Array | null;
  readonly meanOutputTokens: Float64Array | null;
  /** Typical distance of two points [ms]; the last point holds as long. */
  readonly spacingMs: number;
  /** End of the series [ms]. */
  readonly endMs: number;
  /** Distances above three spacings: nothing is known there, and the neighbours' rates are used. */
  readonly gapCount: number;
};

export type RateTrace = TraceBase & { readonly kind: 'rate'; readonly series: RateSeries };
export type Trace = RequestTrace | RateTrace;

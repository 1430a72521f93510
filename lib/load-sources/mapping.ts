/** Which metrics of a server mean what: plain data, from a preset or a user's file. */
import * as z from 'zod';

const labelsSchema = z.record(
  z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'expected a label name'),
  z.union([z.string(), z.array(z.string()).min(1).max(50)]),
);

const namesSchema = z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'expected a metric name');

const selectorShape = {
  /** Or several: the first that the server has is read (names change between versions). A counter is found with and without `_total`. */
  metric: z.union([namesSchema, z.array(namesSchema).min(1).max(10)]),
  /** Only series whose label has this value, or one of these. */
  labels: labelsSchema.optional(),
  /** No series whose label has this value, or one of these. */
  except: labelsSchema.optional(),
};

/** 1 000 for seconds that are wanted in ms, 0.01 for percent. */
const scaleSchema = z.number().positive().max(1e9).default(1);

const gaugeSchema = z.strictObject({ ...selectorShape, kind: z.literal('gauge').default('gauge'), scale: scaleSchema });
const counterSchema = z.strictObject({
  ...selectorShape,
  kind: z.literal('counter').default('counter'),
  scale: scaleSchema,
});
const histogramSchema = z.strictObject({
  ...selectorShape,
  kind: z.literal('histogram').default('histogram'),
  /** From the unit of `le` to ms. 1 000: base unit of Prometheus is the second. */
  scale: z.number().positive().max(1e9).default(1_000),
});

/** Gauges are summed over series, ratios averaged, counters summed as deltas. */
export const mappingSchema = z
  .strictObject({
    /** Requests being processed. */
    inFlight: gaugeSchema.optional(),
    /** Requests waiting. */
    queued: gaugeSchema.optional(),
    /** Without it, arrivals are derived from what finished and the change of what is inside. */
    arrived: counterSchema.optional(),
    completed: counterSchema.optional(),
    failed: counterSchema.optional(),
    cancelled: counterSchema.optional(),
    inputTokens: counterSchema.optional(),
    outputTokens: counterSchema.optional(),
    /** 0..1 after scaling. */
    kvCacheRatio: gaugeSchema.optional(),
    gpuRatio: gaugeSchema.optional(),
    /** Time to first token. */
    ttft: histogramSchema.optional(),
  })
  .refine((mapping) => Object.values(mapping).some((value) => value !== undefined), 'expected at least one measure');

export type Mapping = z.infer<typeof mappingSchema>;
/** A mapping as presets are written: defaults left out. */
export type MappingInput = z.input<typeof mappingSchema>;
export type Selector = {
  readonly metric: string | readonly string[];
  readonly labels?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly except?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly scale: number;
};

export const GAUGES = ['inFlight', 'queued'] as const;
export const RATIOS = ['kvCacheRatio', 'gpuRatio'] as const;
export const COUNTERS = ['arrived', 'completed', 'failed', 'cancelled', 'inputTokens', 'outputTokens'] as const;
export type GaugeName = (typeof GAUGES)[number];
export type RatioName = (typeof RATIOS)[number];
export type CounterName = (typeof COUNTERS)[number];

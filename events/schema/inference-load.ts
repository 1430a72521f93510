/** `inference-load/1`: what one source (a pod, or a gateway) saw of a workload in one interval. Kafka key = workload. */
import * as z from 'zod';
import { countSchema, epochMsSchema, gaugeSchema, nameSchema, ratioSchema, workloadSchema } from './common.ts';

export const INFERENCE_LOAD = 'penstock.inference-load/1';

/** Most bounds a latency histogram may have. */
export const HISTOGRAM_BOUNDS_MAX = 64;

const histogramSchema = z.object({
  /** Upper bounds, ascending [ms]. */
  bounds: z.array(gaugeSchema).min(1).max(HISTOGRAM_BOUNDS_MAX),
  /** Observations per bucket, one more entry than bounds. */
  counts: z
    .array(countSchema)
    .min(2)
    .max(HISTOGRAM_BOUNDS_MAX + 1),
});

/** Gauges are averages over the interval, counters are deltas over it. Cross-field rules are in `events/decode.ts`. */
export const inferenceLoadSchema = z.object({
  schema: z.literal(INFERENCE_LOAD),
  workload: workloadSchema,
  /** `pod/NAME` or `gateway/NAME`. */
  source: nameSchema,
  intervalStartMs: epochMsSchema,
  intervalEndMs: epochMsSchema,
  /** The model is loaded and serves. */
  ready: z.boolean().optional(),
  /** Requests being processed, average. */
  inFlight: gaugeSchema.optional(),
  /** Requests waiting, average. */
  queued: gaugeSchema.optional(),
  requests: z
    .object({
      arrived: countSchema.optional(),
      completed: countSchema.optional(),
      failed: countSchema.optional(),
      cancelled: countSchema.optional(),
    })
    .optional(),
  tokens: z.object({ input: countSchema.optional(), output: countSchema.optional() }).optional(),
  utilization: z.object({ gpuRatio: ratioSchema.optional(), kvCacheRatio: ratioSchema.optional() }).optional(),
  /** Time to first token. */
  ttftMs: histogramSchema.optional(),
});

export type InferenceLoad = z.infer<typeof inferenceLoadSchema>;

/** `queue-depth/1`: how much work waits in a queue of a workload. Kafka key = workload. */
import * as z from 'zod';
import { countSchema, epochMsSchema, gaugeSchema, nameSchema, workloadSchema } from './common.ts';

export const QUEUE_DEPTH = 'penstock.queue-depth/1';

export const queueDepthSchema = z.object({
  schema: z.literal(QUEUE_DEPTH),
  workload: workloadSchema,
  /** `queue/SYSTEM/NAME`, or `kafka/GROUP/TOPIC` for broker lag. */
  source: nameSchema,
  intervalStartMs: epochMsSchema,
  intervalEndMs: epochMsSchema,
  /** Messages waiting, average over the interval. */
  depth: gaugeSchema,
  /** Age of the oldest waiting message [ms]. */
  oldestAgeMs: gaugeSchema.optional(),
  enqueued: countSchema.optional(),
  dequeued: countSchema.optional(),
  /** Work behind the messages, because a message count says little about model jobs. */
  work: z
    .object({
      unit: z.enum(['tokens', 'gpuSeconds', 'items']),
      queued: gaugeSchema,
      enqueued: gaugeSchema.optional(),
    })
    .optional(),
});

export type QueueDepth = z.infer<typeof queueDepthSchema>;

/** The signals that a workload is scaled by. */
import * as z from 'zod';

const positive = z.number().positive().max(1e9);

/** One signal, by kind. */
export const signalSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('inFlight'),
      perReplica: positive.describe('Requests that one replica serves well at once.'),
    })
    .describe('Requests in flight and queued; it is learned what a replica that is so full serves.'),
  z
    .strictObject({
      kind: z.literal('requestRate'),
      perReplicaPerSec: positive.describe('Requests that one replica serves well in a second.'),
    })
    .describe('Arrivals. What a replica really serves is learned from there.'),
  z
    .strictObject({
      kind: z.literal('tokens'),
      inputPerSec: positive
        .optional()
        .describe('Prompt tokens that one replica takes in in a second. Left out: they cost nothing.'),
      outputPerSec: positive.optional().describe('Tokens that one replica makes in a second.'),
    })
    .describe('Input and output tokens are different work: each has its own speed.'),
  z
    .strictObject({
      kind: z.literal('queueDepth'),
      perReplicaPerSec: positive.describe('Messages that one replica finishes in a second.'),
      drainSec: z.number().min(1).max(86_400).default(60).describe('What waits is to be done within so long.'),
      kafka: z
        .strictObject({
          topic: z.string().min(1).describe('Its topic.'),
          group: z.string().min(1).describe('The consumer group that works it off.'),
        })
        .optional()
        .describe("Broker lag read directly, without a producer's help."),
    })
    .describe('Messages waiting; drained within `drainSec` by replicas that each finish `perReplicaPerSec`.'),
  z
    .strictObject({
      kind: z.literal('queueWork'),
      perReplicaPerSec: positive.describe('Units of work that one replica finishes in a second.'),
      drainSec: z.number().min(1).max(86_400).default(60).describe('What waits is to be done within so long.'),
    })
    .describe('Work waiting in the unit its events state.'),
  z
    .strictObject({
      kind: z.literal('kvCache'),
      targetRatio: z.number().min(0.1).max(1).default(0.85).describe('How full or busy they should be.'),
    })
    .describe('How full the KV caches are: a guard that raises, and alone never lowers.'),
  z
    .strictObject({
      kind: z.literal('gpu'),
      targetRatio: z.number().min(0.1).max(1).default(0.85).describe('How full or busy they should be.'),
    })
    .describe('How busy the GPUs are: a guard like kvCache.'),
]);

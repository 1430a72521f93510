/** `scaling-decision/1`: what was decided for one workload, with the trail of reasons. Published by Penstock, key = workload. */
import * as z from 'zod';

export const SCALING_DECISION = 'penstock.scaling-decision/1';

const trailStepSchema = z.object({
  /** The rule that moved (or held) the number. */
  rule: z.string(),
  from: z.number().nullable(),
  to: z.number(),
  unit: z.string(),
  /** One sentence with the figures and their units. */
  because: z.string(),
});

const decisionInputSchema = z.object({
  signal: z.string(),
  /** Null: the reading is missing, `reason` says why. */
  value: z.number().nullable(),
  coverage: z.number(),
  ageMs: z.number().nullable(),
  reason: z.string().optional(),
});

export const scalingDecisionSchema = z.object({
  schema: z.literal(SCALING_DECISION),
  /** `d_` and 16 hex digits: a hash of policy, state, snapshot and time. */
  id: z.string(),
  atMs: z.int(),
  workload: z.string(),
  mode: z.enum(['observe', 'act', 'paused']),
  pool: z.string(),
  planSeq: z.int(),
  replicas: z.object({ current: z.int().nullable(), ready: z.int().nullable(), wanted: z.int() }),
  /** The rule that had the last word. */
  binding: z.string(),
  nodeGroups: z.array(z.object({ name: z.string(), current: z.int().nullable(), wanted: z.int() })),
  trail: z.array(trailStepSchema),
  inputs: z.array(decisionInputSchema),
  usdPerHour: z.object({ before: z.number(), after: z.number() }).optional(),
  /** From asked for to ready. `starts`: of so many starts it was learned; absent: the policy's figure. */
  leadTimeSec: z.object({ p50: z.number(), p90: z.number(), starts: z.int().optional() }).optional(),
});

export type TrailStep = z.infer<typeof trailStepSchema>;
export type DecisionInput = z.infer<typeof decisionInputSchema>;
export type ScalingDecision = z.infer<typeof scalingDecisionSchema>;

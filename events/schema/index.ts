/** Every event kind by its schema name, for decoding and for the JSON Schema export. */
import { INFERENCE_LOAD, inferenceLoadSchema } from './inference-load.ts';
import { OPS_ALERT, opsAlertSchema } from './ops-alert.ts';
import { QUEUE_DEPTH, queueDepthSchema } from './queue-depth.ts';
import { SCALING_DECISION, scalingDecisionSchema } from './scaling-decision.ts';

export const eventSchemas = {
  [INFERENCE_LOAD]: inferenceLoadSchema,
  [QUEUE_DEPTH]: queueDepthSchema,
  [SCALING_DECISION]: scalingDecisionSchema,
  [OPS_ALERT]: opsAlertSchema,
} as const;

export type { InferenceLoad } from './inference-load.ts';
export type { OpsAlert } from './ops-alert.ts';
export type { QueueDepth } from './queue-depth.ts';
export type { DecisionInput, ScalingDecision, TrailStep } from './scaling-decision.ts';

/** `ops-alert/1`: a message for people, firing or resolved. Published by Penstock, key = alert key; also the payload of the webhook hook. */
import * as z from 'zod';

export const OPS_ALERT = 'penstock.ops-alert/1';

export const opsAlertSchema = z.object({
  schema: z.literal(OPS_ALERT),
  /** What it is about, stable while it lasts: `RULE/SUBJECT`. */
  key: z.string(),
  state: z.enum(['firing', 'resolved']),
  severity: z.enum(['info', 'warning', 'critical']),
  sinceMs: z.int(),
  atMs: z.int(),
  title: z.string(),
  workloads: z.array(z.string()),
  decision: z.string().optional(),
  detail: z.string(),
  /** Where the runbook is. */
  doc: z.string(),
});

export type OpsAlert = z.infer<typeof opsAlertSchema>;

/** What the schemas of all three kinds of policies share. */
import * as z from 'zod';

/** Of every policy file. */
export const API_VERSION = 'penstock.dev/v1';

/** Of a policy, a pool, a hook: as Kubernetes names objects. */
export const nameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'lower-case letters, digits, "-" and "."');

/** How far Penstock may go. */
export const modeSchema = z.enum(['observe', 'act', 'paused']);

/** By resource name, above 0 [GPUs]. */
export const gpuCountsSchema = z.record(
  z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/),
  z.number().positive().max(64),
);

/** Whose policy it is. */
export const metadataSchema = z.strictObject({ name: nameSchema, labels: z.record(z.string(), z.string()).optional() });

/** A secret by reference, never by value. */
export const secretRefSchema = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ secretsManager: z.string().min(1) }),
  z.strictObject({ ssm: z.string().min(1) }),
]);

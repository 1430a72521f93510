/** Schema of the Fleet: what holds for all, and the alert hooks. */
import * as z from 'zod';
import { API_VERSION, nameSchema, metadataSchema, secretRefSchema } from './parts.ts';

const hookBase = { name: nameSchema.describe('What policies call it by.') };

const allowPrivateSchema = z
  .array(z.string().min(1))
  .max(20)
  .default([])
  .describe('Addresses that are private on purpose (CIDR). Everything private is refused otherwise.');

const alertHookSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...hookBase, kind: z.literal('log') }).describe('A line in the log of Penstock.'),
  z
    .strictObject({
      ...hookBase,
      kind: z.literal('webhook'),
      urlFrom: secretRefSchema.describe('Where its URL is kept.'),
      signingSecretFrom: secretRefSchema.describe('Where the secret of its signatures (Standard Webhooks) is kept.'),
      allowPrivate: allowPrivateSchema,
    })
    .describe('A signed POST.'),
  z
    .strictObject({
      ...hookBase,
      kind: z.literal('slack'),
      urlFrom: secretRefSchema.describe('Where its URL is kept.'),
      allowPrivate: allowPrivateSchema,
    })
    .describe('An incoming webhook of Slack.'),
  z
    .strictObject({
      ...hookBase,
      kind: z.literal('pagerduty'),
      routingKeyFrom: secretRefSchema.describe('Where the routing key is kept.'),
      url: z
        .url()
        .default('https://events.pagerduty.com/v2/enqueue')
        .describe('The Events API v2 of another region, or of a test receiver.'),
      allowPrivate: allowPrivateSchema,
    })
    .describe('Events API v2 of PagerDuty: an alert opens an incident and resolves it.'),
  z
    .strictObject({
      ...hookBase,
      kind: z.literal('sns'),
      topicArn: z.string().startsWith('arn:').describe('Of the topic.'),
    })
    .describe('A topic of Amazon SNS.'),
]);

/** Strict, as that of a workload. */
export const fleetSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Fleet'),
  metadata: metadataSchema,
  spec: z.strictObject({
    gpuQuota: z.record(z.string(), z.int().min(0).max(1_000_000)).optional().describe('Most GPUs in all, by resource.'),
    allocation: z
      .enum(['resource', 'load', 'priority', 'fair', 'auto'])
      .default('auto')
      .describe('Who gets GPUs when there are too few (docs/allocation.md).'),
    preemption: z
      .strictObject({
        for: z
          .enum(['floors', 'wants'])
          .describe('What may be asked for: the floors (`replicas.min`) of a higher tier, or all it wants.'),
        afterSec: z
          .number()
          .min(10)
          .max(3_600)
          .default(60)
          .describe(
            'How long it must have been short. 60: longer than a reading that is wrong once, and than what frees itself.',
          ),
        maxPerMinute: z
          .int()
          .min(1)
          .max(20)
          .default(4)
          .describe(
            'Replicas of the whole pool that give way in a minute. 4: a wrong policy costs little before somebody sees it.',
          ),
      })
      .optional()
      .describe(
        'Running replicas of lower tiers give way when a higher tier has been short of GPUs. Left out: what runs stays, because a running service is not hurt on a doubt.',
      ),
    budget: z
      .strictObject({
        usdPerHourMax: z.number().positive().max(1e7).describe('List price of all node groups together.'),
      })
      .optional()
      .describe('No new node above it, committed ones not counted.'),
    alertHooks: z.array(alertHookSchema).max(20).default([]).describe('Where alerts go.'),
    alerts: z.array(nameSchema).max(10).default([]).describe('Hooks for alerts of policies that name none.'),
  }),
});

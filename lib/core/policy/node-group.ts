/** Schema of a NodeGroupPolicy: one pool of nodes. */
import * as z from 'zod';
import { API_VERSION, nameSchema, modeSchema, gpuCountsSchema, metadataSchema } from './parts.ts';

/** Most nodes that may stand by: a typing error of one more digit is caught. */
const SPARE_MAX = 100;

/** Strict, as that of a workload. */
export const nodeGroupPolicySchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('NodeGroupPolicy'),
  metadata: metadataSchema,
  spec: z
    .strictObject({
      mode: modeSchema.default('observe').describe('observe: nothing is written until somebody asks for it.'),
      provider: z.discriminatedUnion('kind', [
        z
          .strictObject({
            kind: z.literal('eksNodeGroup'),
            cluster: z.string().min(1).max(100).describe('Name of the EKS cluster.'),
            nodeGroup: z.string().min(1).max(63).describe('Name of the node group in it.'),
          })
          .describe('A managed node group of EKS.'),
        z
          .strictObject({ kind: z.literal('autoScalingGroup'), name: z.string().min(1).max(255).describe('Its name.') })
          .describe('A group of EC2 Auto Scaling whose instances join the cluster by themselves.'),
        z
          .strictObject({ kind: z.literal('karpenterNodePool'), nodePool: nameSchema.describe('Its name.') })
          .describe('Karpenter brings the nodes; they are only seen.'),
      ]),
      ownership: z
        .enum(['own', 'floor', 'buffer', 'observe'])
        .default('observe')
        .describe('observe: sole writer only when told so.'),
      nodes: z.strictObject({
        min: z.int().min(0).max(1_000).default(0).describe('Never fewer.'),
        max: z.int().min(1).max(1_000).describe('Never more.'),
        surgeMax: z
          .int()
          .min(1)
          .max(1_000)
          .default(10)
          .describe('Most nodes on their way at once: a stock-out or a wrong figure costs at most so much.'),
        spare: z
          .union([
            z.int().min(0).max(SPARE_MAX),
            z.literal('auto'),
            z.strictObject({
              start: z.int().min(0).max(SPARE_MAX).default(0).describe('Until something was seen.'),
              max: z
                .int()
                .min(0)
                .max(SPARE_MAX)
                .optional()
                .describe('Never more. Left out: as nodes.max and surgeMax allow.'),
            }),
          ])
          .optional()
          .describe(
            'Nodes kept free beyond what is needed. auto: as many as bursts within the time a node takes have shown to be worth (docs/node-groups.md), beginning with `start`, at most `max`. Left out: one for a spot group in use, else none.',
          ),
      }),
      shape: z.strictObject({
        instanceType: z.string().min(1).describe('For people; nothing is decided by it.'),
        gpus: gpuCountsSchema.describe('What a node of the group has for pods, by resource.'),
        usdPerHour: z
          .number()
          .min(0)
          .max(1_000)
          .optional()
          .describe('Price of a node: for budgets, prices and the cheapest mix.'),
        market: z
          .enum(['onDemand', 'spot'])
          .default('onDemand')
          .describe('spot: a spare node while it is in use, and another group when it has no capacity.'),
        zones: z
          .array(z.string().min(1))
          .max(20)
          .default([])
          .describe('Where its subnets are, for people; nothing is decided by it.'),
      }),
      buffer: z
        .strictObject({
          namespace: nameSchema.default('penstock').describe('Where the Deployment is.'),
          name: nameSchema.optional().describe('Its name; `penstock-buffer-NAME` when left out.'),
        })
        .default({ namespace: 'penstock' })
        .describe(
          'Ownership buffer: the Deployment of placeholder pods, each with one unit of the first resource of `shape.gpus`.',
        ),
      committedNodes: z.int().min(0).max(1_000).default(0).describe('Already paid for: cost nothing extra.'),
      leadTimeSec: z
        .number()
        .min(1)
        .max(7_200)
        .default(180)
        .describe('Seconds from asked for to Ready with GPUs, until it has been learned.'),
      scaleDown: z
        .strictObject({
          idleSec: z
            .number()
            .min(0)
            .max(86_400)
            .default(300)
            .describe('How long a node must be idle. 300: longer than a node takes to come back.'),
          parallel: z.int().min(1).max(50).default(2).describe('Nodes drained at once.'),
          consolidate: z
            .boolean()
            .default(false)
            .describe(
              'Whether a node with pods may be freed when they fit elsewhere and it saves money. false: an evicted pod has to load its model again.',
            ),
        })
        .default({ idleSec: 300, parallel: 2, consolidate: false }),
      alerts: z
        .array(nameSchema)
        .max(10)
        .default([])
        .describe('Hooks of the Fleet, by name; those of the Fleet itself when empty.'),
    })
    .superRefine((spec, context) => {
      if (spec.provider.kind === 'karpenterNodePool' && spec.ownership !== 'buffer' && spec.ownership !== 'observe') {
        context.addIssue({
          code: 'custom',
          path: ['ownership'],
          message: 'expected buffer or observe, because Karpenter decides the size of its node pools',
        });
      }
      if (spec.nodes.min > spec.nodes.max) {
        context.addIssue({
          code: 'custom',
          path: ['nodes', 'min'],
          message: `expected at most nodes.max (${spec.nodes.max})`,
        });
      }
    }),
});

/** Schema of a ScalingPolicy: one workload. */
import * as z from 'zod';
import { API_VERSION_PATTERN, LABEL_KEY, RESOURCE_PATTERN, TARGET_NAME, targetProblems } from '../target-names.ts';
import { API_VERSION, nameSchema, modeSchema, gpuCountsSchema, metadataSchema } from './parts.ts';
import { signalSchema } from './signals.ts';

/** Most replicas one policy may allow: above any GPU fleet we know, and a typing error of one more digit is caught. */
const REPLICAS_MAX = 10_000;

/** Most pods of one replica: the largest models run on 16 nodes, and a list of pods per replica stays short. */
export const PODS_PER_REPLICA_MAX = 64;

const priorityDefault = { tier: 1, weight: 1, kind: 'interactive' } as const;

/** Strict: an unknown key is a problem. Cross-checks within the document are in it; those between documents in `lib/policy-source`. */
export const scalingPolicySchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ScalingPolicy'),
  metadata: metadataSchema,
  spec: z
    .strictObject({
      mode: modeSchema.default('observe').describe('observe: nothing is written until somebody asks for it.'),
      target: z.strictObject({
        kind: z
          .string()
          .min(1)
          .default('Deployment')
          .describe('SwarmService, MarathonApp, or anything with a scale subresource in Kubernetes.'),
        apiVersion: z
          .string()
          .max(253)
          .regex(API_VERSION_PATTERN)
          .optional()
          .describe('`GROUP/VERSION`, for kinds of Kubernetes that are not known by name.'),
        resource: z
          .string()
          .max(63)
          .regex(RESOURCE_PATTERN)
          .optional()
          .describe("The kind's name in paths (`rollouts`); found through discovery when left out."),
        fence: z
          .literal('planSequence')
          .optional()
          .describe(
            "Writes the plan's sequence beside the count, for an admission policy that refuses older writers (infra/kubernetes/fence.yaml).",
          ),
        namespace: nameSchema
          .default('default')
          .describe('The stack of a SwarmService, the group of a MarathonApp; `default`: none.'),
        name: z.string().max(253).regex(TARGET_NAME).describe('Its name in the orchestrator.'),
        podSelector: z
          .string()
          .optional()
          .describe("How the bridge finds pods; the target's own selector when left out."),
        podsPerReplica: z
          .int()
          .min(1)
          .max(PODS_PER_REPLICA_MAX)
          .optional()
          .describe(
            'Pods of one replica, that work together or not at all; read from a LeaderWorkerSet when left out, else 1.',
          ),
        replicaLabel: z
          .string()
          .max(317)
          .regex(LABEL_KEY)
          .optional()
          .describe('The pod label that says of which replica a pod is; known of a LeaderWorkerSet.'),
      }),
      replicas: z.strictObject({
        min: z
          .int()
          .min(0)
          .max(REPLICAS_MAX)
          .default(1)
          .describe('1: a model that takes minutes to load should not vanish unless asked for.'),
        max: z
          .int()
          .min(1)
          .max(REPLICAS_MAX)
          .describe('Never more. What runs above it already goes only when a decrease is allowed.'),
        step: z
          .int()
          .min(1)
          .max(64)
          .default(1)
          .describe(
            'Replicas that only work together (a leader and its workers as pods of one target): counts are whole multiples, GPUs come for all of them or none.',
          ),
      }),
      gpusPerReplica: gpuCountsSchema
        .optional()
        .describe('Of all pods of a replica together. Read from the pod template when left out.'),
      nodeGroups: z
        .array(nameSchema)
        .max(20)
        .default([])
        .describe("In order of preference. Empty: nodes are somebody else's business."),
      nodeGroupChoice: z
        .enum(['order', 'price'])
        .default('order')
        .describe(
          'Where new nodes are asked for: in the order of `nodeGroups` (people know why), or the mix that costs least for what is needed.',
        ),
      pool: nameSchema
        .default('default')
        .describe('Workloads of one pool are planned together; workloads that share a node group must share it.'),
      slo: z
        .strictObject({
          waitSec: z
            .number()
            .min(0)
            .max(86_400)
            .optional()
            .describe('How long a request may wait before it is served. Left out: ttftSec, else 2.'),
          ttftSec: z
            .number()
            .min(0)
            .max(3_600)
            .optional()
            .describe(
              'From when on a first token is late: those reported later count as misses, and replicas that are too full to answer in time are counted as less.',
            ),
          ratio: z.number().min(0.5).max(0.99999).default(0.999).describe('Share of requests that should be in time.'),
        })
        .optional(),
      risk: z
        .enum(['low', 'balanced', 'cheap'])
        .default('balanced')
        .describe('low: fewer waits, more GPUs; cheap: the other way round. In figures: docs/decision-core.md.'),
      price: z
        .strictObject({
          usdPerMiss: z.number().positive().max(1e6).describe('A request that waits too long.'),
          usdPerReplicaHour: z
            .number()
            .positive()
            .max(10_000)
            .optional()
            .describe('Left out: its part of a node of `nodeGroups`.'),
        })
        .optional()
        .describe(
          'Instead of the risk: what a request that waits too long costs, against what a replica costs (left out: its part of a node of `nodeGroups`).',
        ),
      signals: z
        .array(signalSchema)
        .min(1)
        .max(8)
        .describe(
          'What one replica can do, by what is measured. The signal that asks for most decides; a missing one never lowers anything.',
        ),
      scaleDown: z
        .strictObject({
          windowSec: z
            .union([z.literal('auto'), z.number().min(0).max(86_400)])
            .default('auto')
            .describe('auto: as long as it takes to get a replica back.'),
          maxPerMinute: z
            .union([z.string().regex(/^(100|[1-9]?\d)%$/), z.int().min(1)])
            .default('100%')
            .describe('A share (`20%`) or a number of replicas that may go in a minute.'),
          longestRequestSec: z
            .number()
            .positive()
            .max(86_400)
            .optional()
            .describe(
              "How long a request may take, where events do not show it (the gateway's timeout). Left out: at least what was seen.",
            ),
          allowShortGrace: z
            .boolean()
            .default(false)
            .describe('Whether pods may go whose grace is shorter than that. false: their requests would be cut off.'),
        })
        .default({ windowSec: 'auto', maxPerMinute: '100%', allowShortGrace: false }),
      fallback: z
        .strictObject({
          afterSec: z.number().min(10).max(86_400).default(120).describe('Load unknown for so long.'),
          replicas: z.int().min(1).max(REPLICAS_MAX).describe('At least so many then.'),
        })
        .optional()
        .describe('Load unknown for so long: at least so many replicas. Only ever raises.'),
      priority: z
        .strictObject({
          tier: z.int().min(1).max(9).default(1).describe('1 is served first.'),
          weight: z.number().positive().max(1_000).default(1).describe('Its part among those of its tier.'),
          kind: z
            .enum(['interactive', 'batch', 'training'])
            .default('interactive')
            .describe('What the allocation `auto` goes by.'),
          preemptible: z
            .boolean()
            .optional()
            .describe(
              'false: keeps what runs also where the Fleet lets higher tiers take it (`preemption`). Left out: true.',
            ),
        })
        .default(priorityDefault),
      leadTimeSec: z
        .number()
        .min(1)
        .max(7_200)
        .default(180)
        .describe(
          'Seconds from asked for to serving, until it has been learned. 180: a tuned cold start with a node to boot.',
        ),
      bridge: z
        .strictObject({
          preset: z.string().default('vllm').describe('vllm, sglang, tgi, or the path of a mapping of your own.'),
          port: z.int().min(1).max(65_535).default(8000).describe('Where a pod answers.'),
          path: z.string().startsWith('/').default('/metrics').describe('Where its metrics are.'),
          endpoints: z.array(z.string().min(1)).max(512).optional().describe('`host:port` list instead of discovery.'),
        })
        .optional()
        .describe('Where the load comes from when servers publish nothing themselves.'),
      alerts: z
        .array(nameSchema)
        .max(10)
        .default([])
        .describe('Hooks of the Fleet, by name; those of the Fleet itself when empty.'),
    })
    .superRefine((spec, context) => {
      for (const problem of targetProblems(spec)) context.addIssue({ code: 'custom', ...problem });
      if (spec.replicas.min > spec.replicas.max) {
        context.addIssue({
          code: 'custom',
          path: ['replicas', 'min'],
          message: `expected at most replicas.max (${spec.replicas.max})`,
        });
      }
      for (const bound of ['min', 'max'] as const) {
        if (spec.replicas[bound] % spec.replicas.step === 0) continue;
        context.addIssue({
          code: 'custom',
          path: ['replicas', bound],
          message: `expected a multiple of replicas.step (${spec.replicas.step})`,
        });
      }
      if (
        spec.replicas.min === 0 &&
        !spec.signals.some((s) => s.kind === 'queueDepth' || s.kind === 'queueWork' || s.kind === 'requestRate')
      ) {
        context.addIssue({
          code: 'custom',
          path: ['replicas', 'min'],
          message:
            'expected at least 1, because no signal outlives the pods (queueDepth, queueWork, or requestRate from a gateway)',
        });
      }
      if (spec.fallback !== undefined && spec.fallback.replicas > spec.replicas.max) {
        context.addIssue({
          code: 'custom',
          path: ['fallback', 'replicas'],
          message: `expected at most replicas.max (${spec.replicas.max})`,
        });
      }
      for (const [index, signal] of spec.signals.entries()) {
        if (signal.kind === 'tokens' && signal.inputPerSec === undefined && signal.outputPerSec === undefined) {
          context.addIssue({
            code: 'custom',
            path: ['signals', index],
            message: 'expected inputPerSec or outputPerSec',
          });
        }
      }
    }),
});

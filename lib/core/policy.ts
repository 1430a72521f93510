/** Policies as people write them: strict schemas, every default with its reason. Loading from YAML with line numbers is in `lib/policy-source`. */
import * as z from 'zod';
import { API_VERSION_PATTERN, LABEL_KEY, RESOURCE_PATTERN, TARGET_NAME, targetProblems } from './target-names.ts';

export const API_VERSION = 'penstock.dev/v1';

/** Most replicas one policy may allow: above any GPU fleet we know, and a typing error of one more digit is caught. */
const REPLICAS_MAX = 10_000;

/** Most pods of one replica: the largest models run on 16 nodes, and a list of pods per replica stays short. */
export const PODS_PER_REPLICA_MAX = 64;

/** Most nodes that may stand by: a typing error of one more digit is caught. */
const SPARE_MAX = 100;

const nameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'lower-case letters, digits, "-" and "."');

const modeSchema = z.enum(['observe', 'act', 'paused']);

const gpuCountsSchema = z.record(z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/), z.number().positive().max(64));

const metadataSchema = z.strictObject({ name: nameSchema, labels: z.record(z.string(), z.string()).optional() });

/** A secret by reference, never by value. */
const secretRefSchema = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ secretsManager: z.string().min(1) }),
  z.strictObject({ ssm: z.string().min(1) }),
]);

const positive = z.number().positive().max(1e9);

const signalSchema = z.discriminatedUnion('kind', [
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

const priorityDefault = { tier: 1, weight: 1, kind: 'interactive' } as const;

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

export type ScalingPolicy = z.infer<typeof scalingPolicySchema>;
export type NodeGroupPolicy = z.infer<typeof nodeGroupPolicySchema>;
export type FleetPolicy = z.infer<typeof fleetSchema>;
export type ProviderKind = NodeGroupPolicy['spec']['provider']['kind'];
export type SignalPolicy = ScalingPolicy['spec']['signals'][number];
export type AlertHookPolicy = FleetPolicy['spec']['alertHooks'][number];
export type SecretRef = z.infer<typeof secretRefSchema>;

/** All policies of an installation, cross-checked: names are unique, references exist. */
export type PolicySet = {
  readonly workloads: ReadonlyMap<string, ScalingPolicy>;
  readonly nodeGroups: ReadonlyMap<string, NodeGroupPolicy>;
  readonly fleet: FleetPolicy;
  /** Hash of the content: part of every decision id. */
  readonly version: string;
};

/** One problem of a policy file. */
export type PolicyProblem = {
  readonly file: string;
  readonly line: number | null;
  /** Such as `spec.replicas.max`. */
  readonly path: string;
  readonly expected: string;
  readonly current: string;
};

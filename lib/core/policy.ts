/** Policies as people write them: strict schemas, every default with its reason. Loading from YAML with line numbers is in `lib/policy-source`. */
import * as z from 'zod';
import { API_VERSION_PATTERN, LABEL_KEY, RESOURCE_PATTERN, TARGET_NAME, targetProblems } from './target-names.ts';

export const API_VERSION = 'penstock.dev/v1';

/** Most replicas one policy may allow: above any GPU fleet we know, and a typing error of one more digit is caught. */
export const REPLICAS_MAX = 10_000;

/** Most pods of one replica: the largest models run on 16 nodes, and a list of pods per replica stays short. */
export const PODS_PER_REPLICA_MAX = 64;

/** Most nodes that may stand by: a typing error of one more digit is caught. */
export const SPARE_MAX = 100;

const nameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'lower-case letters, digits, "-" and "."');

const modeSchema = z.enum(['observe', 'act', 'paused']);

const gpuCountsSchema = z.record(z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/), z.number().positive().max(64));

const metadataSchema = z.strictObject({ name: nameSchema, labels: z.record(z.string(), z.string()).optional() });

/** A secret by reference, never by value. */
export const secretRefSchema = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ secretsManager: z.string().min(1) }),
  z.strictObject({ ssm: z.string().min(1) }),
]);

const positive = z.number().positive().max(1e9);

const signalSchema = z.discriminatedUnion('kind', [
  /** Requests in flight and queued; `perReplica` = how many one replica serves well at once. */
  z.strictObject({ kind: z.literal('inFlight'), perReplica: positive }),
  z.strictObject({ kind: z.literal('requestRate'), perReplicaPerSec: positive }),
  /** Input and output tokens are different work: each has its own speed. */
  z.strictObject({ kind: z.literal('tokens'), inputPerSec: positive.optional(), outputPerSec: positive.optional() }),
  /** Messages waiting; drained within `drainSec` by replicas that each finish `perReplicaPerSec`. */
  z.strictObject({
    kind: z.literal('queueDepth'),
    perReplicaPerSec: positive,
    drainSec: z.number().min(1).max(86_400).default(60),
    /** Broker lag read directly, without a producer's help. */
    kafka: z.strictObject({ topic: z.string().min(1), group: z.string().min(1) }).optional(),
  }),
  /** Work waiting in the unit its events state. */
  z.strictObject({
    kind: z.literal('queueWork'),
    perReplicaPerSec: positive,
    drainSec: z.number().min(1).max(86_400).default(60),
  }),
  z.strictObject({ kind: z.literal('kvCache'), targetRatio: z.number().min(0.1).max(1).default(0.85) }),
  z.strictObject({ kind: z.literal('gpu'), targetRatio: z.number().min(0.1).max(1).default(0.85) }),
]);

const priorityDefault = { tier: 1, weight: 1, kind: 'interactive' } as const;

export const scalingPolicySchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ScalingPolicy'),
  metadata: metadataSchema,
  spec: z
    .strictObject({
      /** observe: nothing is written until somebody asks for it. */
      mode: modeSchema.default('observe'),
      target: z.strictObject({
        /** SwarmService, MarathonApp, or anything with a scale subresource in Kubernetes. */
        kind: z.string().min(1).default('Deployment'),
        /** `GROUP/VERSION`, for kinds of Kubernetes that are not known by name. */
        apiVersion: z.string().max(253).regex(API_VERSION_PATTERN).optional(),
        /** The kind's name in paths (`rollouts`); found through discovery when left out. */
        resource: z.string().max(63).regex(RESOURCE_PATTERN).optional(),
        /** Writes the plan's sequence beside the count, for an admission policy that refuses older writers (infra/kubernetes/fence.yaml). */
        fence: z.literal('planSequence').optional(),
        /** The stack of a SwarmService, the group of a MarathonApp; `default`: none. */
        namespace: nameSchema.default('default'),
        name: z.string().max(253).regex(TARGET_NAME),
        /** How the bridge finds pods; the target's own selector when left out. */
        podSelector: z.string().optional(),
        /** Pods of one replica, that work together or not at all; read from a LeaderWorkerSet when left out, else 1. */
        podsPerReplica: z.int().min(1).max(PODS_PER_REPLICA_MAX).optional(),
        /** The pod label that says of which replica a pod is; known of a LeaderWorkerSet. */
        replicaLabel: z.string().max(317).regex(LABEL_KEY).optional(),
      }),
      replicas: z.strictObject({
        /** 1: a model that takes minutes to load should not vanish unless asked for. */
        min: z.int().min(0).max(REPLICAS_MAX).default(1),
        max: z.int().min(1).max(REPLICAS_MAX),
        /** Replicas that only work together (a leader and its workers as pods of one target): counts are whole multiples, GPUs come for all of them or none. */
        step: z.int().min(1).max(64).default(1),
      }),
      /** Of all pods of a replica together. Read from the pod template when left out. */
      gpusPerReplica: gpuCountsSchema.optional(),
      /** In order of preference. Empty: nodes are somebody else's business. */
      nodeGroups: z.array(nameSchema).max(20).default([]),
      /** Where new nodes are asked for: in the order of `nodeGroups` (people know why), or the mix that costs least for what is needed. */
      nodeGroupChoice: z.enum(['order', 'price']).default('order'),
      /** Workloads of one pool are planned together; workloads that share a node group must share it. */
      pool: nameSchema.default('default'),
      slo: z
        .strictObject({
          waitSec: z.number().min(0).max(86_400).optional(),
          ttftSec: z.number().min(0).max(3_600).optional(),
          ratio: z.number().min(0.5).max(0.99999).default(0.999),
        })
        .optional(),
      risk: z.enum(['low', 'balanced', 'cheap']).default('balanced'),
      /** Instead of the risk: what a request that waits too long costs, against what a replica costs (left out: its part of a node of `nodeGroups`). */
      price: z
        .strictObject({
          usdPerMiss: z.number().positive().max(1e6),
          usdPerReplicaHour: z.number().positive().max(10_000).optional(),
        })
        .optional(),
      signals: z.array(signalSchema).min(1).max(8),
      scaleDown: z
        .strictObject({
          /** auto: as long as it takes to get a replica back. */
          windowSec: z.union([z.literal('auto'), z.number().min(0).max(86_400)]).default('auto'),
          /** A share (`20%`) or a number of replicas that may go in a minute. */
          maxPerMinute: z.union([z.string().regex(/^(100|[1-9]?\d)%$/), z.int().min(1)]).default('100%'),
          /** How long a request may take, where events do not show it (the gateway's timeout). Left out: at least what was seen. */
          longestRequestSec: z.number().positive().max(86_400).optional(),
          /** Whether pods may go whose grace is shorter than that. false: their requests would be cut off. */
          allowShortGrace: z.boolean().default(false),
        })
        .default({ windowSec: 'auto', maxPerMinute: '100%', allowShortGrace: false }),
      /** Load unknown for so long: at least so many replicas. Only ever raises. */
      fallback: z
        .strictObject({
          afterSec: z.number().min(10).max(86_400).default(120),
          replicas: z.int().min(1).max(REPLICAS_MAX),
        })
        .optional(),
      priority: z
        .strictObject({
          /** 1 is served first. */
          tier: z.int().min(1).max(9).default(1),
          weight: z.number().positive().max(1_000).default(1),
          kind: z.enum(['interactive', 'batch', 'training']).default('interactive'),
          /** false: keeps what runs also where the Fleet lets higher tiers take it (`preemption`). Left out: true. */
          preemptible: z.boolean().optional(),
        })
        .default(priorityDefault),
      /** Seconds from asked for to serving, until it has been learned. 180: a tuned cold start with a node to boot. */
      leadTimeSec: z.number().min(1).max(7_200).default(180),
      /** Where the load comes from when servers publish nothing themselves. */
      bridge: z
        .strictObject({
          preset: z.string().default('vllm'),
          port: z.int().min(1).max(65_535).default(8000),
          path: z.string().startsWith('/').default('/metrics'),
          /** `host:port` list instead of discovery. */
          endpoints: z.array(z.string().min(1)).max(512).optional(),
        })
        .optional(),
      alerts: z.array(nameSchema).max(10).default([]),
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
      mode: modeSchema.default('observe'),
      provider: z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('eksNodeGroup'),
          cluster: z.string().min(1).max(100),
          nodeGroup: z.string().min(1).max(63),
        }),
        /** A group of EC2 Auto Scaling whose instances join the cluster by themselves. */
        z.strictObject({ kind: z.literal('autoScalingGroup'), name: z.string().min(1).max(255) }),
        /** Karpenter brings the nodes; they are only seen. */
        z.strictObject({ kind: z.literal('karpenterNodePool'), nodePool: nameSchema }),
      ]),
      /** observe: sole writer only when told so. */
      ownership: z.enum(['own', 'floor', 'buffer', 'observe']).default('observe'),
      nodes: z.strictObject({
        min: z.int().min(0).max(1_000).default(0),
        max: z.int().min(1).max(1_000),
        /** Most nodes on their way at once: a stock-out or a wrong figure costs at most so much. */
        surgeMax: z.int().min(1).max(1_000).default(10),
        /**
         * Nodes kept free beyond what is needed. auto: as many as bursts within the time a node takes have shown to be worth (docs/node-groups.md), beginning with `start`, at most `max`.
         * Left out: one for a spot group in use, else none.
         */
        spare: z
          .union([
            z.int().min(0).max(SPARE_MAX),
            z.literal('auto'),
            z.strictObject({
              /** Until something was seen. */
              start: z.int().min(0).max(SPARE_MAX).default(0),
              max: z.int().min(0).max(SPARE_MAX).optional(),
            }),
          ])
          .optional(),
      }),
      shape: z.strictObject({
        instanceType: z.string().min(1),
        gpus: gpuCountsSchema,
        usdPerHour: z.number().min(0).max(1_000).optional(),
        market: z.enum(['onDemand', 'spot']).default('onDemand'),
        zones: z.array(z.string().min(1)).max(20).default([]),
      }),
      /** Ownership buffer: the Deployment of placeholder pods, each with one unit of the first resource of `shape.gpus`; `penstock-buffer-NAME` when left out. */
      buffer: z
        .strictObject({ namespace: nameSchema.default('penstock'), name: nameSchema.optional() })
        .default({ namespace: 'penstock' }),
      /** Already paid for: cost nothing extra. */
      committedNodes: z.int().min(0).max(1_000).default(0),
      /** Seconds from asked for to Ready with GPUs, until it has been learned. */
      leadTimeSec: z.number().min(1).max(7_200).default(180),
      scaleDown: z
        .strictObject({
          /** How long a node must be idle. 300: longer than a node takes to come back. */
          idleSec: z.number().min(0).max(86_400).default(300),
          /** Nodes drained at once. */
          parallel: z.int().min(1).max(50).default(2),
          /** Whether a node with pods may be freed when they fit elsewhere and it saves money. false: an evicted pod has to load its model again. */
          consolidate: z.boolean().default(false),
        })
        .default({ idleSec: 300, parallel: 2, consolidate: false }),
      alerts: z.array(nameSchema).max(10).default([]),
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

const hookBase = { name: nameSchema };

const alertHookSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...hookBase, kind: z.literal('log') }),
  z.strictObject({
    ...hookBase,
    kind: z.literal('webhook'),
    urlFrom: secretRefSchema,
    signingSecretFrom: secretRefSchema,
    /** Addresses that are private on purpose (CIDR). Everything private is refused otherwise. */
    allowPrivate: z.array(z.string().min(1)).max(20).default([]),
  }),
  z.strictObject({
    ...hookBase,
    kind: z.literal('slack'),
    urlFrom: secretRefSchema,
    allowPrivate: z.array(z.string().min(1)).max(20).default([]),
  }),
  z.strictObject({
    ...hookBase,
    kind: z.literal('pagerduty'),
    routingKeyFrom: secretRefSchema,
    /** The Events API v2 of another region, or of a test receiver. */
    url: z.url().default('https://events.pagerduty.com/v2/enqueue'),
    allowPrivate: z.array(z.string().min(1)).max(20).default([]),
  }),
  z.strictObject({ ...hookBase, kind: z.literal('sns'), topicArn: z.string().startsWith('arn:') }),
]);

export const fleetSchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Fleet'),
  metadata: metadataSchema,
  spec: z.strictObject({
    gpuQuota: z.record(z.string(), z.int().min(0).max(1_000_000)).optional(),
    allocation: z.enum(['resource', 'load', 'priority', 'fair', 'auto']).default('auto'),
    /** Running replicas of lower tiers give way when a higher tier has been short of GPUs. Left out: what runs stays, because a running service is not hurt on a doubt. */
    preemption: z
      .strictObject({
        /** What may be asked for: the floors (`replicas.min`) of a higher tier, or all it wants. */
        for: z.enum(['floors', 'wants']),
        /** How long it must have been short. 60: longer than a reading that is wrong once, and than what frees itself. */
        afterSec: z.number().min(10).max(3_600).default(60),
        /** Replicas of the whole pool that give way in a minute. 4: a wrong policy costs little before somebody sees it. */
        maxPerMinute: z.int().min(1).max(20).default(4),
      })
      .optional(),
    budget: z.strictObject({ usdPerHourMax: z.number().positive().max(1e7) }).optional(),
    alertHooks: z.array(alertHookSchema).max(20).default([]),
    /** Hooks for alerts of policies that name none. */
    alerts: z.array(nameSchema).max(10).default([]),
  }),
});

export const policySchema = z.discriminatedUnion('kind', [scalingPolicySchema, nodeGroupPolicySchema, fleetSchema]);

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

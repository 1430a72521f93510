/** Wires the process host: every adapter by its name, one connection per system. */
import { bullmqActions } from '../../action-queue/index.ts';
import { systemClock } from '../../base/clock.ts';
import { openRedis } from '../../clients/redis.ts';
import { secretsResolver } from '../../clients/secrets.ts';
import { clusterViewByKind, clusterViews } from '../../cluster-view/index.ts';
import type { LoopDeps } from '../../loop/deps.ts';
import { kubernetesDrainer, nodeProvisioners } from '../../node-provisioners/index.ts';
import type { Target } from '../../targets/contract.ts';
import { targetKinds } from '../../targets/index.ts';
import type { Environment } from '../config.ts';
import { openAws, openKubernetes, openPolicies, openState, openStream } from '../connections.ts';
import type { Base } from '../connections.ts';
import { hooksOf } from '../hooks.ts';
import { NO_CLUSTER, noDrainer } from '../no-cluster.ts';
import { openOrchestrators } from '../orchestrators.ts';
import type { ProcessParts } from './process.ts';
import { redisOptionsOf } from '../redis-options.ts';

export type BuiltProcess = ProcessParts & {
  /** Closes every connection. */
  close(): Promise<void>;
};

/** Throws ConfigError or TransientError when the state store or the policies cannot be used. `env` is for secrets by reference. */
export async function buildProcess(base: Base, env: Environment): Promise<BuiltProcess> {
  const { config, log, metrics } = base;
  const policies = openPolicies(base);
  await policies.current();
  // What only reads settings comes first: when they are wrong, nothing is open yet.
  const kubernetes = openKubernetes(base);
  const secrets = secretsResolver({ clock: systemClock, env, region: config.aws.region });
  const orchestrators = await openOrchestrators(config, { secrets, clock: systemClock });
  const stream = await openStream(base);
  const aws = openAws(base);
  const state = await openState(base);
  const actions = bullmqActions({
    clock: systemClock,
    log,
    metrics,
    random: Math.random,
    // The braces keep all keys of the queue in one slot of a Redis Cluster.
    prefix: `{${config.redis.keyPrefix}}`,
    connect: (settings) =>
      openRedis({ ...redisOptionsOf(config), log, name: 'penstock-queue', commandTimeoutMs: null, settings }),
  });
  const queue = actions.openQueue();
  const producer = stream.producer();
  const deps: Omit<LoopDeps, 'wake'> = {
    clock: systemClock,
    log,
    metrics,
    state,
    policies,
    topics: config.topics,
    queue,
    clusterView: clusterViewByKind({
      views: orchestrators.views,
      otherwise:
        kubernetes === null
          ? NO_CLUSTER
          : clusterViews.kubernetesWatched({ kubernetes, aws, clock: systemClock, log, random: Math.random }),
      clock: systemClock,
    }),
    targets: new Map<string, Target>([
      ...orchestrators.targets,
      ...(kubernetes === null ? [] : [['*', targetKinds.kubernetesScale(kubernetes)] as const]),
    ]),
    provisioners: new Map(Object.entries(nodeProvisioners).map(([kind, make]) => [kind, make(aws)])),
    drainer: kubernetes === null ? noDrainer : kubernetesDrainer(kubernetes, { clock: systemClock }),
    hooks: hooksOf({ policies, secrets, log }),
    producer,
  };
  return {
    deps,
    consumer: stream.consumer({
      group: config.kafka.groupId,
      topics: [config.topics.inferenceLoad, config.topics.queueDepth],
    }),
    worker: actions.openWorker(),
    evaluateEveryMs: config.loop.evaluateEveryMs,
    leadingDebounceMs: config.loop.leadingDebounceMs,
    close: async () => {
      // Watches end first: their connections are waited for.
      await Promise.allSettled([producer.close(), queue.close(), state.close(), deps.clusterView.close()]);
      await kubernetes?.close();
      aws.close();
    },
  };
}

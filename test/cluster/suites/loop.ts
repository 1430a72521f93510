/** The whole loop, from events to resized Deployments and node groups: the same on the simulator and on a real control plane. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { memoryActions } from '../../../lib/action-queue/memory.ts';
import { systemClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { seededRandom } from '../../../lib/base/random.ts';
import type { AwsClients } from '../../../lib/clients/aws/clients.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { V1Node, V1Pod } from '../../../lib/clients/kubernetes/facade.ts';
import { kubernetesWatchedView } from '../../../lib/cluster-view/kubernetes-watched.ts';
import { startProcess } from '../../../lib/hosts/process/process.ts';
import { DEFAULT_TOPICS } from '../../../lib/loop/deps.ts';
import { eksNodeGroup } from '../../../lib/node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import { createMemoryPolicySource } from '../../../lib/policy-source/memory.ts';
import { memoryStateStores } from '../../../lib/state/memory.ts';
import { memoryStream, type MemoryStream } from '../../../lib/stream/memory.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { until } from '../../support/until.ts';
import { eventually } from '../../support/process-host.ts';

/** The node group that the suite grows and shrinks. */
export const GROUP = { name: 'gpu', minSize: 1, maxSize: 6, desiredSize: 1 } as const;

export type LoopFixture = {
  readonly namespace: string;
  /** As the identity that Penstock has there. */
  readonly kubernetes: KubernetesClient;
  /** As one who may look at everything. */
  readonly observer: KubernetesClient;
  readonly aws: AwsClients;
  /** Name of the EKS cluster that {@link GROUP} belongs to. */
  readonly cluster: string;
  createDeployment(name: string, replicas: number): Promise<void>;
  close(): Promise<void>;
};

const REPORT_MS = 250;
/** A quiet machine needs 10 s. */
const LOOP_MS_MAX = 120_000;

/** Registers the suite. */
export function loopSuite(server: string, create: () => Promise<LoopFixture>): void {
  describe(`from events to pods: ${server}`, () => {
    let fixture: LoopFixture;
    let loop: Awaited<ReturnType<typeof startLoop>>;
    const pods = async (): Promise<readonly V1Pod[]> => {
      const selected = { namespace: fixture.namespace, labelSelector: 'app=engine' };
      const { observer } = fixture;
      return (await observer.call('list', (call) => observer.core.listNamespacedPod(selected, call))).items;
    };
    const nodes = async (): Promise<readonly V1Node[]> => {
      const { observer } = fixture;
      const selected = { labelSelector: `eks.amazonaws.com/nodegroup=${GROUP.name}` };
      return (await observer.call('list', (call) => observer.core.listNode(selected, call))).items;
    };
    /** All pods are Ready, each on a node of its own, and there is no other node. */
    const shows = (what: string, isEnough: (replicas: number) => boolean): Promise<void> =>
      eventually(
        what,
        async () => {
          const all = await pods();
          return isEnough(all.length) && all.every(isReady) && (await nodes()).length === all.length;
        },
        { limitMs: LOOP_MS_MAX, about: async () => JSON.stringify(loop?.decisions().at(-1)) },
      );

    beforeAll(async () => {
      fixture = await create();
      await fixture.createDeployment('engine', 1);
      await shows('one pod serves', (replicas) => replicas === 1);
      loop = await startLoop(fixture);
    });
    afterAll(async () => {
      await loop?.stop();
      await fixture?.close();
    });

    test(
      'load that grows brings replicas at once, nodes as soon as they join, and Ready pods on them',
      async () => {
        loop.load(4);
        await until('the first decision', async () => loop.decisions().length > 0);
        loop.load(28);
        await until('pods that wait for nodes', async () => (await pods()).some(isUnschedulable));
        // 28 requests in flight need 3.5 replicas; headroom may add one or two.
        await shows('at least 4 pods serve', (replicas) => replicas >= 4);
        expect(loop.decisions().at(-1)).toMatchObject({ workload: 'engine', mode: 'act' });
      },
      2 * LOOP_MS_MAX,
    );

    test(
      'load that falls takes replicas, then drained nodes, and leaves those that serve',
      async () => {
        loop.load(1);
        await shows('one pod serves', (replicas) => replicas === 1);
        const [pod] = await pods();
        const [node] = await nodes();
        expect(pod?.spec?.nodeName).toBe(node?.metadata?.name);
        expect(node?.spec?.unschedulable ?? false).toBe(false);
      },
      2 * LOOP_MS_MAX,
    );

    test('nothing was refused for want of a permission, and nothing was dead-lettered', () => {
      expect(loop.warnings()).toEqual([]);
      expect(loop.deadLetters()).toBe(0);
    });
  });
}

function isReady(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
  return ready && pod.metadata?.deletionTimestamp === undefined;
}

function isUnschedulable(pod: V1Pod): boolean {
  return (pod.status?.conditions ?? []).some((one) => one.reason === 'Unschedulable');
}

function policies({ cluster, namespace }: Pick<LoopFixture, 'cluster' | 'namespace'>): unknown[] {
  const apiVersion = 'penstock.dev/v1';
  return [
    {
      apiVersion,
      kind: 'ScalingPolicy',
      metadata: { name: 'engine' },
      spec: {
        mode: 'act',
        target: { namespace, name: 'engine' },
        replicas: { min: 1, max: 6 },
        gpusPerReplica: { 'nvidia.com/gpu': 1 },
        nodeGroups: [GROUP.name],
        signals: [{ kind: 'inFlight', perReplica: 8 }],
        scaleDown: { windowSec: 5, maxPerMinute: '100%' },
        leadTimeSec: 2,
      },
    },
    {
      apiVersion,
      kind: 'NodeGroupPolicy',
      metadata: { name: GROUP.name },
      spec: {
        mode: 'act',
        ownership: 'own',
        provider: { kind: 'eksNodeGroup', cluster, nodeGroup: GROUP.name },
        nodes: { min: GROUP.minSize, max: GROUP.maxSize, surgeMax: GROUP.maxSize },
        shape: { instanceType: 'g5.xlarge', gpus: { 'nvidia.com/gpu': 1 }, usdPerHour: 1.006, zones: ['eu-west-1a'] },
        leadTimeSec: 2,
        scaleDown: { idleSec: 2, parallel: 4 },
      },
    },
  ];
}

/** The process host with Kafka, Redis and BullMQ in memory, and the real adapters to the cluster. */
export async function startLoop(fixture: Omit<LoopFixture, 'observer' | 'createDeployment' | 'close'>) {
  const { aws, kubernetes } = fixture;
  const clock = systemClock;
  const warnings: string[] = [];
  const warn = (message: string, fields?: object): void => {
    const text = `${message} ${JSON.stringify(fields ?? {})}`;
    if (/permission|forbidden/i.test(text)) warnings.push(text);
  };
  const log = { ...silentLogger, warn, error: warn };
  const metrics = memoryMetrics();
  const stream = memoryStream({ clock });
  const topics = Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions: 1, replicationFactor: 1 }));
  await stream.admin().ensureTopics(topics);
  const actions = memoryActions({ clock, log, metrics, random: seededRandom(1) });
  const clusterView = kubernetesWatchedView({ kubernetes, aws, clock, log, random: seededRandom(2) });
  const host = await startProcess({
    deps: {
      clock,
      log,
      metrics,
      state: memoryStateStores(),
      policies: createMemoryPolicySource({ documents: policies(fixture) }),
      topics: DEFAULT_TOPICS,
      queue: actions.openQueue(),
      clusterView,
      targets: new Map([['*', kubernetesScale(kubernetes)]]),
      provisioners: new Map([['eksNodeGroup', eksNodeGroup(aws)]]),
      drainer: kubernetesDrainer(kubernetes, { clock }),
      hooks: async () => new Map(),
      producer: stream.producer(),
    },
    consumer: stream.consumer({ group: 'penstock', topics: [DEFAULT_TOPICS.inferenceLoad] }),
    worker: actions.openWorker(),
    evaluateEveryMs: 500,
    leadingDebounceMs: 50,
  });
  const gateway = startGateway(stream);
  return {
    load: gateway.load,
    decisions: () => published(stream, DEFAULT_TOPICS.scalingDecision),
    alerts: () => published(stream, DEFAULT_TOPICS.opsAlert),
    deadLetters: () => stream.records(DEFAULT_TOPICS.deadLetter).length,
    warnings: () => warnings,
    stop: async () => {
      await gateway.stop();
      await host.stop();
      await clusterView.close();
    },
  };
}

function published(stream: MemoryStream, topic: string): Record<string, unknown>[] {
  const texts = stream.records(topic).map(({ value }) => Buffer.from(value ?? []).toString('utf8'));
  return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
}

/** Reports the same requests in flight until told otherwise. */
function startGateway(stream: MemoryStream) {
  const producer = stream.producer();
  const stopping = new AbortController();
  let inFlight = 4;
  const run = async (): Promise<void> => {
    let startMs = systemClock.nowMs() - 2 * REPORT_MS;
    while (!stopping.signal.aborted) {
      const endMs = systemClock.nowMs();
      // Intervals are half a second at least.
      if (endMs - startMs >= 2 * REPORT_MS) {
        const event = { schema: 'penstock.inference-load/1', workload: 'engine', source: 'gateway/test', inFlight };
        const value = JSON.stringify({ ...event, intervalStartMs: startMs, intervalEndMs: endMs });
        await producer.send([{ topic: DEFAULT_TOPICS.inferenceLoad, key: 'engine', value, timestampMs: endMs }]);
        startMs = endMs;
      }
      await systemClock.sleep(REPORT_MS, stopping.signal);
    }
  };
  const running = run();
  return {
    load: (requests: number): void => {
      inFlight = requests;
    },
    stop: async (): Promise<void> => {
      stopping.abort();
      await running;
    },
  };
}

/** The whole loop on real Kafka and Redis: events in, resized Deployments and node groups in a cluster that is reached over HTTP. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Receiver, startReceiver } from '../../lib/cli/demo/servers/receiver.ts';
import type { StatusView } from '../../lib/loop/status.ts';
import type { LoggedRequest } from '../../lib/simulator/cluster-server/requests-log.ts';
import { testKafkaBrokers, testRedisUrl } from '../support/kafka-redis.ts';
import { type SteadyLoad, steadyLoad } from '../support/load-producer-steady.ts';
import { buildTestCli, eventually, type Host, lastLog, openSite, type Site } from '../support/process-host.ts';
import {
  deployment,
  groupPolicy,
  NAMESPACE,
  nodeGroup,
  QUICK_WORLD,
  workloadPolicy,
} from '../support/process-host-scenes.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const TERMINATE = 'TerminateInstanceInAutoScalingGroup';
const SELECT = 'eks.amazonaws.com/nodegroup';

const FLEET = `apiVersion: penstock.dev/v1
kind: Fleet
metadata: { name: test }
spec:
  alertHooks:
    - name: local
      kind: webhook
      urlFrom: { env: TEST_ALERT_URL }
      signingSecretFrom: { env: TEST_ALERT_SECRET }
      allowPrivate: [127.0.0.0/8]
  alerts: [local]
`;

type Stage = { readonly site: Site; readonly host: Host; readonly load: SteadyLoad };

let cli: Awaited<ReturnType<typeof buildTestCli>>;
let receiver: Receiver;

beforeAll(async () => {
  cli = await buildTestCli();
  receiver = await startReceiver(SECRET);
});
afterAll(async () => {
  await receiver?.close();
  await cli?.remove();
});

/** A site with its controller and gateways. `quiet` workloads speak from the start. */
async function openStage(parts: Pick<Parameters<typeof openSite>[0], 'world' | 'policies'>): Promise<Stage> {
  const site = await openSite({
    ...parts,
    script: cli.script,
    brokers: testKafkaBrokers(),
    redisUrl: testRedisUrl(),
    env: { TEST_ALERT_URL: receiver.url, TEST_ALERT_SECRET: SECRET },
  });
  const load = await steadyLoad({ brokers: testKafkaBrokers(), topic: site.topics.inferenceLoad });
  return { site, load, host: await site.start() };
}

async function closeStage(stage: Stage | undefined): Promise<void> {
  await stage?.load.stop();
  await stage?.site.close();
}

async function soon(stage: Stage, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(what, condition, { about: () => lastLog(stage.site) });
}

type WorkloadStatus = StatusView['workloads'][number];

async function statusOf(stage: Stage, workload: string): Promise<WorkloadStatus | undefined> {
  return (await stage.host.view())?.status.workloads.find((one) => one.workload === workload);
}

const replicasOf = (stage: Stage, name: string): number =>
  stage.site.world.deployment({ namespace: NAMESPACE, name }).replicas;
const readyOf = (stage: Stage, name: string): number =>
  stage.site.world.readyPods({ namespace: NAMESPACE, name }).length;
const nodesOf = (stage: Stage, group: string): number => stage.site.world.readyNodes(group).length;

/** Accepted requests of an operation whose path or body names `name`. */
function accepted(stage: Stage, operation: string, name: string): readonly LoggedRequest[] {
  const isAbout = ({ path, body }: LoggedRequest): boolean => path.includes(`/${name}`) || body.includes(name);
  return stage.site.cluster.requests.of(operation).filter((one) => one.status < 300 && isAbout(one));
}

/** Replica counts that were asked for, in order. */
function patchedCounts(stage: Stage, name: string): number[] {
  return accepted(stage, 'patch deployments/scale', name).map(
    ({ body }) => (JSON.parse(body) as { spec: { replicas: number } }).spec.replicas,
  );
}

describe('the controller at work', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({
      world: {
        ...QUICK_WORLD,
        deployments: [
          deployment({ name: 'web', nodeSelector: { [SELECT]: 'web-ng' } }),
          deployment({ name: 'burst', nodeSelector: { for: 'burst' } }),
          deployment({ name: 'edited', gpusPerPod: 0, nodeSelector: { [SELECT]: 'plain-ng' } }),
          deployment({ name: 'quiet', gpusPerPod: 0, replicas: 4, nodeSelector: { [SELECT]: 'plain-ng' } }),
        ],
        nodeGroups: [
          // Nobody's policy: pods without GPUs would keep the nodes of others busy.
          nodeGroup({ name: 'plain-ng' }),
          nodeGroup({ name: 'web-ng' }),
          nodeGroup({ name: 'scarce-ng', capacity: 1, labels: { for: 'burst' } }),
          nodeGroup({ name: 'spare-ng', desiredSize: 0, labels: { for: 'burst' } }),
        ],
      },
      policies: [
        workloadPolicy({ name: 'web', nodeGroups: ['web-ng'] }),
        workloadPolicy({ name: 'burst', nodeGroups: ['scarce-ng', 'spare-ng'] }),
        workloadPolicy({ name: 'edited', max: 3 }),
        workloadPolicy({ name: 'quiet', more: '  fallback: { afterSec: 10, replicas: 5 }\n' }),
        groupPolicy('web-ng'),
        groupPolicy('scarce-ng'),
        groupPolicy('spare-ng', { usdPerHour: 5, min: 0 }),
        FLEET,
      ].join('---\n'),
    });
    for (const name of ['web', 'burst', 'edited']) stage.load.set(name, 4);
    // Speaks until the first decision that could have lowered it, then never again.
    stage.load.set('quiet', 28);
    await soon(stage, 'every workload is decided on', async () => {
      const workloads = (await stage.host.view())?.status.workloads ?? [];
      return workloads.length === 4 && workloads.every(({ wanted, ready }) => wanted !== null && ready !== null);
    });
    await soon(stage, 'the quiet one was heard', async () => {
      const input = (await statusOf(stage, 'quiet'))?.inputs[0];
      return input?.value !== null && input?.value !== undefined && stage.load.sent.get('quiet') !== undefined;
    });
    stage.load.set('quiet', null);
  });
  afterAll(() => closeStage(stage));

  test('grows a Deployment and its node group with the load, and drains what is too much when it falls', async () => {
    stage.load.set('web', 38);
    await soon(stage, 'web serves the load', () => readyOf(stage, 'web') >= 5 && nodesOf(stage, 'web-ng') >= 5);
    const counts = patchedCounts(stage, 'web');
    expect(Math.max(...counts)).toBe(replicasOf(stage, 'web'));
    expect(accepted(stage, 'UpdateNodegroupConfig', 'web-ng').length).toBeGreaterThan(0);

    stage.load.set('web', 4);
    await soon(stage, 'web is small again', () => replicasOf(stage, 'web') === 1 && nodesOf(stage, 'web-ng') === 1);
    await soon(stage, 'the instances are gone', () => stage.site.world.group('web-ng').instances.size === 1);

    const ended = accepted(stage, TERMINATE, '').map(({ body }) => new URLSearchParams(body));
    expect(ended.every((one) => one.get('ShouldDecrementDesiredCapacity') === 'true')).toBe(true);
    // Each is cordoned first, and was empty by then: nobody's work is cut off.
    const cordoned = accepted(stage, 'patch nodes', '').filter(({ body }) => body.includes('"unschedulable":true'));
    expect(new Set(cordoned.map(({ path }) => path)).size).toBe(ended.length);
    for (const [index, { monotonicMs }] of accepted(stage, TERMINATE, '').entries()) {
      expect(cordoned.filter((one) => one.monotonicMs < monotonicMs).length).toBeGreaterThan(index);
    }
    // Shrinking never lowers the desired size and hopes: sizes that were sent only rise.
    const sizes = accepted(stage, 'UpdateNodegroupConfig', 'web-ng').map(
      ({ body }) => (JSON.parse(body) as { scalingConfig: { desiredSize: number } }).scalingConfig.desiredSize,
    );
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(ended.length).toBe(Math.max(...sizes) - 1);
    expect(stage.site.world.group('web-ng').size.desiredSize).toBe(1);
  });

  test('takes the next node group when the first has no machines, and tells people', async () => {
    stage.load.set('burst', 30);
    await soon(stage, 'burst serves the load', () => readyOf(stage, 'burst') >= 4);
    expect(nodesOf(stage, 'scarce-ng')).toBe(1);
    expect(nodesOf(stage, 'spare-ng')).toBeGreaterThanOrEqual(3);
    const shortage = (): unknown => receiver.received().find((alert) => alert.key === 'capacity-shortage/scarce-ng');
    await soon(stage, 'the alert is delivered', () => shortage() !== undefined);
    expect(shortage()).toMatchObject({ state: 'firing', title: expect.stringContaining('scarce-ng') });
    expect(receiver.rejected()).toBe(0);
  });

  test('follows a policy file that changes, and keeps the last good version when it breaks', async () => {
    stage.load.set('edited', 38);
    await soon(stage, 'edited is at its maximum', () => replicasOf(stage, 'edited') === 3);
    await edit(stage, workloadPolicy({ name: 'edited', max: 3 }), workloadPolicy({ name: 'edited', max: 5 }));
    await soon(stage, 'the new maximum is in force', () => replicasOf(stage, 'edited') === 5);
    const good = (await stage.host.view())?.status.policyVersion;

    await edit(stage, workloadPolicy({ name: 'edited', max: 5 }), workloadPolicy({ name: 'edited', max: 0 }));
    const isReported = async (): Promise<boolean> => (await stage.site.log()).includes('last good version stays');
    await soon(stage, 'the broken version is reported', isReported);
    stage.load.set('edited', 14);
    await soon(stage, 'decisions go on', () => replicasOf(stage, 'edited') < 5);
    expect((await stage.host.view())?.status.policyVersion).toBe(good);
    expect(stage.host.exitCode()).toBeNull();

    await edit(stage, workloadPolicy({ name: 'edited', max: 0 }), workloadPolicy({ name: 'edited', max: 4 }));
    const isNew = async (): Promise<boolean> =>
      ![good, undefined].includes((await stage.host.view())?.status.policyVersion);
    await soon(stage, 'the repaired version is in force', isNew);
  });

  test('never lowers a workload whose load is unknown, and raises it to its fallback', async () => {
    await soon(
      stage,
      'the load counts as missing',
      async () => (await statusOf(stage, 'quiet'))?.inputs[0]?.value === null,
    );
    await soon(stage, 'the fallback is in force', () => replicasOf(stage, 'quiet') >= 5);
    const decidedMs = (await statusOf(stage, 'quiet'))?.decidedAtMs ?? 0;
    // Longer than the stabilization window of 5 s: whoever took silence for zero would have shrunk by now.
    await soon(
      stage,
      'more decisions',
      async () => ((await statusOf(stage, 'quiet'))?.decidedAtMs ?? 0) > decidedMs + 7_000,
    );
    const counts = [4, ...patchedCounts(stage, 'quiet')];
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });
});

describe('the controller in observe mode', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage({
      world: {
        ...QUICK_WORLD,
        deployments: [deployment({ name: 'seen' }), deployment({ name: 'idle', replicas: 2 })],
        nodeGroups: [nodeGroup({ name: 'seen-ng', desiredSize: 3 })],
      },
      policies: [
        workloadPolicy({ name: 'seen', mode: 'observe', nodeGroups: ['seen-ng'] }),
        workloadPolicy({ name: 'idle', mode: 'observe', nodeGroups: ['seen-ng'] }).replace('pool: idle', 'pool: seen'),
        groupPolicy('seen-ng', { mode: 'observe' }),
      ].join('---\n'),
    });
    stage.load.set('seen', 38);
    stage.load.set('idle', 0);
  });
  afterAll(() => closeStage(stage));

  test('decides in both directions and changes nothing', async () => {
    await soon(stage, 'it wants more of one', async () => ((await statusOf(stage, 'seen'))?.wanted ?? 0) >= 5);
    await soon(stage, 'it wants less of the other', async () => (await statusOf(stage, 'idle'))?.wanted === 1);
    const jobs = async (): Promise<number | undefined> => (await stage.host.view())?.status.jobs;
    await soon(stage, 'nothing waits to be done', async () => (await jobs()) === 0);
    const reads = /^(get|list|watch) |^(Describe|List)/;
    const { requests } = stage.site.cluster;
    expect(requests.all().length).toBeGreaterThan(10);
    expect(requests.all().filter(({ operation }) => !reads.test(operation))).toEqual([]);
    expect([replicasOf(stage, 'seen'), replicasOf(stage, 'idle')]).toEqual([1, 2]);
  });
});

async function edit(stage: Stage, from: string, to: string): Promise<void> {
  const text = await readFile(stage.site.policyFile, 'utf8');
  expect(text).toContain(from);
  await writeFile(stage.site.policyFile, text.replace(from, to));
}

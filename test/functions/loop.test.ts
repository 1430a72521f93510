/** From a Kafka event to a resized Deployment through the built functions, as Lambda would chain them, on real Redis and a simulated cluster. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { EKS_TOKENS } from '../../lib/simulator/cluster-server/kubernetes/access.ts';
import { startClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../lib/simulator/world/world.ts';
import type { World } from '../../lib/simulator/world/world.ts';
import { kafkaEvent } from '../support/lambda-events.ts';
import { buildFunctions, loadEvent } from '../support/lambda-installation.ts';
import type { BuiltFunctions, Installation } from '../support/lambda-installation.ts';

const POLICY = `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: llama }
spec:
  mode: act
  target: { name: llama }
  replicas: { max: 8 }
  signals: [{ kind: inFlight, perReplica: 8 }]
`;

let functions: BuiltFunctions;
let world: World;
let cluster: ClusterServer;

beforeAll(async () => {
  functions = await buildFunctions(POLICY);
});

afterAll(() => functions.close());

beforeEach(async () => {
  world = createWorld(
    { nodeGroups: [{ name: 'gpu', desiredSize: 8 }], deployments: [{ name: 'llama', replicas: 1 }] },
    systemClock.nowMs(),
  );
  // The functions sign their own tokens, as on EKS.
  const tokens = { [EKS_TOKENS]: { user: 'penstock', rules: 'admin' as const } };
  cluster = await startClusterServer({ world, clock: systemClock, tokens });
});

afterEach(() => cluster.close());

const install = (): Installation =>
  functions.install({
    PENSTOCK_KUBERNETES: 'eks',
    PENSTOCK_EKS_CLUSTER: 'simulated',
    PENSTOCK_EKS_ENDPOINT: cluster.kubernetesUrl,
    PENSTOCK_EKS_CA_DATA: 'bm9uZQ==',
  });

const replicas = (): number | undefined => world.state.deployments.get('default/llama')?.replicas;

describe('the loop in Lambda', () => {
  test('a rise in the events resizes the Deployment through the wakes alone, without waiting for the schedule', async () => {
    const { invoke, wakes } = install();
    // The schedule has run once before: its snapshot is what leading evaluations compare with.
    expect((await invoke('evaluate', { penstock: 'wake' })).answer).toEqual({ rounds: 1, failedRounds: 0 });
    expect(replicas()).toBe(1);
    const before = wakes().length;

    const events = kafkaEvent(
      'msk',
      [1, 2, 3, 4, 5, 6].map((offset) => loadEvent(offset, 40)),
    );
    expect((await invoke('ingest', events)).answer).toEqual({ batchItemFailures: [] });
    const wake = wakes()
      .slice(before)
      .find(({ name }) => name === 'actuate');
    expect(wake).toMatchObject({
      type: 'Event',
      body: { penstock: 'wake', jobs: [{ kind: 'target', pool: 'default', id: 'llama' }] },
    });

    expect((await invoke('actuate', wake?.body)).answer).toMatchObject({ jobsLeft: 0 });
    expect(replicas()).toBeGreaterThanOrEqual(5);
  });

  test('a lost wake is made good by the next round of evaluate', async () => {
    const { invoke, wakes } = install();
    await invoke('evaluate', { penstock: 'wake' });
    const events = kafkaEvent(
      'selfManaged',
      [1, 2, 3, 4, 5, 6].map((offset) => loadEvent(offset, 60)),
    );
    await invoke('ingest', events);
    // Nobody hears the wake of ingest. The next round puts the job into the queue itself.
    const before = wakes().length;
    await invoke('evaluate', { penstock: 'wake' });
    expect(
      wakes()
        .slice(before)
        .map(({ name }) => name),
    ).toContain('actuate');
    await invoke('actuate', { penstock: 'wake' });
    expect(replicas()).toBeGreaterThan(1);
  });
});

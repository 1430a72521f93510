/** The whole loop as an identity that lacks one permission: what it says, and what goes on. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { kubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import { startClusterServer } from '../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../lib/simulator/world/world.ts';
import { GROUP, startLoop } from '../cluster/suites/loop.ts';
import { simulatedAws } from '../cluster/support/mirrored-cloud.ts';
import { grantedRules, singly } from '../support/manifest-rules.ts';
import { patientKubernetes } from '../support/patience.ts';
import { QUICK_WORLD, nodeGroup } from '../support/process-host-scenes.ts';
import { until } from '../support/until.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** The loop as the process host has it, with what the manifests grant but for `verb resource`. */
async function loopWithout(taken: string) {
  const world = createWorld(
    {
      ...QUICK_WORLD,
      nodeGroups: [nodeGroup(GROUP)],
      deployments: [{ name: 'engine', namespace: 'inference', replicas: 1, imagePullSec: 0.005, modelLoadSec: 0.01 }],
      kubeletDelayMs: 5,
      controllerDelayMs: 2,
    },
    systemClock.nowMs(),
  );
  const rules = singly(await grantedRules()).filter(
    (rule) => rule.subject === 'ServiceAccount penstock' && `${rule.verbs[0]} ${rule.resources[0]}` !== taken,
  );
  const tokens = { penstock: { user: 'system:serviceaccount:penstock:penstock', rules } };
  const server = await startClusterServer({ world, clock: systemClock, tokens, tickMs: 5 });
  opened.push(() => server.close());
  const kubernetes = kubernetesClient(
    { kind: 'server', server: server.kubernetesUrl, token: 'penstock' },
    { clock: systemClock, ...patientKubernetes },
  );
  const aws = simulatedAws(server.awsUrl);
  const loop = await startLoop({ namespace: 'inference', kubernetes, aws, cluster: QUICK_WORLD.cluster });
  opened.push(() => loop.stop());
  const replicas = (): number => world.state.deployments.get('inference/engine')?.replicas ?? Number.NaN;
  return { loop, server, replicas, desired: () => world.group(GROUP.name).size.desiredSize };
}

describe('the loop without a permission', () => {
  test('to resize: decides, orders nodes, leaves the count, and calls people with what is missing', async () => {
    const { loop, replicas, desired, server } = await loopWithout('patch deployments/scale');
    loop.load(28);
    const alert = await until('the alert', async () =>
      loop.alerts().find(({ key }) => String(key).startsWith('actuation-failing/target/engine')),
    );
    expect(alert).toMatchObject({
      state: 'firing',
      detail: expect.stringContaining(
        'permission to patch deployments/scale of apps in namespace inference (by a Role there: docs/permissions.md)',
      ),
    });
    expect(replicas()).toBe(1);
    expect(loop.decisions().at(-1)).toMatchObject({ workload: 'engine' });
    await until('nodes are ordered', async () => desired() > GROUP.desiredSize);
    const writes = server.requests.all().filter(({ status, method }) => method === 'PATCH' && status < 300);
    expect(writes.map(({ operation }) => operation)).toEqual([]);
  });

  test('to see who else sets counts: leaves the count as it is', async () => {
    const { loop, replicas, server } = await loopWithout('list horizontalpodautoscalers');
    // A list that is refused is tried again after half a minute: what tells rounds apart is what they decide.
    for (const load of [28, 56, 112]) {
      const before = loop.decisions().length;
      loop.load(load);
      await until(`a decision at ${load} in flight`, async () => loop.decisions().length > before);
    }
    expect(server.requests.of('list horizontalpodautoscalers').length).toBeGreaterThan(0);
    expect(server.requests.all().filter(({ method }) => method === 'PATCH')).toEqual([]);
    expect(replicas()).toBe(1);
    // An owner cannot be ruled out, so the target counts as not seen.
    expect(loop.decisions().at(-1)).toMatchObject({ replicas: { current: null, ready: null } });
  });
});

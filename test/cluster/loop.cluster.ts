/** The whole loop on a real control plane, with no more than the RBAC that is shipped, and on the simulator. */
import { describe, test } from '@jest/globals';
import { simulatorFixture } from '../simulator/cluster-server/simulator-fixture.ts';
import { nodeGroup, QUICK_WORLD } from '../support/process-host-scenes.ts';
import { GROUP, loopSuite } from './suites/loop.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { mirroredCloud, simulatedAws } from './support/mirrored-cloud.ts';
import { openNamespace } from './support/namespace.ts';
import { shippedRbac } from './support/rbac.ts';

if (isOwnCluster()) {
  loopSuite('real control plane', async () => {
    const site = await openNamespace('loop');
    const cloud = await mirroredCloud(site, nodeGroup(GROUP));
    const identity = await shippedRbac(site);
    return {
      namespace: site.namespace,
      kubernetes: site.client({ token: identity.token }),
      observer: site.client(),
      aws: cloud.aws,
      cluster: cloud.cluster,
      createDeployment: (name, replicas) => site.createDeployment(name, replicas),
      close: async () => {
        await cloud.close();
        await identity.remove();
        await site.close();
      },
    };
  });
} else {
  describe('from events to pods', () => test.skip(`grows and shrinks a node group (${NEEDS_OWN_CLUSTER})`, () => {}));
}

loopSuite('simulator', async () => {
  const fixture = await simulatorFixture({ ...QUICK_WORLD, nodeGroups: [nodeGroup(GROUP)] });
  return {
    ...fixture,
    kubernetes: fixture.client(),
    observer: fixture.client(),
    aws: simulatedAws(fixture.awsUrl),
    cluster: QUICK_WORLD.cluster,
  };
});

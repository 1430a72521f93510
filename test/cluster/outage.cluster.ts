import { describe, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { outageSuite } from './suites/outage.ts';
import { isOwnCluster, ownControlPlane } from './support/control-plane.ts';
import { realFixture } from './support/real-fixture.ts';

if (isOwnCluster()) {
  outageSuite('real control plane', async () => {
    const controlPlane = await ownControlPlane();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(controlPlane.kubeconfigFile);
    const fixture = await realFixture('outage', { nodes: 3, kubeConfig });
    return {
      ...fixture,
      kill: () => controlPlane.kill(),
      restart: () => controlPlane.restart(),
      close: async () => {
        await fixture.close();
        await controlPlane.stop();
      },
    };
  });
} else {
  describe('an outage of the API server', () =>
    test.skip('kills it and starts it again (not on a cluster of yours)', () => {}));
}

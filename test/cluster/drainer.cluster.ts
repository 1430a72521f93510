import { describe, test } from '@jest/globals';
import { drainerSuite } from './suites/drainer.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { shippedRbac } from './support/rbac.ts';
import { realFixture } from './support/real-fixture.ts';

if (isOwnCluster()) {
  drainerSuite('real control plane, with the RBAC that is shipped', async () => {
    const fixture = await realFixture('drainer', { nodes: 3 });
    const identity = await shippedRbac(fixture);
    return {
      ...fixture,
      client: (of = {}) => fixture.client({ token: identity.token, ...of }),
      close: async () => {
        await identity.remove();
        await fixture.close();
      },
    };
  });
} else {
  describe('kubernetesDrainer', () => test.skip(`empties nodes (${NEEDS_OWN_CLUSTER})`, () => {}));
}

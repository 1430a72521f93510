import { describe, test } from '@jest/globals';
import { outageSuite } from './suites/outage.ts';
import { isOwnCluster } from './support/control-plane.ts';
import { outageFixture } from './support/outage-fixture.ts';

if (isOwnCluster()) outageSuite('real control plane', () => outageFixture('outage', { nodes: 3 }));
else {
  describe('an outage of the API server', () =>
    test.skip('kills it and starts it again (not on a cluster of yours)', () => {}));
}

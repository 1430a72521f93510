import { describe, test } from '@jest/globals';
import { drainerSuite } from './suites/drainer.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { realFixture } from './support/real-fixture.ts';

if (isOwnCluster()) {
  drainerSuite('real control plane', () => realFixture('drainer', { nodes: 3 }));
} else {
  describe('kubernetesDrainer', () => test.skip(`empties nodes (${NEEDS_OWN_CLUSTER})`, () => {}));
}

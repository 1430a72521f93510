/** What may happen to watches, on a control plane of this file's own and on the simulator. */
import { describe, test } from '@jest/globals';
import { simulatorFixture } from '../simulator/cluster-server/simulator-fixture.ts';
import { watchSuite } from './suites/watches.ts';
import { isOwnCluster } from './support/control-plane.ts';
import { outageFixture } from './support/outage-fixture.ts';

if (isOwnCluster()) watchSuite('real control plane', () => outageFixture('watches', { nodes: 4 }));
else
  describe('watches', () =>
    test.skip('of an API server that goes and comes back (not on a cluster of yours)', () => {}));

watchSuite('simulator', () => simulatorFixture({ nodes: 4 }));

/** The suites that run on a real control plane too (`npm run test:cluster`), on the simulator. */
import { drainerSuite } from '../../cluster/suites/drainer.ts';
import { targetTroubleSuite } from '../../cluster/suites/target-trouble.ts';
import { simulatorFixture } from './simulator-fixture.ts';

targetTroubleSuite('simulator', () => simulatorFixture());
drainerSuite('simulator', () => simulatorFixture({ nodes: 3 }));

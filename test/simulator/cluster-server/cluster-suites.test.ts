/** The suites that run on a real control plane too (`npm run test:cluster`), on the simulator. The suite of the whole loop takes longer and runs on both there. */
import { actuatorSuite } from '../../cluster/suites/actuator.ts';
import { drainerSuite } from '../../cluster/suites/drainer.ts';
import { kindsSuite } from '../../cluster/suites/kinds.ts';
import { outageSuite } from '../../cluster/suites/outage.ts';
import { targetTroubleSuite } from '../../cluster/suites/target-trouble.ts';
import { simulatorFixture } from './simulator-fixture.ts';

targetTroubleSuite('simulator', () => simulatorFixture());
drainerSuite('simulator', () => simulatorFixture({ nodes: 3 }));
actuatorSuite('simulator', () => simulatorFixture());
kindsSuite('simulator', () => simulatorFixture());
outageSuite('simulator', () => simulatorFixture({ nodes: 3 }));

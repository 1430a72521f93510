import { actuatorSuite } from './suites/actuator.ts';
import { foreignness } from './support/control-plane.ts';
import { realFixture } from './support/real-fixture.ts';

actuatorSuite('real control plane', () => realFixture('actuator'), foreignness());

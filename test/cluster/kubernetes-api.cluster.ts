/** The API suite that the simulator passes, on a real control plane. */
import { kubernetesConformance } from '../simulator/cluster-server/kubernetes-conformance.ts';
import { foreignness } from './support/control-plane.ts';
import { realFixture } from './support/real-fixture.ts';

kubernetesConformance('real control plane', () => realFixture('api'), foreignness());

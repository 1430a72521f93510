/** A simulated cluster behind HTTP, with our clients connected to it. */
import { VirtualClock } from '../../../lib/base/clock.ts';
import { awsClients } from '../../../lib/clients/aws/clients.ts';
import type { AwsClients } from '../../../lib/clients/aws/clients.ts';
import { kubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import type { ClusterServer, ClusterServerOptions } from '../../../lib/simulator/cluster-server/server.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import type { World } from '../../../lib/simulator/world/world.ts';
import type { WorldSettings } from '../../../lib/simulator/world/settings.ts';
import { PATIENT_MS, patientKubernetes } from '../../support/patience.ts';

export type Cluster = {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly server: ClusterServer;
  readonly kubernetes: KubernetesClient;
  readonly aws: AwsClients;
  /** Lets the simulated time pass. */
  pass(sec: number): Promise<void>;
  close(): Promise<void>;
};

/** Starts one; `requestMsMax` is the deadline of our clients' requests, for tests of an API that does not answer. Others are patient. */
export async function startCluster(
  settings: WorldSettings,
  options: { readonly requestMsMax?: number } & Pick<ClusterServerOptions, 'tokens' | 'watchHistory'> = {},
): Promise<Cluster> {
  const clock = new VirtualClock();
  const world = createWorld(settings, clock.nowMs());
  const { requestMsMax, ...serverOptions } = options;
  const server = await startClusterServer({ world, clock, ...serverOptions });
  const kubernetes = kubernetesClient(
    { kind: 'server', server: server.kubernetesUrl, token: server.token },
    { clock, ...(requestMsMax === undefined ? patientKubernetes : { requestMsMax }) },
  );
  const aws = awsClients({
    region: 'eu-west-1',
    endpoint: server.awsUrl,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'test' }),
    attemptMsMax: requestMsMax ?? PATIENT_MS,
  });
  return {
    clock,
    world,
    server,
    kubernetes,
    aws,
    pass: async (sec) => {
      await clock.advance(sec * 1000);
      server.sync();
    },
    close: async () => {
      await kubernetes.close();
      aws.close();
      await server.close();
    },
  };
}

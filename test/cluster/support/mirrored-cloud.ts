/** Node groups of the simulated cloud whose nodes join the cluster under test, played by kwok: the EKS half of a real cluster. */
import { randomInt } from 'node:crypto';
import { systemClock } from '../../../lib/base/clock.ts';
import { awsClients, type AwsClients } from '../../../lib/clients/aws/clients.ts';
import { KWOK_NODE } from '../../../lib/local/index.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import { mirrorNodes } from '../../../lib/simulator/node-mirror.ts';
import type { NodeGroupSettings } from '../../../lib/simulator/world/settings.ts';
import { createWorld } from '../../../lib/simulator/world/world.ts';
import { PATIENT_MS } from '../../support/patience.ts';
import { QUICK_WORLD } from '../../support/process-host-scenes.ts';
import { SUITE_LABEL, type TestNamespace } from './namespace.ts';

export type MirroredCloud = {
  readonly aws: AwsClients;
  /** Name of the EKS cluster. */
  readonly cluster: string;
  /** Resolves when every node that the cloud has made or taken so far is there or gone; rejects when one could not be. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** Starts it; the group's first nodes are there when it comes back. */
export async function mirroredCloud(site: TestNamespace, group: NodeGroupSettings): Promise<MirroredCloud> {
  // Another seed, other instances: files of one run share the cluster.
  const seed = randomInt(2 ** 31);
  const world = createWorld({ ...QUICK_WORLD, seed, nodeGroups: [group] }, systemClock.nowMs());
  const server = await startClusterServer({ world, clock: systemClock });
  const aws = simulatedAws(server.awsUrl);
  const mirror = await mirrorNodes({
    world,
    kubernetes: site.client(),
    annotations: { [KWOK_NODE.annotation]: KWOK_NODE.value },
    labels: { [SUITE_LABEL]: site.namespace },
  });
  return {
    aws,
    cluster: QUICK_WORLD.cluster,
    settled: () => mirror.settled(),
    close: async () => {
      aws.close();
      await server.close();
      await mirror.close();
    },
  };
}

/** Clients of a simulated cloud. */
export function simulatedAws(endpoint: string): AwsClients {
  return awsClients({
    region: 'eu-west-1',
    endpoint,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'test' }),
    attemptMsMax: PATIENT_MS,
  });
}

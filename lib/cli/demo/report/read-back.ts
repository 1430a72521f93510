/** Asks the cluster's own APIs, with the official clients, what became of the resizes. */
import { ListUpdatesCommand } from '@aws-sdk/client-eks';
import { systemClock } from '../../../base/clock.ts';
import { awsClients } from '../../../clients/aws/clients.ts';
import { kubernetesClient } from '../../../clients/kubernetes/client.ts';
import type { Servers } from '../servers/servers.ts';
import type { ReadBack } from './report.ts';
import { NAMESPACE, models, nodeGroups } from '../scene.ts';

/** Throws what the clients throw: an API that does not answer at the end of the demo is a failure. */
export async function readBack(servers: Servers): Promise<ReadBack> {
  const kubernetes = kubernetesClient(
    { kind: 'kubeconfigFile', path: servers.cluster.kubeconfigFiles.operator },
    { clock: systemClock },
  );
  const aws = awsClients({
    region: 'eu-west-1',
    endpoint: servers.cluster.awsUrl,
    credentials: () => Promise.resolve({ accessKeyId: 'demo', secretAccessKey: 'demo' }),
  });
  try {
    const deployments = await Promise.all(
      models.map(async ({ name }) => {
        const read = await kubernetes.call(`read Deployment "${name}"`, (options) =>
          kubernetes.apps.readNamespacedDeployment({ namespace: NAMESPACE, name }, options),
        );
        return [name, read.metadata?.generation ?? 0] as const;
      }),
    );
    const groups = await Promise.all(
      nodeGroups.map(async ({ name }) => {
        const answer = await aws.eks.send(new ListUpdatesCommand({ name: 'demo', nodegroupName: name }));
        return [name, answer.updateIds?.length ?? 0] as const;
      }),
    );
    return { deployments: new Map(deployments), nodeGroups: new Map(groups) };
  } finally {
    await kubernetes.close();
    aws.close();
  }
}

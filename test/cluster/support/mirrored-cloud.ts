/** Node groups of the simulated cloud whose nodes join the cluster under test, played by kwok: the EKS half of a real cluster. */
import { randomInt } from 'node:crypto';
import { systemClock } from '../../../lib/base/clock.ts';
import { awsClients, type AwsClients } from '../../../lib/clients/aws.ts';
import { startClusterServer } from '../../../lib/simulator/cluster-server/server.ts';
import type { NodeRecord } from '../../../lib/simulator/records.ts';
import type { NodeGroupSettings } from '../../../lib/simulator/world-settings.ts';
import { createWorld } from '../../../lib/simulator/world.ts';
import { QUICK_WORLD } from '../../support/process-host-scenes.ts';
import type { TestNamespace } from './namespace.ts';

export type MirroredCloud = {
  readonly aws: AwsClients;
  /** Name of the EKS cluster. */
  readonly cluster: string;
  /** Resolves when every node that the cloud has made or taken so far is there or gone; rejects when one could not be. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** Starts it; the group's first nodes are Ready when it comes back. */
export async function mirroredCloud(site: TestNamespace, group: NodeGroupSettings): Promise<MirroredCloud> {
  // Another seed, other instances: a node whose name comes back at once is mistaken for the old one for five seconds.
  const seed = randomInt(2 ** 31);
  const world = createWorld({ ...QUICK_WORLD, seed, nodeGroups: [group] }, systemClock.nowMs());
  const server = await startClusterServer({ world, clock: systemClock });
  const aws = simulatedAws(server.awsUrl);
  const joined = new Set<string>();
  let work = Promise.resolve();
  const follow = (record: NodeRecord, isGone: boolean): void => {
    const { gpusAllocatable: gpus, instance, ready } = record;
    const name = instance.id.replace('i-', 'node-');
    if (isGone && joined.delete(name)) work = work.then(() => site.removeNode(name));
    // The device plugin has registered the GPUs: from here on the scheduler can use it.
    if (isGone || !ready || gpus === 0 || joined.has(name)) return;
    joined.add(name);
    work = work.then(
      async () => void (await site.createNode({ name, gpus, group: group.name, instanceId: instance.id })),
    );
  };
  for (const node of world.state.nodes.values()) follow(node, false);
  const stop = world.onChange(({ type, record }) => {
    if (record.kind === 'nodes') follow(record, type === 'DELETED');
  });
  await work;
  return {
    aws,
    cluster: QUICK_WORLD.cluster,
    settled: () => work,
    close: async () => {
      stop();
      aws.close();
      await server.close();
      await work;
    },
  };
}

/** Clients of a simulated cloud. */
export function simulatedAws(endpoint: string): AwsClients {
  return awsClients({
    region: 'eu-west-1',
    endpoint,
    credentials: () => Promise.resolve({ accessKeyId: 'AKIATEST', secretAccessKey: 'test' }),
  });
}

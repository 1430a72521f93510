/** The cluster view's suite on a real control plane; EKS is the simulated cloud. */
import { describe, test } from '@jest/globals';
import { VirtualClock } from '../../lib/base/clock.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { clusterViewConformance } from '../conformance/cluster-view.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { until } from '../support/until.ts';
import { nodeGroup } from '../support/process-host-scenes.ts';
import { isOwnCluster, NEEDS_OWN_CLUSTER } from './support/control-plane.ts';
import { mirroredCloud } from './support/mirrored-cloud.ts';
import { openNamespace } from './support/namespace.ts';
import { startProxy } from './support/proxy.ts';
import { shippedRbac } from './support/rbac.ts';

if (isOwnCluster()) {
  clusterViewConformance('kubernetesEks on a real control plane', async () => {
    const site = await openNamespace('view');
    const { namespace } = site;
    // Its own name: the nodes of other files are of other groups.
    const name = namespace;
    const cloud = await mirroredCloud(site, nodeGroup({ name, desiredSize: 2 }));
    const identity = await shippedRbac(site);
    const proxy = await startProxy(site.kubeConfig.getCurrentCluster()?.server ?? '');
    await site.createDeployment('llama', 2);
    await until('two pods serve', async () => {
      const { status } = await site.apps.readNamespacedDeployment({ name: 'llama', namespace });
      return status?.readyReplicas === 2;
    });
    const clock = new VirtualClock();
    const target = { namespace, name: 'llama' };
    const provider = { kind: 'eksNodeGroup', cluster: cloud.cluster, nodeGroup: name };
    let isCloudOpen = true;
    const closeCloud = async (): Promise<void> => {
      if (isCloudOpen) await cloud.close();
      isCloudOpen = false;
    };
    return {
      view: kubernetesEksView({
        kubernetes: site.client({ token: identity.token, server: proxy.url }),
        aws: cloud.aws,
        clock,
      }),
      workload: workloadPolicy({ target }, 'llama'),
      group: groupPolicy({ provider }, name),
      unknownWorkload: workloadPolicy({ target: { namespace, name: 'nothing' } }, 'nothing'),
      unknownGroup: groupPolicy({ provider: { ...provider, nodeGroup: 'nothing' } }, 'nothing'),
      nowMs: () => clock.nowMs(),
      pass: (sec) => clock.advance(sec * 1000),
      cut: () => {
        void proxy.cut();
        void closeCloud();
      },
      close: async () => {
        await Promise.allSettled([proxy.cut(), closeCloud(), identity.remove()]);
        await site.close();
      },
    };
  });
} else {
  describe('kubernetesEks', () => test.skip(`sees targets and node groups (${NEEDS_OWN_CLUSTER})`, () => {}));
}

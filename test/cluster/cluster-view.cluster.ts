/** The cluster view's suite on a real control plane; EKS is the simulated cloud. */
import { describe, expect, test } from '@jest/globals';
import { systemClock, VirtualClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { PACE } from '../../lib/clients/kubernetes/pace.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
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
  clusterViewConformance('kubernetesEks on a real control plane', () => start('lists'));
  clusterViewConformance('kubernetesWatched on a real control plane', () => start('watches'));

  test('a node that has registered and is not Ready is seen as such, and the pod waits for one that is', async () => {
    const site = await openNamespace('late');
    const { namespace } = site;
    const cloud = await mirroredCloud(site, nodeGroup({ name: namespace, desiredSize: 0 }));
    try {
      const nodeName = await site.createNode({ group: namespace, joins: false });
      await site.createDeployment('llama', 1);
      const provider = { kind: 'eksNodeGroup', cluster: cloud.cluster, nodeGroup: namespace };
      const asked = {
        workloads: [workloadPolicy({ target: { namespace, name: 'llama' } }, 'llama')],
        nodeGroups: [groupPolicy({ provider }, 'late')],
      };
      const view = kubernetesEksView({ kubernetes: site.client(), aws: cloud.aws, clock: systemClock });
      const pods = async () => {
        const target = (await view.observe(asked)).targets['llama'];
        return target?.kind === 'observed' ? target.pods : [];
      };
      await until('the pod waits', async () => (await pods()).some((pod) => pod.unschedulable));
      expect((await view.observe(asked)).nodeGroups['late']).toMatchObject({
        kind: 'observed',
        nodes: [{ name: nodeName, ready: false }],
      });
      const other = await site.addNode({ group: namespace });
      await until('the pod is Ready', async () => (await pods()).every((pod) => pod.ready && pod.nodeName === other));
      const group = (await view.observe(asked)).nodeGroups['late'];
      const nodes = group?.kind === 'observed' ? group.nodes : [];
      const seen = Object.fromEntries(nodes.map(({ name, ready, gpusUsed }) => [name, { ready, gpusUsed }]));
      expect(seen).toEqual({
        [nodeName]: { ready: false, gpusUsed: {} },
        [other]: { ready: true, gpusUsed: { 'nvidia.com/gpu': 1 } },
      });
    } finally {
      await cloud.close();
      await site.close();
    }
  });
} else {
  describe('kubernetesEks', () => test.skip(`sees targets and node groups (${NEEDS_OWN_CLUSTER})`, () => {}));
}

async function start(kind: 'lists' | 'watches') {
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
  const options = { kubernetes: site.client({ token: identity.token, server: proxy.url }), aws: cloud.aws, clock };
  const view =
    kind === 'lists'
      ? kubernetesEksView(options)
      : kubernetesWatchedView({ ...options, log: silentLogger, random: Math.random });
  return {
    view,
    currentSec: kind === 'lists' ? 0 : PACE.ageMsMax / 1000,
    workload: workloadPolicy({ target }, 'llama'),
    group: groupPolicy({ provider }, name),
    unknownWorkload: workloadPolicy({ target: { namespace, name: 'nothing' } }, 'nothing'),
    unknownGroup: groupPolicy({ provider: { ...provider, nodeGroup: 'nothing' } }, 'nothing'),
    nowMs: () => clock.nowMs(),
    pass: (sec: number) => clock.advance(sec * 1000),
    cut: () => {
      void proxy.cut();
      void closeCloud();
    },
    close: async () => {
      await view.close();
      await Promise.allSettled([proxy.cut(), closeCloud(), identity.remove()]);
      await site.close();
    },
  };
}

/** The target suites on a real control plane: what every target must do, and what happens in trouble. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { targetConformance } from '../conformance/target.ts';
import { until } from '../support/until.ts';
import { targetTroubleSuite } from './suites/target-trouble.ts';
import { foreignness } from './support/control-plane.ts';
import { realFixture, type RealFixture } from './support/real-fixture.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

let site: RealFixture;
beforeAll(async () => {
  site = await realFixture('targets', { nodes: 1 });
});
afterAll(() => site.close());

/** A controller that has more to write does it sooner [ms]. */
const AT_REST_MS = 300;

// Without GPUs: one node takes them all.
const WITHOUT_GPUS = { gpus: 0 };

targetConformance('kubernetesScale of a Deployment on a real control plane', async () => {
  const { apps, namespace } = site;
  const name = `target-${randomUUID().slice(0, 8)}`;
  const patch = (body: object): Promise<unknown> => apps.patchNamespacedDeployment({ name, namespace, body }, merge);
  await site.createDeployment(name, 3, WITHOUT_GPUS);
  await untilAtRest(async () => {
    const { metadata, status } = await apps.readNamespacedDeployment({ name, namespace });
    return { isReady: status?.readyReplicas === 3, version: metadata?.resourceVersion };
  });
  return {
    target: kubernetesScale(site.client()),
    ref: { kind: 'Deployment', namespace, name },
    put: async (replicas) => void (await patch({ spec: { replicas } })),
    touch: async () => void (await patch({ metadata: { labels: { touched: 'yes' } } })),
    remove: () => site.removeDeployment(name),
    close: () => site.removeDeployment(name),
  };
});

targetConformance('kubernetesScale of a StatefulSet on a real control plane', async () => {
  const { apps, namespace } = site;
  const name = `target-${randomUUID().slice(0, 8)}`;
  const patch = (body: object): Promise<unknown> => apps.patchNamespacedStatefulSet({ name, namespace, body }, merge);
  await site.createStatefulSet(name, 3, WITHOUT_GPUS);
  await untilAtRest(async () => {
    const { metadata, status } = await apps.readNamespacedStatefulSet({ name, namespace });
    return { isReady: status?.availableReplicas === 3, version: metadata?.resourceVersion };
  });
  return {
    target: kubernetesScale(site.client()),
    ref: { kind: 'StatefulSet', namespace, name },
    put: async (replicas) => void (await patch({ spec: { replicas } })),
    touch: async () => void (await patch({ metadata: { labels: { touched: 'yes' } } })),
    remove: () => site.removeStatefulSet(name),
    close: () => site.removeStatefulSet(name),
  };
});

/** Ready, and the controllers have stopped writing: the suite has no other writers than those it names. */
async function untilAtRest(look: () => Promise<{ isReady: boolean; version: string | undefined }>): Promise<void> {
  let last = { version: '', sinceMs: performance.now() };
  await until('the last status write', async () => {
    const { isReady, version = '' } = await look();
    if (version !== last.version) last = { version, sinceMs: performance.now() };
    return isReady && performance.now() - last.sinceMs > AT_REST_MS;
  });
}

targetTroubleSuite('real control plane', () => realFixture('trouble'), foreignness());

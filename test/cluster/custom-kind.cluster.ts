/** A custom kind on a real control plane, that keeps its count in a field of its own: found through discovery, resized and observed by its Scale. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  ApiextensionsV1Api,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
  type V1CustomResourceDefinition,
} from '@kubernetes/client-node';
import { systemClock } from '../../lib/base/clock.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
import type { Snapshot } from '../../lib/core/types.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { targetConformance } from '../conformance/target.ts';
import { workloadPolicy } from '../core/builders.ts';
import { until } from '../support/until.ts';
import { realFixture, type RealFixture } from './support/real-fixture.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Of its own, so that two runs on one cluster do not meet. */
const GROUP = `t${randomUUID().slice(0, 8)}.penstock.test`;
const API_VERSION = `${GROUP}/v1`;
const KIND = { group: GROUP, version: 'v1', plural: 'engines' };

let site: RealFixture;
let custom: CustomObjectsApi;
let definitions: ApiextensionsV1Api;
beforeAll(async () => {
  site = await realFixture('custom', { nodes: 0 });
  custom = site.kubeConfig.makeApiClient(CustomObjectsApi);
  definitions = site.kubeConfig.makeApiClient(ApiextensionsV1Api);
  await definitions.createCustomResourceDefinition({ body: definition() });
  await until('the kind is served', async () =>
    custom.listNamespacedCustomObject({ ...KIND, namespace: site.namespace }).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  await definitions.deleteCustomResourceDefinition({ name: `engines.${GROUP}` });
  await site.close();
});

const create = async (name: string): Promise<object> => {
  const { namespace } = site;
  const path = { ...KIND, namespace, name };
  const body = { apiVersion: API_VERSION, kind: 'Engine', metadata: { name }, spec: { size: 3 } };
  await custom.createNamespacedCustomObject({ ...KIND, namespace, body });
  await custom.patchNamespacedCustomObjectStatus(
    { ...path, body: { status: { size: 3, selector: `app=${name}` } } },
    merge,
  );
  return path;
};
const refOf = (name: string) => ({ apiVersion: API_VERSION, kind: 'Engine', namespace: site.namespace, name });

targetConformance('kubernetesScale of a custom kind on a real control plane', async () => {
  const name = `engine-${randomUUID().slice(0, 8)}`;
  const path = { ...KIND, namespace: site.namespace, name };
  await create(name);
  const patch = (body: object): Promise<unknown> => custom.patchNamespacedCustomObject({ ...path, body }, merge);
  const remove = (): Promise<unknown> => custom.deleteNamespacedCustomObject(path).catch(() => undefined);
  return {
    target: kubernetesScale(site.client()),
    ref: refOf(name),
    put: async (size) => void (await patch({ spec: { size } })),
    touch: async () => void (await patch({ metadata: { labels: { touched: 'yes' } } })),
    remove: async () => void (await remove()),
    close: async () => void (await remove()),
  };
});

test('the cluster view tells count and pods of a custom kind', async () => {
  await create('engine');
  // Its controller's part: a Deployment with the label that the Scale selects.
  await site.createDeployment('engine', 1, { gpus: 0 });
  const view = kubernetesEksView({ kubernetes: site.client(), clock: systemClock });
  const policy = workloadPolicy({ target: refOf('engine') }, 'engine');
  await until('the pod is seen', async () => {
    const { targets } = await view.observe({ workloads: [policy], nodeGroups: [] });
    const seen = targets['engine'];
    return seen?.kind === 'observed' && seen.replicas === 3 && seen.pods.length === 1;
  });
  const { targets } = await view.observe({ workloads: [policy], nodeGroups: [] });
  expect(targets['engine']).toMatchObject({ generation: 1, scaledBy: null, rolloutInProgress: false });
});

test('a custom kind is watched where it may be listed, and read object by object where it may only be got, which is said once', async () => {
  const { namespace } = site;
  await create('watched');
  const policy = workloadPolicy({ target: refOf('watched') }, 'watched');
  const seen = [
    { apiGroups: [''], resources: ['pods'], verbs: ['list', 'watch'] },
    { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['list', 'watch'] },
    { apiGroups: [GROUP], resources: ['engines/scale'], verbs: ['get'] },
  ];
  const said: string[] = [];
  const log = { ...silentLogger, warn: (message: string) => void said.push(message) };
  const viewBy = async (name: string, verbs: string[]) => {
    const token = await site.tokenFor(name, [...seen, { apiGroups: [GROUP], resources: ['engines'], verbs }]);
    const kubernetes = site.client({ token });
    return kubernetesWatchedView({ kubernetes, clock: systemClock, log, random: Math.random });
  };
  const [watching, getting] = [await viewBy('watches', ['list', 'watch']), await viewBy('gets', ['get'])];
  try {
    for (const size of [3, 5]) {
      const body = { spec: { size } };
      await custom.patchNamespacedCustomObject({ ...KIND, namespace, name: 'watched', body }, merge);
      for (const view of [watching, getting]) {
        await until(`${size} are seen`, async () => {
          const { targets } = await view
            .observe({ workloads: [policy], nodeGroups: [] })
            .catch(() => ({ targets: {} }));
          const target = (targets as Snapshot['targets'])['watched'];
          return target?.kind === 'observed' && target.replicas === size;
        });
      }
    }
    expect(said).toEqual(['may not list, reads each object at every look']);
  } finally {
    await Promise.all([watching.close(), getting.close()]);
  }
});

const object = (properties: Record<string, object>) => ({ type: 'object', properties });

function definition(): V1CustomResourceDefinition {
  const size = { type: 'integer', minimum: 0 };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `engines.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind: 'Engine', plural: 'engines' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: object({
              spec: object({ size }),
              status: object({ size, selector: { type: 'string' } }),
            }),
          },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.size',
              statusReplicasPath: '.status.size',
              labelSelectorPath: '.status.selector',
            },
          },
        },
      ],
    },
  };
}

/** LeaderWorkerSets on a control plane that has none: the kind, and a stand-in for its controller that makes and ends groups of pods. */
import {
  ApiextensionsV1Api,
  CustomObjectsApi,
  PatchStrategy,
  setHeaderOptions,
  type V1CustomResourceDefinition,
  type V1Pod,
} from '@kubernetes/client-node';
import { until } from '../../support/until.ts';
import { podSpec, type TestNamespace } from './namespace.ts';

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

const GROUP = 'leaderworkerset.x-k8s.io';
const KIND = { group: GROUP, version: 'v1', plural: 'leaderworkersets' };
const PREFIX = 'leaderworkerset.sigs.k8s.io';

/** Pause between two passes of the stand-in [ms]. */
const PASS_MS = 50;

type GroupSet = {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly spec: { readonly replicas: number; readonly leaderWorkerTemplate: { readonly size: number } };
};

/**
 * Makes the kind with the fields that Penstock reads, and keeps groups as the real controller does by default: whole groups from number 0 on, the highest goes
 * first, one that lost a pod goes and comes back whole; the status counts groups, the Scale selects leaders. No rollouts, no StatefulSets between.
 */
export async function leaderWorkerSets(site: TestNamespace) {
  const { namespace, kubeConfig } = site;
  const custom = kubeConfig.makeApiClient(CustomObjectsApi);
  const definitions = kubeConfig.makeApiClient(ApiextensionsV1Api);
  await definitions.createCustomResourceDefinition({ body: definition() });
  await until('the kind is served', async () =>
    custom.listNamespacedCustomObject({ ...KIND, namespace }).then(
      () => true,
      () => false,
    ),
  );
  const over = new AbortController();
  const controller = (async (): Promise<void> => {
    while (!over.signal.aborted) {
      // What fails (a pod that is still there by that name, a status written meanwhile) is right in the next pass.
      await pass(site, custom).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, PASS_MS));
    }
  })();
  return {
    create: async (name: string, replicas: number, size: number): Promise<void> => {
      const template = { metadata: { labels: { app: name } }, spec: podSpec({ namespace }) };
      const body = {
        apiVersion: `${GROUP}/v1`,
        kind: 'LeaderWorkerSet',
        metadata: { name },
        spec: { replicas, leaderWorkerTemplate: { size, workerTemplate: template } },
      };
      await custom.createNamespacedCustomObject({ ...KIND, namespace, body });
    },
    close: async (): Promise<void> => {
      over.abort();
      await controller;
      await definitions.deleteCustomResourceDefinition({ name: `${KIND.plural}.${GROUP}` });
    },
  };
}

async function pass(site: TestNamespace, custom: CustomObjectsApi): Promise<void> {
  const { namespace, core } = site;
  const answer: unknown = await custom.listNamespacedCustomObject({ ...KIND, namespace });
  for (const set of (answer as { items: readonly GroupSet[] }).items) {
    const labelSelector = `${PREFIX}/name=${set.metadata.name}`;
    const { items } = await core.listNamespacedPod({ namespace, labelSelector });
    await match(site, { set, pods: items });
    await tell(custom, { set, pods: items, namespace });
  }
}

async function match(
  { namespace, core }: TestNamespace,
  { set, pods }: { readonly set: GroupSet; readonly pods: readonly V1Pod[] },
): Promise<void> {
  const { replicas, leaderWorkerTemplate } = set.spec;
  const groups = groupsOf(pods);
  for (const [replica, members] of groups) {
    if (replica < replicas && isWhole(members, leaderWorkerTemplate.size)) continue;
    for (const { metadata } of members.filter(isStaying)) {
      await core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace });
    }
  }
  for (let replica = 0; replica < replicas; replica++) {
    if (groups.has(replica)) continue;
    for (let member = 0; member < leaderWorkerTemplate.size; member++) {
      await core.createNamespacedPod({ namespace, body: podOf(set, { replica, member, namespace }) });
    }
  }
}

function podOf(
  { metadata: { name } }: GroupSet,
  of: { readonly replica: number; readonly member: number; readonly namespace: string },
): V1Pod {
  const { replica, member, namespace } = of;
  const labels = {
    app: name,
    [`${PREFIX}/name`]: name,
    [`${PREFIX}/group-index`]: String(replica),
    [`${PREFIX}/worker-index`]: String(member),
  };
  const podName = member === 0 ? `${name}-${replica}` : `${name}-${replica}-${member}`;
  return { metadata: { name: podName, labels }, spec: podSpec({ namespace }) };
}

async function tell(
  custom: CustomObjectsApi,
  of: { readonly set: GroupSet; readonly pods: readonly V1Pod[]; readonly namespace: string },
): Promise<void> {
  const { metadata, spec } = of.set;
  const groups = [...groupsOf(of.pods).values()].filter((members) => members.some(isStaying));
  const ready = groups.filter((members) => isWhole(members, spec.leaderWorkerTemplate.size) && members.every(isReady));
  const status = {
    observedGeneration: metadata.generation,
    replicas: groups.length,
    updatedReplicas: groups.length,
    readyReplicas: ready.length,
    hpaPodSelector: `${PREFIX}/name=${metadata.name},${PREFIX}/worker-index=0`,
  };
  // A patch that changes nothing writes nothing.
  const path = { ...KIND, namespace: of.namespace, name: metadata.name };
  await custom.patchNamespacedCustomObjectStatus({ ...path, body: { status } }, merge);
}

function groupsOf(pods: readonly V1Pod[]): ReadonlyMap<number, readonly V1Pod[]> {
  const groups = new Map<number, V1Pod[]>();
  for (const pod of pods) {
    const replica = Number(pod.metadata?.labels?.[`${PREFIX}/group-index`]);
    groups.set(replica, [...(groups.get(replica) ?? []), pod]);
  }
  return groups;
}

function isWhole(members: readonly V1Pod[], size: number): boolean {
  return members.length === size && members.every(isStaying);
}

function isStaying({ metadata }: V1Pod): boolean {
  return metadata?.deletionTimestamp === undefined;
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

function definition(): V1CustomResourceDefinition {
  const whole = { type: 'integer', minimum: 0 };
  const open = { type: 'object', x_kubernetes_preserve_unknown_fields: true };
  const spec = { type: 'object', properties: { replicas: whole, leaderWorkerTemplate: open } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${KIND.plural}.${GROUP}`,
      // The API server asks for a reference where a group of Kubernetes' own is used.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, stand-in of a test' },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind: 'LeaderWorkerSet', plural: KIND.plural },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec, status: open } } },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.hpaPodSelector',
            },
          },
        },
      ],
    },
  };
}

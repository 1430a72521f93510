/** What every Kubernetes API server must answer, through the official client: run against the simulator here and
 *  against a real control plane where there is one. */
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { RequestOptions } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  VersionApi,
  Watch,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { DeadlineOf } from '../../support/patience.ts';
import { until } from '../../support/until.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { KubeConfig, V1Deployment, V1ListMeta, V1Pod, V1PodCondition } from '@kubernetes/client-node';

export type KubernetesFixture = {
  readonly kubeConfig: KubeConfig;
  /** Our own client, as the user of the kubeconfig or with another token, or at another address; patient unless its deadlines are given. Closed with the fixture. */
  client(of?: {
    readonly token?: string;
    readonly server?: string;
    readonly deadlineOf?: DeadlineOf;
  }): KubernetesClient;
  /** A namespace of this suite's own. */
  readonly namespace: string;
  /** Creates a Deployment whose pods are labelled `app: NAME` and ask for one GPU each. */
  createDeployment(name: string, replicas: number): Promise<void>;
  createBudget(name: string, rule: { readonly app: string; readonly minAvailable: number }): Promise<void>;
  removeBudget(name: string): Promise<void>;
  /** A kubeconfig with another bearer token; undefined: none at all. */
  withToken(token: string | undefined): KubeConfig;
  /** The token of an identity that may only get and patch `deployments/scale` of Deployment `engine`. */
  readonly scalerToken: string;
  /** A token that was good once. */
  readonly expiredToken: string;
  /** One more node with a free GPU for pods of this suite; comes back with its name when it is Ready. */
  addNode(): Promise<string>;
  removeDeployment(name: string): Promise<void>;
  /** Changes the pod template, so that every pod of the Deployment is replaced. */
  rollOut(name: string): Promise<void>;
  close(): Promise<void>;
};

export type ConformanceOptions = {
  /** The cluster is somebody's: why tests that cordon nodes, count GPUs or forge tokens are left out. Default: they run. */
  readonly foreign?: string;
};

const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

type Refusal = {
  readonly code: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;
};

/** The refusal of a call; throws when it succeeded. */
export async function refusalOf(call: () => Promise<unknown>): Promise<Refusal> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    const text = String(error.body);
    const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
    return { code: error.code, body, headers: error.headers };
  }
  throw new Error('the call succeeded');
}

/** The status of a request outside of the client; what writes has an empty JSON object as its body. */
async function statusOf(
  kubeConfig: KubeConfig,
  of: { readonly method: string; readonly path: string },
): Promise<number> {
  const url = `${kubeConfig.getCurrentCluster()?.server}${of.path}`;
  const options: RequestOptions = { method: of.method, headers: { 'content-type': 'application/json' } };
  await kubeConfig.applyToHTTPSOptions(options);
  const ask = url.startsWith('https:') ? requestTls : request;
  return new Promise((resolve, reject) => {
    const asking = ask(url, options, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    asking.on('error', reject);
    // A GET has no body, and its headers promise none.
    asking.end(of.method === 'GET' ? undefined : '{}');
  });
}

function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

/** Calls until nobody came between: the cluster's own controllers write too, and each such 409 is a reason to read again. */
function undisturbed<T>(call: () => Promise<T>): Promise<T> {
  const tried = async (): Promise<readonly [T] | undefined> => {
    try {
      return [await call()];
    } catch (error) {
      if (error instanceof ApiException && error.code === 409) return undefined;
      throw error;
    }
  };
  return until('a write that nobody came between', tried).then(([value]) => value);
}

function scheduling(pod: V1Pod): V1PodCondition | undefined {
  return pod.status?.conditions?.find((one) => one.type === 'PodScheduled');
}

function testThenSet(expected: number): object[] {
  return [
    { op: 'test', path: '/spec/replicas', value: expected },
    { op: 'replace', path: '/spec/replicas', value: 2 },
  ];
}

/** The token for the next page; the generated client's name for it has an underscore. */
function nextPageOf(list: { readonly metadata?: V1ListMeta }): string {
  return list.metadata?.['_continue'] ?? '';
}

/** Registers the suite. The fixture's cluster needs 4 GPUs that nobody else uses, unless `foreign` says that it is somebody's. */
export function kubernetesConformance(
  server: string,
  create: () => Promise<KubernetesFixture>,
  { foreign }: ConformanceOptions = {},
): void {
  const testOnOwn = (name: string, run: () => Promise<void>): void =>
    foreign === undefined ? test(name, run) : test.skip(`${name} (${foreign})`, run);
  describe(`Kubernetes API: ${server}`, () => {
    let fixture: KubernetesFixture;
    let apps: AppsV1Api;
    let core: CoreV1Api;
    const engine = (): { namespace: string; name: string } => ({ namespace: fixture.namespace, name: 'engine' });
    const pods = async (): Promise<V1Pod[]> => {
      const list = await core.listNamespacedPod({ namespace: fixture.namespace, labelSelector: 'app=engine' });
      return list.items;
    };
    const generationNow = async (): Promise<number> =>
      (await apps.readNamespacedDeployment(engine())).metadata?.generation ?? 0;
    const write = (metadata: object): Promise<unknown> =>
      apps.patchNamespacedDeployment({ ...engine(), body: { metadata } }, merge);
    const scaleTo = (replicas: number): Promise<unknown> =>
      apps.patchNamespacedDeploymentScale({ ...engine(), body: { spec: { replicas } } }, merge);
    const ready = (count: number): Promise<V1Pod[]> =>
      until(`${count} Ready pods`, async () => {
        const all = await pods();
        return all.length === count && all.every(isReady) && all;
      });

    beforeAll(async () => {
      fixture = await create();
      apps = fixture.kubeConfig.makeApiClient(AppsV1Api);
      core = fixture.kubeConfig.makeApiClient(CoreV1Api);
      await fixture.createDeployment('engine', 2);
      await ready(2);
    });
    afterAll(() => fixture.close());

    test('answers its version', async () => {
      const version = await fixture.kubeConfig.makeApiClient(VersionApi).getCode();
      expect(version.gitVersion).toMatch(/^v1\./);
    });

    test('a Deployment shows spec, status and observed generation', async () => {
      const deployment = await until('observed', async () => {
        const read = await apps.readNamespacedDeployment(engine());
        return read.status?.readyReplicas === 2 && read;
      });
      expect(deployment.spec?.replicas).toBe(2);
      expect(deployment.status?.observedGeneration).toBe(deployment.metadata?.generation);
      expect(deployment.spec?.selector.matchLabels).toEqual({ app: 'engine' });
      expect(deployment.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    });

    test('pods have a node, an owner and the template hash in name and labels', async () => {
      const [pod] = await ready(2);
      const hash = pod?.metadata?.labels?.['pod-template-hash'] ?? 'none';
      expect(pod?.metadata?.name).toMatch(new RegExp(`^engine-${hash}-[a-z0-9]{5}$`));
      expect(pod?.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'ReplicaSet', name: `engine-${hash}` });
      if (foreign !== undefined) return;
      const node = await core.readNode({ name: pod?.spec?.nodeName ?? '' });
      expect(Number(node.status?.allocatable?.['nvidia.com/gpu'])).toBeGreaterThan(0);
    });

    test('label and field selectors narrow lists', async () => {
      const { namespace } = fixture;
      const [pod] = await ready(2);
      const count = async (selectors: { labelSelector?: string; fieldSelector?: string }): Promise<number> =>
        (await core.listNamespacedPod({ namespace, ...selectors })).items.length;
      expect(await count({ labelSelector: 'app in (engine,other),!absent' })).toBe(2);
      expect(await count({ labelSelector: 'app!=engine' })).toBe(0);
      expect(await count({ fieldSelector: `metadata.name=${pod?.metadata?.name}` })).toBe(1);
      expect(await count({ fieldSelector: 'status.phase=Pending' })).toBe(0);
      expect(await count({ fieldSelector: 'status.phase=Running,spec.nodeName!=' })).toBe(2);
      const unknown = await refusalOf(() => core.listNamespacedPod({ namespace, fieldSelector: 'spec.colour=red' }));
      expect(unknown).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
    });

    test('lists come in pages', async () => {
      const { namespace } = fixture;
      const first = await core.listNamespacedPod({ namespace, limit: 1 });
      expect(first.items).toHaveLength(1);
      expect(first.metadata?.remainingItemCount).toBe(1);
      const rest = await core.listNamespacedPod({ namespace, limit: 1, _continue: nextPageOf(first) });
      expect(rest.items).toHaveLength(1);
      expect(nextPageOf(rest)).toBe('');
      expect(rest.items[0]?.metadata?.name).not.toBe(first.items[0]?.metadata?.name);
    });

    test('a merge patch of the scale subresource scales', async () => {
      const scale = await apps.patchNamespacedDeploymentScale({ ...engine(), body: { spec: { replicas: 3 } } }, merge);
      expect(scale.spec?.replicas).toBe(3);
      await ready(3);
      await scaleTo(2);
      await ready(2);
    });

    test('the generation grows with the spec and with annotations, not with labels', async () => {
      const before = await generationNow();
      await write({ labels: { touched: randomUUID() } });
      expect(await generationNow()).toBe(before);
      await write({ annotations: { touched: randomUUID() } });
      expect(await generationNow()).toBe(before + 1);
      await scaleTo(3);
      expect(await generationNow()).toBe(before + 2);
      await scaleTo(3);
      expect(await generationNow()).toBe(before + 2);
      await scaleTo(2);
      await ready(2);
    });

    test('a dry run changes nothing', async () => {
      const body = { spec: { replicas: 4 } };
      await apps.patchNamespacedDeploymentScale({ ...engine(), body, dryRun: 'All' }, merge);
      expect((await apps.readNamespacedDeployment(engine())).spec?.replicas).toBe(2);
    });

    test('409 for a stale resourceVersion and for a wrong uid, success with the present one', async () => {
      const stale = await apps.readNamespacedDeploymentScale(engine());
      const touch = { metadata: { annotations: { touched: String(Math.random()) } } };
      await apps.patchNamespacedDeployment({ ...engine(), body: touch }, merge);
      const patchWith = (metadata: object): Promise<unknown> =>
        apps.patchNamespacedDeploymentScale({ ...engine(), body: { metadata, spec: { replicas: 2 } } }, merge);
      const conflict = await refusalOf(() => patchWith({ resourceVersion: stale.metadata?.resourceVersion }));
      expect(conflict).toMatchObject({
        code: 409,
        body: { kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 },
      });
      expect(conflict.body['message']).toContain('Operation cannot be fulfilled on deployments.apps "engine"');
      const wrong = await refusalOf(() => patchWith({ uid: '00000000-0000-0000-0000-000000000000' }));
      expect(wrong).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
      await undisturbed(async () => {
        const fresh = await apps.readNamespacedDeploymentScale(engine());
        return patchWith({ resourceVersion: fresh.metadata?.resourceVersion, uid: fresh.metadata?.uid });
      });
    });

    test('PUT of the scale subresource needs the present resourceVersion', async () => {
      const scale = await apps.readNamespacedDeploymentScale(engine());
      const touch = { metadata: { annotations: { touched: String(Math.random()) } } };
      await apps.patchNamespacedDeployment({ ...engine(), body: touch }, merge);
      const put = await refusalOf(() => apps.replaceNamespacedDeploymentScale({ ...engine(), body: scale }));
      expect(put).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
      const done = await undisturbed(async () => {
        const fresh = await apps.readNamespacedDeploymentScale(engine());
        return apps.replaceNamespacedDeploymentScale({ ...engine(), body: fresh });
      });
      expect(done.spec?.replicas).toBe(2);
    });

    test('400 for an object sent as JSON patch (the client’s default), 415 for an unknown type', async () => {
      const body = { spec: { replicas: 2 } };
      const asJsonPatch = await refusalOf(() => apps.patchNamespacedDeploymentScale({ ...engine(), body }));
      expect(asJsonPatch).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
      const plain = setHeaderOptions('Content-Type', 'application/json');
      const unknown = await refusalOf(() => apps.patchNamespacedDeploymentScale({ ...engine(), body }, plain));
      expect(unknown).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
    });

    test('a JSON patch with a failing test changes nothing', async () => {
      const jsonPatch = setHeaderOptions('Content-Type', PatchStrategy.JsonPatch);
      const refused = await refusalOf(() =>
        apps.patchNamespacedDeploymentScale({ ...engine(), body: testThenSet(7) }, jsonPatch),
      );
      expect(refused.code).toBe(422);
      const done = await apps.patchNamespacedDeploymentScale({ ...engine(), body: testThenSet(2) }, jsonPatch);
      expect(done.spec?.replicas).toBe(2);
    });

    test('422 for replicas that are negative or no number, 404 for an unknown name', async () => {
      const negative = await refusalOf(() => scaleTo(-1));
      expect(negative).toMatchObject({
        code: 422,
        body: { reason: 'Invalid', details: { kind: 'Scale', name: 'engine' } },
      });
      const body = { spec: { replicas: 'many' } };
      const text = await refusalOf(() => apps.patchNamespacedDeploymentScale({ ...engine(), body }, merge));
      expect(text).toMatchObject({ code: 422, body: { reason: 'Invalid', details: { causes: [{ field: 'patch' }] } } });
      const missing = await refusalOf(() =>
        apps.readNamespacedDeploymentScale({ namespace: fixture.namespace, name: 'nobody' }),
      );
      expect(missing).toMatchObject({
        code: 404,
        body: { reason: 'NotFound', message: 'deployments.apps "nobody" not found', details: { group: 'apps' } },
      });
    });

    test('401 for an unknown token, 403 beyond the rules of a known one', async () => {
      const stranger = fixture.withToken('no-such-token').makeApiClient(AppsV1Api);
      const unknown = await refusalOf(() => stranger.readNamespacedDeploymentScale(engine()));
      expect(unknown.code).toBe(401);
      const limited = fixture.withToken(fixture.scalerToken);
      const [limitedApps, limitedCore] = [limited.makeApiClient(AppsV1Api), limited.makeApiClient(CoreV1Api)];
      expect((await limitedApps.readNamespacedDeploymentScale(engine())).spec?.replicas).toBe(2);
      const calls = [
        () => limitedApps.readNamespacedDeployment(engine()),
        () => limitedApps.readNamespacedDeploymentScale({ ...engine(), name: 'other' }),
        () => limitedCore.listNamespacedPod({ namespace: fixture.namespace }),
        () => limitedCore.listNode(),
      ];
      for (const call of calls) {
        expect(await refusalOf(call)).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
      }
      const denial = await refusalOf(() => limitedCore.listNode());
      expect(denial.body['message']).toMatch(
        /^nodes is forbidden: User ".+" cannot list resource "nodes" in API group "" at the cluster scope/,
      );
    });

    test('everybody may ask what they may do', async () => {
      const asking = fixture.withToken(fixture.scalerToken).makeApiClient(AuthorizationV1Api);
      const ask = async (verb: string): Promise<boolean | undefined> => {
        const resource = { group: 'apps', resource: 'deployments', subresource: 'scale', name: 'engine' };
        const resourceAttributes = { ...resource, namespace: fixture.namespace, verb };
        const review = await asking.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes } } });
        return review.status?.allowed;
      };
      expect(await ask('patch')).toBe(true);
      expect(await ask('delete')).toBe(false);
    });

    test('eviction: 429 while a budget forbids it, 409 for a stale precondition, then a replacement', async () => {
      const [pod] = await ready(2);
      const name = pod?.metadata?.name ?? '';
      const { namespace } = fixture;
      const evict = (metadata: object, options: object = {}): Promise<unknown> =>
        core.createNamespacedPodEviction({
          namespace,
          name,
          body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace, ...metadata }, ...options },
        });
      await fixture.createBudget('keep', { app: 'engine', minAvailable: 2 });
      const policy = fixture.kubeConfig.makeApiClient(PolicyV1Api);
      await until('the budget counts', async () => {
        const list = await policy.listNamespacedPodDisruptionBudget({ namespace });
        return list.items[0]?.status?.currentHealthy === 2;
      });
      const refused = await refusalOf(() => evict({}));
      expect(refused).toMatchObject({
        code: 429,
        body: {
          reason: 'TooManyRequests',
          message: "Cannot evict pod as it would violate the pod's disruption budget.",
          details: { causes: [{ reason: 'DisruptionBudget' }] },
        },
      });
      await fixture.removeBudget('keep');
      const stale = { deleteOptions: { preconditions: { resourceVersion: '1' } } };
      expect(await refusalOf(() => evict({}, stale))).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
      await evict({});
      const after = await until('a replacement', async () => {
        const all = await pods();
        return all.length === 2 && all.every(isReady) && all.every((one) => one.metadata?.name !== name) && all;
      });
      expect(after).toHaveLength(2);
      expect(await refusalOf(() => evict({}))).toMatchObject({
        code: 404,
        body: { reason: 'NotFound', message: `pods "${name}" not found` },
      });
    });

    test('the lowest pod-deletion-cost goes first', async () => {
      const [first] = await ready(2);
      const name = first?.metadata?.name ?? '';
      const body = { metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-100' } } };
      await core.patchNamespacedPod({ namespace: fixture.namespace, name, body }, merge);
      await scaleTo(1);
      const [left] = await ready(1);
      expect(left?.metadata?.name).not.toBe(name);
      await scaleTo(2);
      await ready(2);
    });

    testOnOwn('a cordoned node says so and takes its taint back when uncordoned', async () => {
      const [pod] = await ready(2);
      const name = pod?.spec?.nodeName ?? '';
      const cordon = (unschedulable: boolean): Promise<unknown> =>
        core.patchNode({ name, body: { spec: { unschedulable } } }, merge);
      await cordon(true);
      await until('the taint', async () => {
        const { spec } = await core.readNode({ name });
        return (
          spec?.unschedulable === true && spec.taints?.some((one) => one.key === 'node.kubernetes.io/unschedulable')
        );
      });
      await cordon(false);
      await until('no taint', async () => (await core.readNode({ name })).spec?.taints === undefined);
    });

    testOnOwn('a pod waits, Unschedulable, until a node joins', async () => {
      const { namespace } = fixture;
      const labelSelector = 'app=waiting';
      const list = async (): Promise<V1Pod[]> => (await core.listNamespacedPod({ namespace, labelSelector })).items;
      await fixture.createDeployment('waiting', 3);
      const waiting = await until('one is Unschedulable', async () => {
        const all = await list();
        return all.filter(isReady).length === 2 && all.find((pod) => scheduling(pod)?.reason === 'Unschedulable');
      });
      expect(waiting.status?.phase).toBe('Pending');
      expect(waiting.spec?.nodeName).toBeUndefined();
      expect(scheduling(waiting)).toMatchObject({
        status: 'False',
        message: expect.stringMatching(/Insufficient nvidia.com\/gpu/),
      });
      await fixture.addNode();
      await until('all are Ready', async () => (await list()).filter(isReady).length === 3);
      await fixture.removeDeployment('waiting');
      await until('all are gone', async () => (await list()).length === 0);
    });

    test('a rollout shows as one, and a count set meanwhile holds', async () => {
      await ready(2);
      const before = new Set((await pods()).map((pod) => pod.metadata?.name));
      let wasInProgress = false;
      const path = `/apis/apps/v1/namespaces/${fixture.namespace}/deployments`;
      const onEvent = (_: string, { metadata, status }: V1Deployment): void => {
        const isSeen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
        wasInProgress ||= isSeen && (status?.updatedReplicas ?? 0) < (status?.replicas ?? 0);
      };
      const { metadata: from } = await apps.readNamespacedDeployment(engine());
      const since = { resourceVersion: from?.resourceVersion, fieldSelector: 'metadata.name=engine' };
      const watch = await new Watch(fixture.kubeConfig).watch(path, since, onEvent, () => {});
      await fixture.rollOut('engine');
      await scaleTo(3);
      await until('the end of the rollout', async () => {
        const { metadata, status } = await apps.readNamespacedDeployment(engine());
        const isSeen = status?.observedGeneration === metadata?.generation;
        return isSeen && status?.updatedReplicas === 3 && status.readyReplicas === 3 && status.replicas === 3;
      });
      watch.abort();
      expect(wasInProgress).toBe(true);
      const after = await ready(3);
      expect(after.filter((pod) => before.has(pod.metadata?.name))).toEqual([]);
      expect(new Set(after.map((pod) => pod.metadata?.labels?.['pod-template-hash'])).size).toBe(1);
      await scaleTo(2);
      await ready(2);
    });

    test('a Deployment that is deleted is 404 for its writers, and its pods go', async () => {
      const { namespace } = fixture;
      const doomed = { namespace, name: 'doomed' };
      await fixture.createDeployment('doomed', 1);
      const list = async () => (await core.listNamespacedPod({ namespace, labelSelector: 'app=doomed' })).items;
      await until('a pod', async () => (await list()).some(isReady));
      await fixture.removeDeployment('doomed');
      const late = { ...doomed, body: { spec: { replicas: 2 } } };
      expect(await refusalOf(() => apps.patchNamespacedDeploymentScale(late, merge))).toMatchObject({
        code: 404,
        body: { reason: 'NotFound', message: 'deployments.apps "doomed" not found' },
      });
      await until('no pods', async () => (await list()).length === 0);
    });

    testOnOwn('a token that has expired is 401, like one that was never good', async () => {
      const late = fixture.withToken(fixture.expiredToken).makeApiClient(AppsV1Api);
      const refused = await refusalOf(() => late.readNamespacedDeploymentScale(engine()));
      expect(refused.code).toBe(401);
    });

    test('a Deployment scaled to zero reads as zero, with the number there or left out', async () => {
      await scaleTo(0);
      await until('no pods', async () => (await pods()).length === 0);
      const scale = await until('the status', async () => {
        const read = await apps.readNamespacedDeploymentScale(engine());
        return read.status?.replicas === 0 && read;
      });
      expect(scale.spec?.replicas ?? 0).toBe(0);
      await scaleTo(2);
      await ready(2);
    });

    test('a watch sees ADDED, MODIFIED and DELETED, and resumes after a resource version', async () => {
      const path = `/api/v1/namespaces/${fixture.namespace}/pods`;
      const { metadata } = await core.listNamespacedPod({ namespace: fixture.namespace });
      await scaleTo(3);
      await ready(3);
      await scaleTo(2);
      await ready(2);
      const seen: { type: string; name: string; version: number }[] = [];
      const watch = await new Watch(fixture.kubeConfig).watch(
        path,
        { resourceVersion: metadata?.resourceVersion, labelSelector: 'app=engine' },
        (type: string, object: V1Pod) => {
          seen.push({ type, name: object.metadata?.name ?? '', version: Number(object.metadata?.resourceVersion) });
        },
        () => {},
      );
      await until('the deletion', async () => seen.some((event) => event.type === 'DELETED'));
      watch.abort();
      expect(seen[0]?.type).toBe('ADDED');
      expect(new Set(seen.map((event) => event.type))).toEqual(new Set(['ADDED', 'MODIFIED', 'DELETED']));
      expect(seen.every((event) => event.version > Number(metadata?.resourceVersion))).toBe(true);
    });

    test('a silent watch ends by itself at its timeout, with a bookmark from which it can go on', async () => {
      await ready(2);
      const { namespace } = fixture;
      const { metadata } = await core.listNamespacedPod({ namespace });
      const seen: { type: string; version: number }[] = [];
      let isOver = false;
      const onEvent = (type: string, object: V1Pod): void =>
        void seen.push({ type, version: Number(object.metadata?.resourceVersion) });
      const asked = { allowWatchBookmarks: true, timeoutSeconds: 5, labelSelector: 'app=nobody' };
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const onEnd = (): void => void (isOver = true);
      await new Watch(fixture.kubeConfig).watch(
        path,
        { ...asked, resourceVersion: metadata?.resourceVersion },
        onEvent,
        onEnd,
      );
      // Others go on meanwhile: the bookmark is newer than the list.
      await scaleTo(3);
      await scaleTo(2);
      await until('the end', async () => isOver);
      expect(new Set(seen.map((event) => event.type))).toEqual(new Set(['BOOKMARK']));
      expect(seen.at(-1)?.version).toBeGreaterThan(Number(metadata?.resourceVersion));
      await ready(2);
    });

    test('a watch without a version that allows bookmarks is told where the present state ends', async () => {
      await ready(2);
      const seen: { type: string; annotations: object | undefined }[] = [];
      const onEvent = (type: string, object: V1Pod): void =>
        void seen.push({ type, annotations: object.metadata?.annotations });
      const path = `/api/v1/namespaces/${fixture.namespace}/pods`;
      const asked = { labelSelector: 'app=engine', allowWatchBookmarks: true };
      const watch = await new Watch(fixture.kubeConfig).watch(path, asked, onEvent, () => {});
      await until('the end of it', async () => seen.length >= 3);
      watch.abort();
      expect(seen.map((event) => event.type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
      expect(seen[2]?.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    });

    test('a watch without a resource version begins with what is there', async () => {
      await ready(2);
      const seen: string[] = [];
      const path = `/api/v1/namespaces/${fixture.namespace}/pods`;
      const onEvent = (type: string): void => void seen.push(type);
      const watch = await new Watch(fixture.kubeConfig).watch(path, { labelSelector: 'app=engine' }, onEvent, () => {});
      await until('two pods', async () => seen.length >= 2);
      watch.abort();
      expect(seen.slice(0, 2)).toEqual(['ADDED', 'ADDED']);
    });

    test('a pod that leaves a selection is DELETED from its watch', async () => {
      const [pod] = await ready(2);
      const { namespace } = fixture;
      const name = pod?.metadata?.name ?? '';
      const seen: string[] = [];
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const onEvent = (type: string): void => void seen.push(type);
      const label = (mark: string | null): Promise<unknown> =>
        core.patchNamespacedPod({ namespace, name, body: { metadata: { labels: { mark } } } }, merge);
      await label('yes');
      const watch = await new Watch(fixture.kubeConfig).watch(path, { labelSelector: 'mark=yes' }, onEvent, () => {});
      await until('the pod', async () => seen.length === 1);
      await label(null);
      await until('its leaving', async () => seen.length === 2);
      watch.abort();
      expect(seen).toEqual(['ADDED', 'DELETED']);
    });

    test('paths that serve nothing are 404, methods that are not served 405', async () => {
      const ask = (method: string, path: string): Promise<number> => statusOf(fixture.kubeConfig, { method, path });
      // Of this resource whoever runs the suite on a cluster of theirs may read every group (test/cluster/rights.yaml): others are 403 there.
      expect(await ask('GET', '/apis/nobody.example/v1/engines')).toBe(404);
      expect(await ask('PUT', `/api/v1/namespaces/${fixture.namespace}/pods/x/eviction`)).toBe(405);
    });
  });
}

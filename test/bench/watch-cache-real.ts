/**
 * The large cluster of `watch-cache-server.ts` in a real API server: its objects are put into etcd as they are, because creating them and playing their kubelets would take
 * the API server's two cores an hour. What lists and watches bring is the API server's own.
 */
import { readFile } from 'node:fs/promises';
import { systemClock } from '../../lib/base/clock.ts';
import { kubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import { ownControlPlane } from '../cluster/support/control-plane.ts';
import { until } from '../support/until.ts';
import { deploymentJson, nodeJson, podJson } from './watch-cache-server.ts';
import type { LargeCluster } from './watch-cache-server.ts';

export type RealCluster = {
  readonly kubeconfig: string;
  readonly podBytes: number;
  readonly nodeBytes: number;
  /** Until all was in etcd and the API server showed it [s]. */
  readonly filledSec: number;
  readonly version: string;
};

/** Objects per transaction: etcd takes 128 operations and 1.5 MB. */
const BATCH = 80;
const FILL_MS_MAX = 900_000;
const CHANGE_EVERY_MS = 100;

/** Starts etcd and an API server, and nothing that would act on what is in them; ends them when the process is asked to end. */
export async function serveRealCluster(cluster: LargeCluster): Promise<RealCluster> {
  const controlPlane = await ownControlPlane(['etcd', 'kube-apiserver']);
  const stop = (): void => void controlPlane.stop().finally(() => process.exit());
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  const { etcdUrl } = controlPlane;
  const pod = (index: number): Stored => {
    const value = stored(podJson(cluster, index, 0), { apiVersion: 'v1', kind: 'Pod' });
    return { key: `/registry/pods/${value.metadata.namespace}/${value.metadata.name}`, value };
  };
  const startMs = performance.now();
  await putAll(etcdUrl, cluster.nodes, (index) => {
    const value = stored(nodeJson(index), { apiVersion: 'v1', kind: 'Node' });
    return { key: `/registry/minions/${value.metadata.name}`, value };
  });
  await putAll(etcdUrl, cluster.workloads, (index) => {
    const value = stored(deploymentJson(index), { apiVersion: 'apps/v1', kind: 'Deployment' });
    return { key: `/registry/deployments/inference/${value.metadata.name}`, value };
  });
  await putAll(etcdUrl, cluster.pods, pod);
  const kubeconfig = await readFile(controlPlane.kubeconfigFile, 'utf8');
  await until('the API server shows all pods', () => shows(controlPlane, cluster.pods), { deadlineMs: FILL_MS_MAX });
  const filledSec = (performance.now() - startMs) / 1000;
  changeForever(etcdUrl, { perSec: cluster.changesPerSec, next: () => pod(Math.floor(Math.random() * cluster.pods)) });
  const { version } = controlPlane;
  const [podBytes, nodeBytes] = [Buffer.byteLength(podJson(cluster, 0, 0)), Buffer.byteLength(nodeJson(0))];
  return { kubeconfig, podBytes, nodeBytes, filledSec, version };
}

type StoredObject = { readonly metadata: { readonly name: string; readonly namespace?: string } };
type Stored = { readonly key: string; readonly value: object };

/** As etcd has it: with its kind, without the version, which etcd itself gives. */
function stored(json: string, kind: { readonly apiVersion: string; readonly kind: string }): StoredObject {
  const { metadata, ...rest } = JSON.parse(json) as StoredObject;
  const { resourceVersion: _version, ...kept } = metadata as StoredObject['metadata'] & { resourceVersion?: string };
  return { ...kind, metadata: kept, ...rest };
}

async function putAll(etcdUrl: string, count: number, object: (index: number) => Stored): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    await put(
      etcdUrl,
      Array.from({ length: size }, (_, index) => object(from + index)),
    );
  }
}

/** By etcd's JSON gateway. */
async function put(etcdUrl: string, objects: readonly Stored[]): Promise<void> {
  const success = objects.map(({ key, value }) => ({
    requestPut: { key: base64(key), value: base64(JSON.stringify(value)) },
  }));
  const answer = await fetch(`${etcdUrl}/v3/kv/txn`, { method: 'POST', body: JSON.stringify({ success }) });
  if (!answer.ok) throw new Error(`etcd answers ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** One pod after another comes to its kubelet's notice; a store that is behind is not asked for more. */
function changeForever(etcdUrl: string, of: { readonly perSec: number; readonly next: () => Stored }): void {
  let isBusy = false;
  setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    const changed = Array.from({ length: Math.round((of.perSec * CHANGE_EVERY_MS) / 1000) }, () =>
      changedOf(of.next()),
    );
    const unique = [...new Map(changed.map((one) => [one.key, one])).values()];
    void put(etcdUrl, unique).finally(() => {
      isBusy = false;
    });
  }, CHANGE_EVERY_MS);
}

function changedOf({ key, value }: Stored): Stored {
  const { status, ...rest } = value as { readonly status: object };
  return { key, value: { ...rest, status: { ...status, message: `seen at ${performance.now()}` } } };
}

async function shows(
  { url, adminToken, caPem }: Awaited<ReturnType<typeof ownControlPlane>>,
  pods: number,
): Promise<boolean> {
  const caData = Buffer.from(caPem).toString('base64');
  const client = kubernetesClient({ kind: 'server', server: url, token: adminToken, caData }, { clock: systemClock });
  try {
    const list = await client.getJson(
      'count the pods',
      { path: '/api/v1/pods', query: { limit: 1 } },
      { requestMsMax: 60_000 },
    );
    const { items, metadata } = list as {
      readonly items: unknown[];
      readonly metadata: { remainingItemCount?: number };
    };
    return items.length + (metadata.remainingItemCount ?? 0) === pods;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

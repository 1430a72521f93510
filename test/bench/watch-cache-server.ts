/** Serves the lists and watches of a large cluster that does not exist: whole objects as a GPU cluster has them. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type LargeCluster = {
  readonly nodes: number;
  readonly pods: number;
  /** Deployments of namespace `inference`; they own two fifths of the pods. */
  readonly workloads: number;
  /** Pods that change [per second]. */
  readonly changesPerSec: number;
};

export const NODE_POOL = 'gpu';
/** As the client asks. */
const PAGE = 250;
const OWN_SHARE = 0.4;
const NOTHING = { count: 0, json: () => '' };
const CREATED = '2026-11-20T08:00:00Z';

/** Sizes are of one object of each kind [bytes]. */
export async function serveLargeCluster(
  cluster: LargeCluster,
): Promise<{ readonly url: string; readonly podBytes: number; readonly nodeBytes: number }> {
  let version = 1_000_000;
  const watchers = new Set<ServerResponse>();
  const kinds: Readonly<Record<string, { readonly count: number; readonly json: (index: number) => string }>> = {
    '/api/v1/pods': { count: cluster.pods, json: (index) => podJson(cluster, index, version) },
    '/api/v1/nodes': { count: cluster.nodes, json: (index) => nodeJson(index) },
    '/apis/apps/v1/namespaces/inference/deployments': { count: cluster.workloads, json: deploymentJson },
    '/apis/autoscaling/v2/horizontalpodautoscalers': { count: 0, json: () => '' },
  };

  const page = (path: string, from: number): Buffer => {
    const { count, json } = kinds[path] ?? NOTHING;
    const to = Math.min(count, from + PAGE);
    const items = Array.from({ length: to - from }, (_, index) => json(from + index));
    const more = to < count ? `,"continue":"${to}"` : '';
    return Buffer.from(
      `{"kind":"List","metadata":{"resourceVersion":"${version}"${more}},"items":[${items.join(',')}]}`,
    );
  };
  // Made before anybody asks: making them takes longer than reading them.
  const pages = new Map<string, Buffer>();
  for (const [path, { count }] of Object.entries(kinds)) {
    for (let from = 0; from === 0 || from < count; from += PAGE) pages.set(`${path} ${from}`, page(path, from));
  }

  const list = (url: URL, response: ServerResponse): void => {
    const found = pages.get(`${url.pathname} ${url.searchParams.get('continue') ?? 0}`);
    if (found === undefined) return void response.writeHead(404).end('{"kind":"Status","code":404}');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(found);
  };

  const watch = (url: URL, response: ServerResponse): void => {
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 60);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (url.pathname === '/api/v1/pods') watchers.add(response);
    const bookmark = setTimeout(
      () => {
        version += 1;
        response.write(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"${version}"}}}\n`);
      },
      seconds * 1000 - 2_000,
    );
    const end = setTimeout(() => response.end(), seconds * 1000);
    response.on('close', () => {
      watchers.delete(response);
      clearTimeout(bookmark);
      clearTimeout(end);
    });
  };

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://server');
    if (url.searchParams.get('watch') === 'true') watch(url, response);
    else list(url, response);
  });
  setInterval(() => {
    for (let changes = 0; changes < cluster.changesPerSec / 10; changes++) {
      version += 1;
      const json = podJson(cluster, Math.floor(Math.random() * cluster.pods), version);
      for (const watcher of watchers) watcher.write(`{"type":"MODIFIED","object":${json}}\n`);
    }
  }, 100);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    podBytes: Buffer.byteLength(podJson(cluster, 0, version)),
    nodeBytes: Buffer.byteLength(nodeJson(0)),
  };
}

/** A pod. The first ones belong to the workloads, in turn. */
export function podJson({ pods, workloads, nodes }: LargeCluster, index: number, version: number): string {
  const isOwn = index < pods * OWN_SHARE;
  const app = isOwn ? `model-${index % workloads}` : `other-${index % 3_000}`;
  const namespace = isOwn ? 'inference' : `team-${index % 200}`;
  const hash = `${(index % 7_919).toString(36)}c9f`;
  const labels = {
    app,
    'app.kubernetes.io/name': app,
    'app.kubernetes.io/instance': `${app}-prod`,
    'app.kubernetes.io/part-of': 'serving',
    'app.kubernetes.io/managed-by': 'Helm',
    'pod-template-hash': isOwn ? 'c9f' : hash,
    team: namespace,
  };
  const gpus = { 'nvidia.com/gpu': '1', cpu: '8', memory: '64Gi' };
  const env = Array.from({ length: 24 }, (_, at) => ({
    name: `SETTING_${at}`,
    value: `value-of-setting-${at}-${app}`,
  }));
  const volumes = ['weights', 'cache', 'config', 'secrets', 'shm'];
  const container = (name: string, resources: object) => ({
    name,
    image: `registry.example.com/serving/${name}:v1.42.0@sha256:${'0123456789abcdef'.repeat(4)}`,
    args: ['--model', `/models/${app}`, '--tensor-parallel-size', '1', '--max-model-len', '32768', '--port', '8000'],
    env,
    resources,
    ports: [{ containerPort: 8000, name: 'http', protocol: 'TCP' }],
    volumeMounts: volumes.map((volume) => ({ name: volume, mountPath: `/mnt/${volume}` })),
    livenessProbe: { httpGet: { path: '/health', port: 8000, scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 5 },
    readinessProbe: { httpGet: { path: '/health', port: 8000, scheme: 'HTTP' }, periodSeconds: 5, timeoutSeconds: 5 },
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
  });
  const condition = (type: string) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: CREATED });
  return JSON.stringify({
    metadata: {
      name: `${app}-${isOwn ? 'c9f' : hash}-${index.toString(36).padStart(5, '0')}`,
      generateName: `${app}-c9f-`,
      namespace,
      uid: `0b5c7d8e-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: String(version),
      creationTimestamp: CREATED,
      labels,
      annotations: {
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': '8000',
        'checksum/config': 'abcdef0123456789'.repeat(4),
        'kubectl.kubernetes.io/restartedAt': CREATED,
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-${isOwn ? 'c9f' : hash}`,
          uid: `7d8e0b5c-0000-4000-8000-${String(index % workloads).padStart(12, '0')}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: ['kube-controller-manager', 'kubelet'].map((manager) => ({
        manager,
        operation: 'Update',
        apiVersion: 'v1',
        time: CREATED,
        fieldsType: 'FieldsV1',
        fieldsV1: Object.fromEntries(
          env.map(({ name }) => [`k:{"name":"${name}"}`, { '.': {}, 'f:name': {}, 'f:value': {} }]),
        ),
      })),
    },
    spec: {
      containers: [container('engine', { limits: gpus, requests: gpus }), container('sidecar', {})],
      nodeName: nodeName(index % nodes),
      serviceAccountName: 'serving',
      terminationGracePeriodSeconds: 120,
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      volumes: volumes.map((volume) => ({ name: volume, emptyDir: { sizeLimit: '10Gi' } })),
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    },
    status: {
      phase: 'Running',
      podIP: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
      hostIP: `10.200.${(index >> 8) & 255}.${index & 255}`,
      startTime: CREATED,
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
        condition,
      ),
      containerStatuses: ['engine', 'sidecar'].map((name) => ({
        name,
        ready: true,
        restartCount: 0,
        image: `registry.example.com/serving/${name}:v1.42.0`,
        imageID: `registry.example.com/serving/${name}@sha256:${'0123456789abcdef'.repeat(4)}`,
        containerID: `containerd://${index.toString(16).padStart(64, '0')}`,
        state: { running: { startedAt: CREATED } },
      })),
      qosClass: 'Burstable',
    },
  });
}

function nodeName(index: number): string {
  return `ip-10-200-${index >> 8}-${index & 255}.eu-west-1.compute.internal`;
}

/** A node with 8 GPUs. */
export function nodeJson(index: number): string {
  const resources = { cpu: '96', memory: '768Gi', pods: '110', 'nvidia.com/gpu': '8', 'ephemeral-storage': '900Gi' };
  const labels = {
    'karpenter.sh/nodepool': NODE_POOL,
    'kubernetes.io/hostname': nodeName(index),
    'topology.kubernetes.io/zone': `eu-west-1${'abc'[index % 3] ?? 'a'}`,
    ...Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`node.example.com/label-${at}`, `value-${at}`])),
  };
  const images = Array.from({ length: 40 }, (_, at) => ({
    names: [`registry.example.com/image-${at}@sha256:${'0123456789abcdef'.repeat(4)}`],
    sizeBytes: 1_000_000_000 + at,
  }));
  return JSON.stringify({
    metadata: {
      name: nodeName(index),
      uid: `5c7d8e0b-0000-4000-8000-${String(index).padStart(12, '0')}`,
      resourceVersion: '1',
      creationTimestamp: CREATED,
      labels,
    },
    spec: {
      providerID: `aws:///eu-west-1a/i-${index.toString(16).padStart(17, '0')}`,
      taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }],
    },
    status: {
      capacity: resources,
      allocatable: resources,
      images,
      conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
        type,
        status: type === 'Ready' ? 'True' : 'False',
        lastHeartbeatTime: CREATED,
        lastTransitionTime: CREATED,
      })),
    },
  });
}

/** A Deployment of 20 replicas. */
export function deploymentJson(index: number): string {
  const app = `model-${index}`;
  const gpus = { 'nvidia.com/gpu': '1' };
  return JSON.stringify({
    metadata: { name: app, namespace: 'inference', generation: 1, resourceVersion: '1', creationTimestamp: CREATED },
    spec: {
      replicas: 20,
      selector: { matchLabels: { app } },
      template: { spec: { containers: [{ name: 'engine', resources: { limits: gpus, requests: gpus } }] } },
    },
    status: { observedGeneration: 1, replicas: 20, updatedReplicas: 20, readyReplicas: 20 },
  });
}

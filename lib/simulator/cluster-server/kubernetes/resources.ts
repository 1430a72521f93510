/** The kinds that the API serves, and how a path names them. */
import type { ApiKind } from '../../world/state/records.ts';

export type Resource = {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Set for kinds kept by the store. */
  readonly stored?: ApiKind;
};

const READ = ['get', 'list', 'watch'];
const apps = { group: 'apps', version: 'v1', namespaced: true };
const lws = { group: 'leaderworkerset.x-k8s.io', version: 'v1', namespaced: true };
const argo = { group: 'argoproj.io', version: 'v1alpha1', namespaced: true };
const core = { group: '', version: 'v1' };

/** Everything served, subresources included. */
export const RESOURCES: readonly Resource[] = [
  { ...apps, resource: 'deployments', kind: 'Deployment', verbs: [...READ, 'patch'], stored: 'deployments' },
  { ...apps, resource: 'deployments/scale', kind: 'Scale', verbs: ['get', 'update', 'patch'] },
  { ...argo, resource: 'rollouts', kind: 'Rollout', verbs: [...READ, 'patch'], stored: 'deployments' },
  { ...argo, resource: 'rollouts/scale', kind: 'Scale', verbs: ['get', 'update', 'patch'] },
  { ...apps, resource: 'statefulsets', kind: 'StatefulSet', verbs: [...READ, 'patch'], stored: 'deployments' },
  { ...apps, resource: 'statefulsets/scale', kind: 'Scale', verbs: ['get', 'update', 'patch'] },
  { ...lws, resource: 'leaderworkersets', kind: 'LeaderWorkerSet', verbs: [...READ, 'patch'], stored: 'deployments' },
  { ...lws, resource: 'leaderworkersets/scale', kind: 'Scale', verbs: ['get', 'update', 'patch'] },
  { ...apps, resource: 'replicasets', kind: 'ReplicaSet', verbs: ['get', 'list'] },
  { ...core, namespaced: true, resource: 'pods', kind: 'Pod', verbs: [...READ, 'patch', 'delete'], stored: 'pods' },
  { ...core, namespaced: true, resource: 'pods/eviction', kind: 'Eviction', verbs: ['create'] },
  { ...core, namespaced: false, resource: 'nodes', kind: 'Node', verbs: [...READ, 'patch'], stored: 'nodes' },
  { ...core, namespaced: false, resource: 'namespaces', kind: 'Namespace', verbs: ['get', 'list'] },
  {
    group: 'policy',
    version: 'v1',
    namespaced: true,
    resource: 'poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    verbs: READ,
    stored: 'poddisruptionbudgets',
  },
  {
    group: 'autoscaling',
    version: 'v2',
    namespaced: true,
    resource: 'horizontalpodautoscalers',
    kind: 'HorizontalPodAutoscaler',
    verbs: [...READ, 'patch'],
    stored: 'horizontalpodautoscalers',
  },
  {
    group: 'keda.sh',
    version: 'v1alpha1',
    namespaced: true,
    resource: 'scaledobjects',
    kind: 'ScaledObject',
    verbs: [...READ, 'patch'],
    stored: 'scaledobjects',
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    namespaced: false,
    resource: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    verbs: ['create'],
  },
];

/** `v1`, `apps/v1`. */
export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? version : `${group}/${version}`;
}

/** What a path asks for. */
export type Target = {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  /** With its subresource: `deployments/scale`. */
  readonly resource: string;
  readonly name: string | undefined;
};

/** Parses `/api/v1/…` and `/apis/GROUP/VERSION/…`; undefined for other paths and malformed escapes. */
export function parseTarget(path: string): Target | undefined {
  const parts = decodeParts(path);
  if (parts === undefined) return undefined;
  const isCore = parts[0] === 'api' && parts[1] !== undefined;
  if (!isCore && !(parts[0] === 'apis' && parts[2] !== undefined)) return undefined;
  const [group, version, rest] = isCore
    ? ['', parts[1] ?? '', parts.slice(2)]
    : [parts[1] ?? '', parts[2] ?? '', parts.slice(3)];
  // `/namespaces/NAME` alone is the namespace itself.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2;
  const [resource, name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  if (resource === undefined || more.length > 0) return undefined;
  return {
    group,
    version,
    namespace: inNamespace ? rest[1] : undefined,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    name,
  };
}

function decodeParts(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

/** The served resource of a target. */
export function resourceOf(target: Target): Resource | undefined {
  return RESOURCES.find(
    (one) => one.group === target.group && one.version === target.version && one.resource === target.resource,
  );
}

/** The verb as access rules name it. */
export function verbOf(method: string, target: Target, watch: boolean): string {
  if (method === 'GET' || method === 'HEAD') return target.name === undefined ? (watch ? 'watch' : 'list') : 'get';
  if (method === 'DELETE') return target.name === undefined ? 'deletecollection' : 'delete';
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method.toLowerCase();
}

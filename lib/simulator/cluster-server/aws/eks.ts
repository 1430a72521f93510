/** The EKS API (REST-JSON) of the simulated cluster. */
import { nodeGroupStatus } from '../../world/aws/node-group-updates.ts';
import type { NodeGroupRecord, NodeGroupUpdate, WarmPoolRecord } from '../../world/state/records.ts';
import type { World } from '../../world/world.ts';
import { isObject, parseJson } from '../http.ts';
import type { ApiAnswer, ApiRequest, JsonObject } from '../http.ts';

export type EksOperation = {
  readonly name: string;
  readonly cluster: string;
  readonly nodeGroup?: string;
  readonly updateId?: string;
};

const SEGMENT = '([^/]+)';
const ROUTES: readonly { readonly method: string; readonly path: RegExp; readonly name: string }[] = [
  { method: 'GET', path: route(''), name: 'DescribeCluster' },
  { method: 'GET', path: route('/node-groups'), name: 'ListNodegroups' },
  { method: 'GET', path: route(`/node-groups/${SEGMENT}`), name: 'DescribeNodegroup' },
  { method: 'POST', path: route(`/node-groups/${SEGMENT}/update-config`), name: 'UpdateNodegroupConfig' },
  { method: 'GET', path: route('/updates'), name: 'ListUpdates' },
  { method: 'GET', path: route(`/updates/${SEGMENT}`), name: 'DescribeUpdate' },
];

function route(rest: string): RegExp {
  return new RegExp(`^/clusters/${SEGMENT}${rest}/?$`);
}

/** The operation that a request asks for; undefined when it is none that is served. */
export function parseEks(request: ApiRequest): EksOperation | undefined {
  for (const { method, path, name } of ROUTES) {
    const [, cluster, thing] = request.method === method ? (path.exec(request.path) ?? []) : [];
    if (cluster === undefined) continue;
    const decoded = { name, cluster: decodeURIComponent(cluster) };
    if (thing === undefined) return decoded;
    const value = decodeURIComponent(thing);
    return name === 'DescribeUpdate' ? { ...decoded, updateId: value } : { ...decoded, nodeGroup: value };
  }
  return undefined;
}

/** HTTP status of an EKS error code. */
const STATUS: Readonly<Record<string, number>> = {
  AccessDeniedException: 403,
  InvalidParameterException: 400,
  InvalidRequestException: 400,
  ResourceInUseException: 409,
  ResourceNotFoundException: 404,
  ServerException: 500,
  ThrottlingException: 429,
};

/** An error of the EKS API. */
export function eksError(code: string, message: string, fields: object = {}): ApiAnswer {
  return {
    status: STATUS[code] ?? 400,
    body: JSON.stringify({ message, ...fields }),
    headers: { 'x-amzn-errortype': code },
  };
}

export type EksContext = { readonly world: World; readonly kubernetesUrl: string };

/** Answers an EKS operation. */
export function answerEks(context: EksContext, operation: EksOperation, request: ApiRequest): ApiAnswer {
  const { settings, groups } = context.world.state;
  if (operation.cluster !== settings.cluster) {
    return eksError('ResourceNotFoundException', `No cluster found for name: ${operation.cluster}.`);
  }
  const { name } = operation;
  if (name === 'DescribeCluster') return json({ cluster: clusterOf(context) });
  if (name === 'ListNodegroups') return json({ nodegroups: [...groups.keys()] });
  const nodeGroup = operation.nodeGroup ?? request.query.get('nodegroupName') ?? undefined;
  if (nodeGroup === undefined) return json({ updateIds: [] });
  const group = groups.get(nodeGroup);
  if (group === undefined) return noGroup(operation.cluster, nodeGroup);
  if (name === 'DescribeNodegroup') return json({ nodegroup: nodeGroupOf(context.world, group) });
  if (name === 'ListUpdates') return json({ updateIds: [...group.updates.keys()].toReversed() });
  return name === 'DescribeUpdate' ? describeUpdate(group, operation) : updateConfig(context.world, group, request);
}

function noGroup(clusterName: string, nodegroupName: string): ApiAnswer {
  const message = `No node group found for name: ${nodegroupName}.`;
  return eksError('ResourceNotFoundException', message, { clusterName, nodegroupName });
}

function describeUpdate(group: NodeGroupRecord, { cluster, updateId = '' }: EksOperation): ApiAnswer {
  const update = group.updates.get(updateId);
  if (update !== undefined) return json({ update: updateOf(update) });
  const fields = { clusterName: cluster, nodegroupName: group.name };
  return eksError('ResourceNotFoundException', `No update found for ID: ${updateId}`, fields);
}

function updateConfig(world: World, group: NodeGroupRecord, request: ApiRequest): ApiAnswer {
  const body = parseJson(request.body);
  const fields = { clusterName: world.state.settings.cluster, nodegroupName: group.name };
  if (!isObject(body)) return eksError('InvalidRequestException', 'The request body is not JSON', fields);
  const scaling = isObject(body['scalingConfig']) ? body['scalingConfig'] : {};
  const token = body['clientRequestToken'];
  const change = {
    ...numberAt(scaling, 'minSize'),
    ...numberAt(scaling, 'maxSize'),
    ...numberAt(scaling, 'desiredSize'),
    // The SDK always sends a token; without one every call is a new request.
    token: typeof token === 'string' ? token : `untold-${group.updates.size}-${world.nowMs()}`,
  };
  const started = world.updateNodeGroup(group.name, change);
  return started.ok ? json({ update: updateOf(started.value) }) : eksError(started.code, started.message, fields);
}

function numberAt<K extends string>(object: JsonObject, key: K): Partial<Record<K, number>> {
  const value = object[key];
  return value === undefined || value === null ? {} : ({ [key]: Number(value) } as Record<K, number>);
}

function updateOf(update: NodeGroupUpdate) {
  const { minSize, maxSize, desiredSize } = update.wanted;
  return {
    id: update.id,
    status: update.status,
    type: 'ConfigUpdate',
    params: [
      { type: 'MinSize', value: String(minSize) },
      { type: 'MaxSize', value: String(maxSize) },
      { type: 'DesiredSize', value: String(desiredSize) },
    ],
    createdAt: update.createdMs / 1000,
    errors: update.errors,
  };
}

function nodeGroupOf(world: World, group: NodeGroupRecord) {
  const { settings } = world.state;
  return {
    nodegroupName: group.name,
    nodegroupArn: `arn:aws:eks:${settings.region}:${settings.accountId}:nodegroup/${settings.cluster}/${group.name}/${group.scalingGroupName.slice(-36)}`,
    clusterName: settings.cluster,
    version: '1.34',
    createdAt: group.createdMs / 1000,
    modifiedAt: group.createdMs / 1000,
    status: nodeGroupStatus(group),
    capacityType: group.market,
    scalingConfig: group.size,
    ...(group.warmPool === undefined ? {} : { warmPoolConfig: warmPoolOf(group.warmPool) }),
    instanceTypes: [group.instanceType],
    subnets: group.zones.map((zone) => `subnet-${zone}`),
    amiType: 'AL2023_x86_64_NVIDIA',
    labels: group.labels,
    taints: group.taints.map((taint) => ({ ...taint, effect: EFFECTS[taint.effect] ?? taint.effect })),
    resources: { autoScalingGroups: [{ name: group.scalingGroupName }] },
    health: { issues: [...group.issues.values()] },
    updateConfig: { maxUnavailable: 1 },
    tags: {},
  };
}

function warmPoolOf({ minSize, maxPrepared, poolState, reuseOnScaleIn }: WarmPoolRecord) {
  const prepared = maxPrepared === undefined ? {} : { maxGroupPreparedCapacity: maxPrepared };
  return { enabled: true, minSize, ...prepared, poolState: poolState.toUpperCase(), reuseOnScaleIn };
}

const EFFECTS: Readonly<Record<string, string>> = {
  NoSchedule: 'NO_SCHEDULE',
  NoExecute: 'NO_EXECUTE',
  PreferNoSchedule: 'PREFER_NO_SCHEDULE',
};

function clusterOf({ world, kubernetesUrl }: EksContext) {
  const { settings, startMs } = world.state;
  return {
    name: settings.cluster,
    arn: `arn:aws:eks:${settings.region}:${settings.accountId}:cluster/${settings.cluster}`,
    createdAt: startMs / 1000,
    version: '1.34',
    endpoint: kubernetesUrl,
    // The API is served without TLS, so there is no certificate to trust.
    certificateAuthority: { data: '' },
    status: 'ACTIVE',
    platformVersion: 'eks.1',
    accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP' },
    tags: {},
  };
}

function json(value: object): ApiAnswer {
  return { status: 200, body: JSON.stringify(value) };
}

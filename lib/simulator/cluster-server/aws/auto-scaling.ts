/** The Auto Scaling API (query protocol, XML) of the simulated cluster. */
import type { InstanceRecord, NodeGroupRecord, ScalingActivity, ScalingConfig } from '../../world/state/records.ts';
import type { World } from '../../world/world.ts';
import type { ApiAnswer } from '../http.ts';
import { toXml } from './xml.ts';
import type { XmlValue } from './xml.ts';

const NAMESPACE = 'http://autoscaling.amazonaws.com/doc/2011-01-01/';
const REQUEST_ID = '00000000-0000-4000-a000-000000000000';

/** An error of the Auto Scaling API. */
export function autoScalingError(code: string, message: string, status = 400): ApiAnswer {
  const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message };
  return xml(
    status,
    `<ErrorResponse xmlns="${NAMESPACE}">${toXml({ Error: error, RequestId: REQUEST_ID })}</ErrorResponse>`,
  );
}

type Operation = (world: World, parameters: URLSearchParams) => XmlValue | ApiAnswer;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  DescribeAutoScalingGroups: (world, parameters) => {
    const names = membersOf(parameters, 'AutoScalingGroupNames');
    const groups = groupsOf(world).filter((group) => names.length === 0 || names.includes(group.scalingGroupName));
    return { AutoScalingGroups: groups.map((group) => describeGroup(world, group)) };
  },
  DescribeAutoScalingInstances: (world, parameters) => {
    const ids = membersOf(parameters, 'InstanceIds');
    const instances = instancesOf(world).filter((one) => ids.length === 0 || ids.includes(one.id));
    return { AutoScalingInstances: instances.map((one) => ({ ...describeInstance(one), ...groupName(one.group) })) };
  },
  DescribeWarmPool: (world, parameters) => {
    const name = parameters.get('AutoScalingGroupName');
    const group = groupsOf(world).find((one) => one.scalingGroupName === name);
    if (group === undefined) return autoScalingError('ValidationError', `AutoScalingGroup name not found - ${name}`);
    const instances = [...group.instances.values()].filter(isWarm).map(describeInstance);
    return { ...describePool(group), Instances: instances };
  },
  DescribeScalingActivities: (world, parameters) => {
    const wanted = parameters.get('AutoScalingGroupName');
    const groups = groupsOf(world).filter((group) => wanted === null || group.scalingGroupName === wanted);
    const all = groups.flatMap((group) => group.activities.map((activity) => describeActivity(group, activity)));
    const newestFirst = all.toReversed().toSorted((a, b) => (a.StartTime < b.StartTime ? 1 : -1));
    return { Activities: newestFirst.slice(0, Number(parameters.get('MaxRecords') ?? 100)) };
  },
  TerminateInstanceInAutoScalingGroup: (world, parameters) => {
    const decrement = parameters.get('ShouldDecrementDesiredCapacity') === 'true';
    const answer = world.terminateInstance(parameters.get('InstanceId') ?? '', { decrement });
    if (!answer.ok) return autoScalingError(answer.code, answer.message);
    return { Activity: describeActivity(answer.value.group, answer.value.activity) };
  },
  SetDesiredCapacity: (world, parameters) => {
    const desiredSize = Number(parameters.get('DesiredCapacity'));
    return resize(world, parameters, (size) => ({ ...size, desiredSize }));
  },
  UpdateAutoScalingGroup: (world, parameters) => resize(world, parameters, (size) => updated(size, parameters)),
  SetInstanceProtection: (world, parameters) => {
    const ids = membersOf(parameters, 'InstanceIds');
    const instances = instancesOf(world).filter((one) => ids.includes(one.id));
    if (instances.length < ids.length) return autoScalingError('ValidationError', 'Instance Id not found');
    const wrong = instances.find((one) => one.lifecycle !== 'InService');
    if (wrong !== undefined) {
      return autoScalingError('ValidationError', `The instance ${wrong.id} is not in InService or Standby.`);
    }
    for (const one of instances) one.protectedFromScaleIn = parameters.get('ProtectedFromScaleIn') === 'true';
    return {};
  },
};

/** The parameters of a query request. */
export function parseQuery(body: string): { readonly action: string; readonly parameters: URLSearchParams } {
  const parameters = new URLSearchParams(body);
  return { action: parameters.get('Action') ?? '', parameters };
}

/** Answers an Auto Scaling operation. */
export function answerAutoScaling(world: World, action: string, parameters: URLSearchParams): ApiAnswer {
  const operation = Object.hasOwn(OPERATIONS, action) ? OPERATIONS[action] : undefined;
  if (operation === undefined) return autoScalingError('InvalidAction', `Could not find operation ${action}`);
  const result = operation(world, parameters);
  if (isAnswer(result)) return result;
  const metadata = toXml({ ResponseMetadata: { RequestId: REQUEST_ID } });
  const body = `<${action}Result>${toXml(result)}</${action}Result>${metadata}`;
  return xml(200, `<${action}Response xmlns="${NAMESPACE}">${body}</${action}Response>`);
}

function isAnswer(value: XmlValue | ApiAnswer): value is ApiAnswer {
  return typeof value === 'object' && 'status' in value && 'body' in value;
}

function resize(world: World, parameters: URLSearchParams, change: (size: ScalingConfig) => ScalingConfig) {
  const name = parameters.get('AutoScalingGroupName');
  const group = groupsOf(world).find((one) => one.scalingGroupName === name);
  if (group === undefined) return autoScalingError('ValidationError', `AutoScalingGroup name not found - ${name}`);
  const size = change(group.size);
  const problem = problemOf(size);
  if (problem !== undefined) return autoScalingError('ValidationError', problem);
  world.editGroup(group.name, size);
  return {};
}

// Changed bounds pull the desired capacity along when it was not given.
function updated(size: ScalingConfig, parameters: URLSearchParams): ScalingConfig {
  const minSize = Number(parameters.get('MinSize') ?? size.minSize);
  const maxSize = Number(parameters.get('MaxSize') ?? size.maxSize);
  const given = parameters.get('DesiredCapacity');
  const desiredSize = given === null ? Math.max(minSize, Math.min(maxSize, size.desiredSize)) : Number(given);
  return { minSize, maxSize, desiredSize };
}

function problemOf({ minSize, maxSize, desiredSize }: ScalingConfig): string | undefined {
  if (![minSize, maxSize, desiredSize].every((size) => Number.isInteger(size) && size >= 0)) {
    return 'Group sizes must be non-negative integers';
  }
  if (minSize > maxSize) return `Max bound, ${maxSize}, must be greater than or equal to min bound, ${minSize}`;
  if (desiredSize > maxSize) {
    return `New SetDesiredCapacity value ${desiredSize} is above max value ${maxSize} for the AutoScalingGroup.`;
  }
  if (desiredSize >= minSize) return undefined;
  return `New SetDesiredCapacity value ${desiredSize} is below min value ${minSize} for the AutoScalingGroup.`;
}

function groupsOf(world: World): NodeGroupRecord[] {
  return [...world.state.groups.values()];
}

function instancesOf(world: World): InstanceRecord[] {
  return groupsOf(world).flatMap((group) => [...group.instances.values()]);
}

function membersOf(parameters: URLSearchParams, list: string): string[] {
  const members: string[] = [];
  for (const [key, value] of parameters) if (key.startsWith(`${list}.member.`)) members.push(value);
  return members;
}

function groupName(group: NodeGroupRecord) {
  return { AutoScalingGroupName: group.scalingGroupName };
}

function describeGroup(world: World, group: NodeGroupRecord) {
  const { settings } = world.state;
  return {
    ...groupName(group),
    AutoScalingGroupARN: `arn:aws:autoscaling:${settings.region}:${settings.accountId}:autoScalingGroup:${group.scalingGroupName.slice(-36)}:autoScalingGroupName/${group.scalingGroupName}`,
    MinSize: group.size.minSize,
    MaxSize: group.size.maxSize,
    DesiredCapacity: group.size.desiredSize,
    DefaultCooldown: 300,
    AvailabilityZones: group.zones,
    HealthCheckType: 'EC2',
    HealthCheckGracePeriod: 15,
    CreatedTime: new Date(group.createdMs).toISOString(),
    // Those of the warm pool are told by DescribeWarmPool alone.
    Instances: [...group.instances.values()].filter((one) => !isWarm(one)).map(describeInstance),
    ...describePool(group),
    SuspendedProcesses: [],
    NewInstancesProtectedFromScaleIn: false,
    Tags: [
      { Key: 'eks:cluster-name', Value: settings.cluster, PropagateAtLaunch: true },
      { Key: 'eks:nodegroup-name', Value: group.name, PropagateAtLaunch: true },
    ],
    TerminationPolicies: ['AllocationStrategy', 'OldestLaunchTemplate', 'OldestInstance'],
  };
}

function isWarm({ lifecycle }: InstanceRecord): boolean {
  return lifecycle.startsWith('Warmed');
}

function describePool(group: NodeGroupRecord) {
  const { warmPool } = group;
  if (warmPool === undefined) return {};
  return {
    WarmPoolConfiguration: {
      MaxGroupPreparedCapacity: warmPool.maxPrepared,
      MinSize: warmPool.minSize,
      PoolState: warmPool.poolState,
      InstanceReusePolicy: { ReuseOnScaleIn: warmPool.reuseOnScaleIn },
    },
    WarmPoolSize: [...group.instances.values()].filter(isWarm).length,
  };
}

function describeInstance(instance: InstanceRecord) {
  return {
    InstanceId: instance.id,
    AvailabilityZone: instance.zone,
    LifecycleState: instance.lifecycle,
    // Groups describe health as Healthy, single instances as HEALTHY; clients compare without case.
    HealthStatus: 'Healthy',
    ProtectedFromScaleIn: instance.protectedFromScaleIn,
    InstanceType: instance.group.instanceType,
  };
}

function describeActivity(group: NodeGroupRecord, activity: ScalingActivity) {
  return {
    ActivityId: activity.id,
    ...groupName(group),
    Cause: activity.cause,
    Description: activity.description,
    StartTime: new Date(activity.startMs).toISOString(),
    EndTime: activity.endMs === undefined ? undefined : new Date(activity.endMs).toISOString(),
    StatusCode: activity.status,
    StatusMessage: activity.statusMessage,
    Progress: activity.status === 'InProgress' ? 0 : 100,
  };
}

function xml(status: number, body: string): ApiAnswer {
  return { status, body, headers: { 'content-type': 'text/xml' } };
}

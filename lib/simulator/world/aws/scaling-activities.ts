/** The history of an Auto Scaling group and the health issues of its node group. */
import { drawUuid } from '../state/draws.ts';
import { ACTIVITIES_MAX } from '../state/records.ts';
import type { InstanceRecord, LaunchFault, NodeGroupRecord, ScalingActivity } from '../state/records.ts';
import { isoSeconds } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';

type NewActivity = Pick<ScalingActivity, 'status' | 'description' | 'cause'> & { readonly statusMessage?: string };

/** Adds an activity; a failed one ends at once. */
export function addActivity(state: WorldState, group: NodeGroupRecord, fields: NewActivity): ScalingActivity {
  const activity: ScalingActivity = {
    id: drawUuid(state.draws.names),
    startMs: state.nowMs,
    endMs: fields.status === 'InProgress' ? undefined : state.nowMs,
    statusMessage: undefined,
    ...fields,
  };
  group.activities.push(activity);
  if (group.activities.length > ACTIVITIES_MAX) group.activities.shift();
  return activity;
}

/** Ends an activity well. */
export function finishActivity(state: WorldState, activity: ScalingActivity): void {
  activity.status = 'Successful';
  activity.endMs = state.nowMs;
}

/** Records a failed launch: a Failed activity, and a health issue that makes the node group DEGRADED. */
export function recordLaunchFailure(state: WorldState, group: NodeGroupRecord, launch: FailedLaunch): void {
  const text = failureText(state, group, launch);
  const kind = group.market === 'SPOT' ? 'Spot' : 'On-Demand';
  const statusMessage =
    launch.fault === 'insufficientFreeAddresses' ? text.plain : `Could not launch ${kind} Instances. ${text.coded}`;
  addActivity(state, group, {
    status: 'Failed',
    description: `Launching a new EC2 instance.  Status Reason: ${statusMessage}`,
    cause: launchCause(state, group),
    statusMessage,
  });
  if (launch.fault === 'launchTemplate') {
    const message = 'The launch template of the node group names an image that does not exist.';
    group.issues.set(TEMPLATE, { code: TEMPLATE, message, resourceIds: [] });
    return;
  }
  if (launch.fault === 'insufficientFreeAddresses') {
    const message =
      'One or more of the subnets associated with your managed node group does not have enough available IP addresses for new nodes.';
    group.issues.set('InsufficientFreeAddresses', {
      code: 'InsufficientFreeAddresses',
      message,
      resourceIds: [SUBNET],
    });
    return;
  }
  const resourceIds = [group.scalingGroupName];
  group.issues.set(LAUNCH_FAILURES, { code: LAUNCH_FAILURES, message: statusMessage, resourceIds });
}

/** Records a failed launch into the warm pool: a Failed activity, and nothing else. */
export function recordWarmFailure(state: WorldState, group: NodeGroupRecord, launch: FailedLaunch): void {
  const statusMessage = failureText(state, group, launch).coded;
  addActivity(state, group, {
    status: 'Failed',
    description: `Launching a new EC2 instance into warm pool.  Status Reason: ${statusMessage}`,
    cause: warmCause(state),
    statusMessage,
  });
}

/** The cause text of a launch into the warm pool. */
export function warmCause(state: WorldState): string {
  return `At ${isoSeconds(state.nowMs)} an instance was started into the warm pool in response to a difference between desired and actual capacity of the pool.`;
}

export type FailedLaunch = { readonly fault: LaunchFault; readonly zone: string };

const LAUNCH_FAILURES = 'AsgInstanceLaunchFailures';
const TEMPLATE = 'Ec2LaunchTemplateInvalidConfiguration';
const SUBNET = 'subnet-0a1b2c3d4e5f60718';

/** Forgets the issues that a complete scale-out disproves. */
export function clearLaunchIssues(group: NodeGroupRecord): void {
  group.issues.delete(LAUNCH_FAILURES);
  group.issues.delete('InsufficientFreeAddresses');
  group.issues.delete(TEMPLATE);
}

/** The cause text of a launch towards the desired size. */
export function launchCause(state: WorldState, group: NodeGroupRecord): string {
  const at = isoSeconds(state.nowMs);
  const from = liveInstances(group).length;
  return `At ${at} an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${from} to ${group.size.desiredSize}.`;
}

/** Instances that count towards the desired size: all that are not terminating. */
export function liveInstances(group: NodeGroupRecord): InstanceRecord[] {
  return [...group.instances.values()].filter(
    (instance) => instance.lifecycle === 'Pending' || instance.lifecycle === 'InService',
  );
}

function failureText(
  state: WorldState,
  group: NodeGroupRecord,
  launch: FailedLaunch,
): { coded: string; plain: string } {
  const plain = `There are not enough free addresses in subnet '${SUBNET}' to satisfy the requested number of instances. Launching EC2 instance failed.`;
  if (launch.fault === 'insufficientFreeAddresses') return { coded: plain, plain };
  if (launch.fault === 'launchTemplate') {
    const text = `The image id '[ami-0f1e2d3c4b5a69788]' does not exist. Launching EC2 instance failed.`;
    return { coded: text, plain: text };
  }
  const coded =
    launch.fault === 'quota'
      ? `VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of ${state.settings.gpuQuota * VCPUS_PER_GPU} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. Launching EC2 instance failed.`
      : `InsufficientInstanceCapacity - We currently do not have sufficient ${group.instanceType} capacity in the Availability Zone you requested (${launch.zone}). Our system will be working on provisioning additional capacity. Launching EC2 instance failed.`;
  return { coded, plain };
}

// The world counts its quota in GPUs; EC2 counts vCPUs, 4 to a GPU in the smallest GPU types.
const VCPUS_PER_GPU = 4;

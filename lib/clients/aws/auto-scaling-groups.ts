/** Plain Auto Scaling groups as values: shared by the cluster view and the node provisioner. */
import { DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { NotFoundError, TransientError } from '../../base/errors.ts';
import { awsCall } from './errors.ts';
import type { AwsClients } from './clients.ts';
import type { GroupState } from './group-state.ts';

export type AutoScalingGroupState = GroupState & {
  /** Instances in service or on their way; those that wait in a warm pool are not among them, and desired does not count them either. */
  readonly instanceIds: readonly string[];
  /** Instances on their way out. */
  readonly leavingIds: readonly string[];
};

/** One DescribeAutoScalingGroups call. Throws NotFoundError, DeniedError, TransientError (also when the answer lacks the sizes). */
export async function describeAutoScalingGroup(clients: AwsClients, name: string): Promise<AutoScalingGroupState> {
  const call = { what: `describe Auto Scaling group "${name}"`, action: 'autoscaling:DescribeAutoScalingGroups' };
  const command = new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] });
  const { AutoScalingGroups: groups } = await awsCall(call, () => clients.autoScaling.send(command));
  const [group] = groups ?? [];
  if (group === undefined) {
    throw new NotFoundError(`Cannot ${call.what}: expected an existing group, current value is none`);
  }
  const { MinSize: min, MaxSize: max, DesiredCapacity: desired } = group;
  if (min === undefined || max === undefined || desired === undefined) {
    throw new TransientError(`Cannot ${call.what}: expected its sizes, current value is an answer without them`);
  }
  const instances = instancesOf(group);
  const isHeld = (group.SuspendedProcesses ?? []).find((one) => one.ProcessName === 'Launch');
  return {
    min,
    max,
    desired,
    // Set only while the group is being deleted.
    status: group.Status === undefined ? 'active' : 'deleting',
    issues: isHeld === undefined ? [] : [{ code: 'LaunchSuspended', message: isHeld.SuspensionReason ?? '' }],
    scalingGroups: [name],
    ...instances,
    ...warmPoolOf(group, instances.instanceIds),
  };
}

function instancesOf(group: AutoScalingGroup): Pick<AutoScalingGroupState, 'instanceIds' | 'leavingIds'> {
  const there = (group.Instances ?? []).filter(({ LifecycleState: state = '' }) => !state.startsWith('Warmed'));
  const idsOf = (isLeaving: boolean): readonly string[] =>
    there.flatMap(({ InstanceId: id, LifecycleState: state = '' }) =>
      id !== undefined && state.startsWith('Terminat') === isLeaving ? [id] : [],
    );
  return { instanceIds: idsOf(false), leavingIds: idsOf(true) };
}

function warmPoolOf(
  group: AutoScalingGroup,
  instanceIds: readonly string[],
): Pick<AutoScalingGroupState, 'warmInstances' | 'reusedIds'> {
  const pool = group.WarmPoolConfiguration;
  if (pool === undefined) return {};
  const isReused = pool.InstanceReusePolicy?.ReuseOnScaleIn === true;
  return { warmInstances: group.WarmPoolSize ?? 0, ...(isReused ? { reusedIds: instanceIds } : {}) };
}

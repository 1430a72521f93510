/** Plain Auto Scaling groups as values: shared by the cluster view and the node provisioner. */
import { DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import { NotFoundError, TransientError } from '../base/errors.ts';
import { awsCall } from './aws-errors.ts';
import type { EksNodeGroup } from './aws-node-groups.ts';
import type { AwsClients } from './aws.ts';

export type AutoScalingGroupState = EksNodeGroup & {
  /** Instances in service or on their way; those that wait in a warm pool are not among them, and desired does not count them either. */
  readonly instanceIds: readonly string[];
  /** Instances that wait in a warm pool: the next launches take these, and start sooner. */
  readonly warmInstances: number;
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
  const isHeld = (group.SuspendedProcesses ?? []).find((one) => one.ProcessName === 'Launch');
  return {
    min,
    max,
    desired,
    // Set only while the group is being deleted.
    status: group.Status === undefined ? 'active' : 'deleting',
    issues: isHeld === undefined ? [] : [{ code: 'LaunchSuspended', message: isHeld.SuspensionReason ?? '' }],
    scalingGroups: [name],
    instanceIds: (group.Instances ?? []).flatMap(({ InstanceId: id, LifecycleState: state = '' }) =>
      id === undefined || state.startsWith('Warmed') || state.startsWith('Terminat') ? [] : [id],
    ),
    warmInstances: group.WarmPoolSize ?? 0,
  };
}

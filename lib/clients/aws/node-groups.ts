/** EKS managed node groups as values: shared by the cluster view (which observes them) and the node provisioner (which resizes them). */
import { DescribeScalingActivitiesCommand } from '@aws-sdk/client-auto-scaling';
import type { Activity } from '@aws-sdk/client-auto-scaling';
import { DescribeNodegroupCommand } from '@aws-sdk/client-eks';
import type { Issue, Nodegroup } from '@aws-sdk/client-eks';
import { DeniedError, NotFoundError, TransientError } from '../../base/errors.ts';
import type { NodeGroupIssue } from '../../core/types.ts';
import { describeAutoScalingGroup } from './auto-scaling-groups.ts';
import { CAPACITY_PATTERN, awsCall } from './errors.ts';
import type { AwsClients } from './clients.ts';
import type { GroupState } from './group-state.ts';

export type EksNodeGroupRef = { readonly cluster: string; readonly nodeGroup: string };

/** Activities looked at for the newest launch: a group that failed oftener than this in a row has failed. */
const ACTIVITIES_READ_MAX = 20;

/** Resources of one issue that are kept: a group has at most so many instances to end at a time. */
const RESOURCES_MAX = 50;

/** EKS node groups have one Auto Scaling group; the API allows more. */
const SCALING_GROUPS_READ_MAX = 3;

const STATUS: Readonly<Record<string, GroupState['status']>> = {
  ACTIVE: 'active',
  UPDATING: 'updating',
  DEGRADED: 'degraded',
  CREATING: 'creating',
  DELETING: 'deleting',
  CREATE_FAILED: 'failed',
  DELETE_FAILED: 'failed',
};

/** One DescribeNodegroup call, and one DescribeAutoScalingGroups for a group with a warm pool. Throws NotFoundError, DeniedError, TransientError (also when the answer lacks the sizes). */
export async function describeEksNodeGroup(clients: AwsClients, ref: EksNodeGroupRef): Promise<GroupState> {
  const call = { what: `describe node group "${ref.cluster}/${ref.nodeGroup}"`, action: 'eks:DescribeNodegroup' };
  const command = new DescribeNodegroupCommand({ clusterName: ref.cluster, nodegroupName: ref.nodeGroup });
  const { nodegroup } = await awsCall(call, () => clients.eks.send(command));
  const sizes = nodegroup?.scalingConfig;
  const { minSize: min, maxSize: max, desiredSize: desired } = sizes ?? {};
  if (nodegroup === undefined || min === undefined || max === undefined || desired === undefined) {
    throw new TransientError(`Cannot ${call.what}: expected its sizes, current value is an answer without them`);
  }
  const group: GroupState = {
    min,
    max,
    desired,
    status: STATUS[nodegroup.status ?? ''] ?? 'failed',
    issues: (nodegroup.health?.issues ?? []).map(issueOf),
    scalingGroups: groupNames(nodegroup),
  };
  return nodegroup.warmPoolConfig?.enabled === true ? withWarmPool(clients, group) : group;
}

/** EKS says nothing of single instances. Without permission to ask Auto Scaling the labels of nodes must do, and nobody knows how many wait. */
async function withWarmPool(clients: AwsClients, group: GroupState): Promise<GroupState> {
  const [name] = group.scalingGroups;
  if (name === undefined) return group;
  const pool = await describeAutoScalingGroup(clients, name).catch((error: unknown) => {
    if (error instanceof DeniedError || error instanceof NotFoundError) return null;
    throw error;
  });
  if (pool === null) return group;
  const { warmInstances = 0, reusedIds } = pool;
  const instanceIds = [...pool.instanceIds, ...pool.leavingIds];
  const issues = group.issues.map((issue) => withoutWarm(issue, new Set(instanceIds)));
  return { ...group, issues, instanceIds, warmInstances, ...(reusedIds === undefined ? {} : { reusedIds }) };
}

/** An instance that waits in the pool has not failed to join. */
function withoutWarm(issue: NodeGroupIssue, instanceIds: ReadonlySet<string>): NodeGroupIssue {
  const { resourceIds, ...rest } = issue;
  if (resourceIds === undefined) return issue;
  return { ...rest, resourceIds: resourceIds.filter((id) => !id.startsWith('i-') || instanceIds.has(id)) };
}

/** Health issues that say: the group as it is set up starts nothing. */
const SETUP_ISSUES =
  /^(Ec2LaunchTemplate(NotFound|VersionMismatch|InvalidConfiguration)|AmiIdNotFound|IamInstanceProfileNotFound|IamNodeRoleNotFound|Ec2SecurityGroupNotFound|Ec2Subnet(NotFound|InvalidConfiguration)|Ec2InstanceTypeDoesNotExist|AutoScalingGroupNotFound)$/;

/**
 * Why no machines come, in a sentence; null when nothing says so. The newest finished launch decides, whatever it failed of, because a health issue stays until a later
 * scale-out succeeds; the issues decide where no launch is known. Without permission to read activities only the issues count.
 */
export async function capacityShortageOf(clients: AwsClients, group: GroupState): Promise<string | null> {
  const issue = group.issues.find(
    (one) => CAPACITY_PATTERN.test(`${one.code} ${one.message}`) || SETUP_ISSUES.test(one.code),
  );
  const launches: Activity[] = [];
  for (const name of group.scalingGroups.slice(0, SCALING_GROUPS_READ_MAX)) {
    launches.push(...(await launchesOf(clients, name)));
  }
  const newest = launches.toSorted((a, b) => startMs(b) - startMs(a))[0];
  if (newest === undefined) return issue === undefined ? null : `${issue.code}: ${issue.message}`;
  if (newest.StatusCode === 'Successful') return null;
  return newest.StatusMessage ?? newest.Description ?? 'a launch failed without a reason';
}

/** Finished launches of one Auto Scaling group. */
async function launchesOf(clients: AwsClients, scalingGroup: string): Promise<readonly Activity[]> {
  const call = {
    what: `read the scaling activities of "${scalingGroup}"`,
    action: 'autoscaling:DescribeScalingActivities',
  };
  const command = new DescribeScalingActivitiesCommand({
    AutoScalingGroupName: scalingGroup,
    MaxRecords: ACTIVITIES_READ_MAX,
  });
  try {
    const { Activities: activities = [] } = await awsCall(call, () => clients.autoScaling.send(command));
    return activities.filter(
      (one) =>
        (one.Description ?? '').startsWith('Launching') &&
        // What the warm pool gets or does not get says nothing of what the group asked for.
        !(one.Description ?? '').includes('into warm pool') &&
        (one.StatusCode === 'Successful' || one.StatusCode === 'Failed'),
    );
  } catch (error) {
    if (error instanceof DeniedError) return [];
    throw error;
  }
}

function startMs(activity: Activity): number {
  return activity.StartTime?.getTime() ?? 0;
}

function issueOf({ code = 'Unknown', message = '', resourceIds = [] }: Issue): NodeGroupIssue {
  return { code, message, ...(resourceIds.length === 0 ? {} : { resourceIds: resourceIds.slice(0, RESOURCES_MAX) }) };
}

function groupNames(group: Nodegroup): readonly string[] {
  return (group.resources?.autoScalingGroups ?? []).flatMap((one) => (one.name === undefined ? [] : [one.name]));
}

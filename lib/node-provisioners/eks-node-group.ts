/** EKS managed node groups: sizes through EKS, single instances through the Auto Scaling group behind it. */
import { DescribeUpdateCommand, UpdateNodegroupConfigCommand } from '@aws-sdk/client-eks';
import { ConfigError, ConflictError } from '../base/errors.ts';
import { describeAutoScalingGroup } from '../clients/aws/auto-scaling-groups.ts';
import { awsCall } from '../clients/aws/errors.ts';
import { terminateInstance } from '../clients/aws/instances.ts';
import { capacityShortageOf, describeEksNodeGroup } from '../clients/aws/node-groups.ts';
import type { GroupState } from '../clients/aws/group-state.ts';
import type { EksNodeGroupRef } from '../clients/aws/node-groups.ts';
import type { AwsClients } from '../clients/aws/clients.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import { assertSizes, refuseDelivered, refuseLower } from './sizes.ts';
import type { NodeProvisioner, SizeChange, UpdateState } from './contract.ts';

const UPDATE_STATES: Readonly<Record<string, UpdateState['state']>> = {
  InProgress: 'inProgress',
  Successful: 'successful',
  Failed: 'failed',
  Cancelled: 'cancelled',
};

/** Bounds what one update's errors can put into a record: EKS lists one per instance. */
const UPDATE_ERRORS_MAX = 5;

/** Errors follow the contract; nothing is sent at construction. */
export function eksNodeGroup(clients: AwsClients): NodeProvisioner {
  return {
    describe: async (group) => {
      const observed = await describeEksNodeGroup(clients, refOf(group));
      const { min, max, desired, status, issues, reusedIds } = observed;
      const reused = reusedIds === undefined ? {} : { reusedIds };
      const capacityShortage = await capacityShortageOf(clients, observed);
      return { min, max, desired, status, issues, capacityShortage, ...reused };
    },
    resize: (group, change) => resize(clients, group, change),
    pollUpdate: (group, updateId) => pollUpdate(clients, group, updateId),
    terminate: (group, instanceId) => terminate(clients, group, instanceId),
  };
}

async function resize(
  clients: AwsClients,
  group: NodeGroupPolicy,
  change: SizeChange,
): Promise<{ readonly updateId: string }> {
  const { min, max, desired, token } = change;
  assertSizes(change);
  const { cluster, nodeGroup } = refOf(group);
  const what = `resize node group "${cluster}/${nodeGroup}" to ${min}/${desired}/${max}`;
  const current = await describeEksNodeGroup(clients, refOf(group));
  if (change.undelivered === true) await refuseIfDelivered(clients, { what, current, desired });
  else refuseLower(what, { current: current.desired, desired });
  const command = new UpdateNodegroupConfigCommand({
    clusterName: cluster,
    nodegroupName: nodeGroup,
    scalingConfig: { minSize: min, maxSize: max, desiredSize: desired },
    clientRequestToken: token,
  });
  const call = { what, action: 'eks:UpdateNodegroupConfig' };
  const { update } = await awsCall(call, () => clients.eks.send(command));
  if (update?.id === undefined) {
    throw new ConflictError(`Cannot ${what}: expected an update, current value is an answer without one`);
  }
  return { updateId: update.id };
}

/** EKS says nothing of instances: the Auto Scaling groups behind it are asked, and must agree on what is desired. */
async function refuseIfDelivered(
  clients: AwsClients,
  of: { readonly what: string; readonly current: GroupState; readonly desired: number },
): Promise<void> {
  const { what, current, desired } = of;
  const groups = await Promise.all(current.scalingGroups.map((name) => describeAutoScalingGroup(clients, name)));
  const known = groups.reduce((sum, group) => sum + group.desired, 0);
  if (groups.length === 0 || known !== current.desired) {
    throw new ConflictError(
      `Cannot ${what}: expected Auto Scaling to want ${current.desired} instances too, current value is ${known}`,
    );
  }
  const instances = groups.reduce((sum, group) => sum + group.instanceIds.length, 0);
  refuseDelivered(what, { current: current.desired, desired, instances });
}

async function pollUpdate(clients: AwsClients, group: NodeGroupPolicy, updateId: string): Promise<UpdateState> {
  const { cluster, nodeGroup } = refOf(group);
  const call = { what: `read update ${updateId} of "${cluster}/${nodeGroup}"`, action: 'eks:DescribeUpdate' };
  const command = new DescribeUpdateCommand({ name: cluster, nodegroupName: nodeGroup, updateId });
  const { update } = await awsCall(call, () => clients.eks.send(command));
  const errors = (update?.errors ?? [])
    .slice(0, UPDATE_ERRORS_MAX)
    .map((one) => `${one.errorCode ?? 'Unknown'}: ${one.errorMessage ?? ''}`);
  return { state: UPDATE_STATES[update?.status ?? ''] ?? 'inProgress', errors };
}

function refOf({ metadata, spec }: NodeGroupPolicy): EksNodeGroupRef {
  if (spec.provider.kind === 'eksNodeGroup') return spec.provider;
  throw new ConfigError(
    `Cannot resize node group "${metadata.name}": expected provider eksNodeGroup, current value is ${spec.provider.kind}`,
  );
}

async function terminate(clients: AwsClients, group: NodeGroupPolicy, instanceId: string): Promise<void> {
  const { cluster, nodeGroup } = refOf(group);
  await terminateInstance(clients, `terminate instance ${instanceId} of "${cluster}/${nodeGroup}"`, instanceId);
}

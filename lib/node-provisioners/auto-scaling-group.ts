/** Plain Auto Scaling groups: sizes change at once, so an update has ended when its answer is there. */
import { UpdateAutoScalingGroupCommand } from '@aws-sdk/client-auto-scaling';
import { ConfigError } from '../base/errors.ts';
import { describeAutoScalingGroup } from '../clients/aws/auto-scaling-groups.ts';
import { awsCall } from '../clients/aws/errors.ts';
import { terminateInstance } from '../clients/aws/instances.ts';
import { capacityShortageOf } from '../clients/aws/node-groups.ts';
import type { AwsClients } from '../clients/aws/clients.ts';
import type { NodeGroupPolicy } from '../core/policy.ts';
import { assertSizes, refuseDelivered, refuseLower } from './sizes.ts';
import type { NodeProvisioner, SizeChange } from './contract.ts';

/** Errors follow the contract; nothing is sent at construction. The same sizes sent again change nothing, so a token is not needed. */
export function autoScalingGroup(clients: AwsClients): NodeProvisioner {
  return {
    describe: async (group) => {
      const observed = await describeAutoScalingGroup(clients, nameOf(group));
      const { min, max, desired, status, issues, reusedIds } = observed;
      const reused = reusedIds === undefined ? {} : { reusedIds };
      const capacityShortage = await capacityShortageOf(clients, observed);
      return { min, max, desired, status, issues, capacityShortage, ...reused };
    },
    resize: (group, change) => resize(clients, group, change),
    pollUpdate: () => Promise.resolve({ state: 'successful', errors: [] }),
    terminate: (group, instanceId) =>
      terminateInstance(clients, `terminate instance ${instanceId} of "${nameOf(group)}"`, instanceId),
  };
}

function nameOf({ metadata, spec }: NodeGroupPolicy): string {
  if (spec.provider.kind === 'autoScalingGroup') return spec.provider.name;
  throw new ConfigError(
    `Cannot resize node group "${metadata.name}": expected provider autoScalingGroup, current value is ${spec.provider.kind}`,
  );
}

async function resize(
  clients: AwsClients,
  group: NodeGroupPolicy,
  change: SizeChange,
): Promise<{ readonly updateId: string }> {
  const { min, max, desired, token } = change;
  assertSizes(change);
  const name = nameOf(group);
  const what = `resize Auto Scaling group "${name}" to ${min}/${desired}/${max}`;
  const current = await describeAutoScalingGroup(clients, name);
  const sizes = { current: current.desired, desired };
  if (change.undelivered === true) refuseDelivered(what, { ...sizes, instances: current.instanceIds.length });
  else refuseLower(what, sizes);
  if (current.min === min && current.max === max && current.desired === desired) return { updateId: token };
  const command = new UpdateAutoScalingGroupCommand({
    AutoScalingGroupName: name,
    MinSize: min,
    MaxSize: max,
    DesiredCapacity: desired,
  });
  await awsCall({ what, action: 'autoscaling:UpdateAutoScalingGroup' }, () => clients.autoScaling.send(command));
  return { updateId: token };
}

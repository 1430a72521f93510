/** Ends one instance of an Auto Scaling group, whoever manages the group. */
import { TerminateInstanceInAutoScalingGroupCommand } from '@aws-sdk/client-auto-scaling';
import { ConfigError, ConflictError, NotFoundError } from '../../base/errors.ts';
import { awsCall } from './errors.ts';
import type { AwsClients } from './clients.ts';

/** Ends this very instance and lowers desired by one. One that is gone is fine. Throws ConflictError at the group's minimum, DeniedError, TransientError. */
export async function terminateInstance(clients: AwsClients, what: string, instanceId: string): Promise<void> {
  const call = { what, action: 'autoscaling:TerminateInstanceInAutoScalingGroup' };
  const command = new TerminateInstanceInAutoScalingGroupCommand({
    InstanceId: instanceId,
    ShouldDecrementDesiredCapacity: true,
  });
  try {
    await awsCall(call, () => clients.autoScaling.send(command));
  } catch (error) {
    // Gone already: what was wanted.
    if (error instanceof NotFoundError) return;
    // It went back to the warm pool, and our answer got lost.
    if (error instanceof ConfigError && /warm pool/i.test(error.message)) return;
    // Somebody raised min between the caller's check and now: read again, like any lost race.
    if (error instanceof ConfigError && /min size/i.test(error.message)) {
      throw new ConflictError(error.message, { cause: error });
    }
    throw error;
  }
}

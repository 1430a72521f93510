/** Delivers one alert to one hook. */
import type { ActionJob, StepResult } from '../../action-queue/contract.ts';
import { ConfigError, messageOf } from '../../base/errors.ts';
import { opsAlertSchema } from '../../../events/schema/ops-alert.ts';
import type { OpsAlert } from '../../core/types.ts';
import { DONE } from './step.ts';
import type { ActuateDeps } from '../deps.ts';

/** One delivery; the job's id is the delivery id, the same at every attempt. Throws what the hook throws, ConfigError when the hook or the payload is unknown. */
export async function actuateAlert(
  deps: ActuateDeps,
  job: ActionJob & { readonly kind: 'alert' },
): Promise<StepResult> {
  const fields = { hook: job.hook, delivery: job.id };
  try {
    const hook = (await deps.hooks()).get(job.hook);
    if (hook === undefined) {
      throw new ConfigError(
        `Cannot deliver alert "${job.id}": expected a hook named ${job.hook}, current value is none`,
      );
    }
    const alert = alertOf(job.payload, job.id);
    await hook.deliver(alert, { deliveryId: job.id });
    deps.metrics.count('alert_deliveries_total', 1, { outcome: 'delivered' });
    deps.log.info('alert was delivered', { ...fields, key: alert.key, state: alert.state });
    return DONE;
  } catch (error) {
    deps.metrics.count('alert_deliveries_total', 1, { outcome: 'failed' });
    deps.log.warn('alert was not delivered', { ...fields, error: messageOf(error) });
    throw error;
  }
}

function alertOf(payload: string, id: string): OpsAlert {
  try {
    return opsAlertSchema.parse(JSON.parse(payload));
  } catch (error) {
    throw new ConfigError(`Cannot read alert "${id}": expected an ops-alert, current value is ${messageOf(error)}`, {
      cause: error,
    });
  }
}

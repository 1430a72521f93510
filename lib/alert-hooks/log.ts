/** Alerts as log lines. */
import type { HookFactory } from './hook-deps.ts';

/** Writes one line per message: a resolved or informational one as info, a warning as warn, a critical one as error. */
export const logHook: HookFactory<'log'> = (policy, { log }) => ({
  deliver: async (alert, { deliveryId }) => {
    const fields = { hook: policy.name, delivery: deliveryId, ...alert };
    const text = alert.state === 'resolved' ? 'alert is over' : 'alert fired';
    if (alert.state === 'resolved' || alert.severity === 'info') log.info(text, fields);
    else if (alert.severity === 'warning') log.warn(text, fields);
    else log.error(text, fields);
  },
});

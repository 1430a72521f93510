/**
 * To add an alert hook (say, Opsgenie):
 * 1. implement {@link AlertHook} in a file of its own,
 * 2. name it in `index.ts` and in the `alertHooks` schema of `lib/core/policy.ts`,
 * 3. run `test/conformance/alert-hook.ts` against it.
 */
import type { OpsAlert } from '../core/types.ts';

export type AlertHook = {
  /** Delivers one alert. Throws TransientError (429, 5xx, timeout; `retryAfterMs` when told), DeniedError (401, 403), ConfigError (refused for good, blocked address). */
  deliver(alert: OpsAlert, context: { readonly deliveryId: string }): Promise<void>;
};

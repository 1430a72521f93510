/** A hook that keeps what it was given, for tests and the simulator. */
import type { OpsAlert } from '../core/types.ts';
import type { AlertHook } from './contract.ts';

export type MemoryHook = AlertHook & {
  /** In the order of delivery; a message delivered twice is here twice. */
  readonly delivered: readonly { readonly alert: OpsAlert; readonly deliveryId: string }[];
  /** The next deliveries throw these errors, in this order. */
  failNext(...errors: readonly Error[]): void;
};

/** Makes an empty one. */
export function memoryHook(): MemoryHook {
  const delivered: { readonly alert: OpsAlert; readonly deliveryId: string }[] = [];
  const failures: Error[] = [];
  return {
    delivered,
    failNext: (...errors) => void failures.push(...errors),
    deliver: async (alert, { deliveryId }) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      delivered.push({ alert, deliveryId });
    },
  };
}

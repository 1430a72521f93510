/** Every allocation strategy by its name in the Fleet policy. */
import type { FleetPolicy } from '../policy.ts';
import type { AllocationStrategy } from './contract.ts';
import { byFairness, byLoad, byPriority, byResource } from './strategies.ts';

export const allocationStrategies = {
  resource: byResource,
  load: byLoad,
  priority: byPriority,
  fair: byFairness,
  /** Tiers and weights are what people set on purpose, and with their defaults this is fair sharing. */
  auto: byPriority,
} satisfies Record<FleetPolicy['spec']['allocation'], AllocationStrategy>;

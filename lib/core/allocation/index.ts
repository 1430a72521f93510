/** Every allocation strategy by its name in the Fleet policy. */
import type { FleetPolicy } from '../policy.ts';
import { byKind } from './auto.ts';
import type { AllocationStrategy } from './contract.ts';
import { byFairness, byLoad, byPriority, byResource } from './strategies.ts';

export const allocationStrategies = {
  resource: byResource,
  load: byLoad,
  priority: byPriority,
  fair: byFairness,
  auto: byKind,
} satisfies Record<FleetPolicy['spec']['allocation'], AllocationStrategy>;

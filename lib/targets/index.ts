/** The target kinds there are, by name. */
import type { Target } from './contract.ts';
import { kubernetesScale } from './kubernetes-scale.ts';
import { memoryTargets } from './memory.ts';

export { observeOnly } from './observe-only.ts';

export const targetKinds = {
  kubernetesScale,
  memory: memoryTargets,
} satisfies Record<string, (...args: never[]) => Target>;

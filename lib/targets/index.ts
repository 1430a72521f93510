/** The target kinds there are, by name. Those in capitals are `target.kind` of a policy; `kubernetesScale` serves every other. */
import type { Target } from './contract.ts';
import { kubernetesScale } from './kubernetes-scale.ts';
import { marathonApp } from './marathon-app.ts';
import { memoryTargets } from './memory.ts';
import { swarmService } from './swarm-service.ts';

export { observeOnly } from './observe-only.ts';

export const targetKinds = {
  kubernetesScale,
  SwarmService: swarmService,
  MarathonApp: marathonApp,
  memory: memoryTargets,
} satisfies Record<string, (...args: never[]) => Target>;

/** The actuate stage on a real API, with everything else in memory and a clock of its own: a minute's backoff takes no minute. */
import type { ActionJob } from '../../../lib/action-queue/contract.ts';
import { systemClock } from '../../../lib/base/clock.ts';
import { messageOf } from '../../../lib/base/errors.ts';
import type { KubernetesClient } from '../../../lib/clients/kubernetes/client.ts';
import type { PlannedTarget } from '../../../lib/core/types.ts';
import { actuate } from '../../../lib/loop/actuate/actuate.ts';
import type { ActuateDeps } from '../../../lib/loop/deps.ts';
import type { NodeProvisioner } from '../../../lib/node-provisioners/contract.ts';
import { kubernetesDrainer } from '../../../lib/node-provisioners/kubernetes-drainer.ts';
import { kubernetesScale } from '../../../lib/targets/kubernetes-scale.ts';
import { actuateWorld } from '../../loop/actuate/world.ts';
import type { PlanParts } from '../../loop/actuate/world.ts';

/** Real time between two steps of a job [ms]: enough for controllers to do something. */
const STEP_MS = 30;
/** Virtual time after a failed step [ms]; what a queue waits at least. */
const RETRY_MS = 2_000;

export type Actuating = ReturnType<typeof actuating>;

/** Deployment `engine` of `namespace` is workload `llama`; node group `g5` of `nodes` nodes is in memory, its drains are real. */
export function actuating(of: {
  readonly kubernetes: KubernetesClient;
  readonly namespace: string;
  readonly nodes?: number;
  /** Called before an instance ends. */
  readonly onTerminate?: (instanceId: string) => Promise<void>;
}) {
  const world = actuateWorld({ nodes: of.nodes ?? 3 });
  const target = kubernetesScale(of.kubernetes);
  const ref = { kind: 'Deployment', namespace: of.namespace, name: 'engine' } as const;
  const { provisioner } = world.nodes;
  const watched: NodeProvisioner = {
    ...provisioner,
    terminate: async (group, instanceId) => {
      await of.onTerminate?.(instanceId);
      await provisioner.terminate(group, instanceId);
    },
  };
  const deps: ActuateDeps = {
    ...world.deps,
    targets: new Map([['*', target]]),
    provisioners: new Map([['eksNodeGroup', watched]]),
    drainer: kubernetesDrainer(of.kubernetes, { clock: systemClock }),
  };

  /** A full plan from a fresh look at the Deployment. */
  const plan = async (parts: PlanParts): Promise<void> => {
    const seen = await target.read(ref);
    const planned: Partial<PlannedTarget> = {
      ref,
      replicas: parts.replicas ?? seen.replicas,
      observed: { replicas: seen.replicas, generation: seen.generation },
    };
    await world.plan({ ...parts, target: { ...planned, ...parts.target } });
  };

  /** Works the job off like the queue until it is done, or for `steps`. Returns what was thrown. */
  const work = async (job: ActionJob, { steps = 300 }: { readonly steps?: number } = {}): Promise<string[]> => {
    const errors: string[] = [];
    let attempt = 1;
    for (let step = 0; step < steps; step++) {
      try {
        const result = await actuate(deps, job, { attempt });
        if (result.done) return errors;
        attempt = 1;
        await world.clock.advance(result.againInMs);
      } catch (error) {
        errors.push(messageOf(error));
        attempt++;
        await world.clock.advance(RETRY_MS);
      }
      await systemClock.sleep(STEP_MS);
    }
    return errors;
  };
  return { world, target, ref, plan, work };
}

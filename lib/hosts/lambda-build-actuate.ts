/** Parts of the actuate function: state, policies, queue and worker, everything that changes the cluster, alert hooks. */
import type { Metrics } from '../base/metrics.ts';
import { actuate } from '../loop/actuate.ts';
import { reportDead } from '../loop/dead-jobs.ts';
import type { ActuateDeps } from '../loop/deps.ts';
import { eksNodeGroup } from '../node-provisioners/eks-node-group.ts';
import { kubernetesDrainer } from '../node-provisioners/kubernetes-drainer.ts';
import { createFilesPolicySource } from '../policy-source/files.ts';
import { kubernetesScale } from '../targets/kubernetes-scale.ts';
import type { ActuateParts } from './lambda-actuate.ts';
import { buildBase } from './lambda-parts-base.ts';
import { clusterOf } from './lambda-parts-cluster.ts';
import { actionsOf } from './lambda-parts-queue.ts';

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy or no cluster. */
export async function buildActuate(metrics: Metrics): Promise<ActuateParts> {
  const base = await buildBase(metrics);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const { kubernetes, aws } = clusterOf(base);
  const actions = actionsOf(base);
  const deps = {
    ...base,
    policies,
    topics: base.config.topics,
    queue: actions.openQueue(),
    targets: new Map([['*', kubernetesScale(kubernetes)]]),
    provisioners: new Map([['eksNodeGroup', eksNodeGroup(aws)]]),
    drainer: kubernetesDrainer(kubernetes, { clock: base.clock }),
    hooks: async () => new Map(),
  } satisfies ActuateDeps & Record<string, unknown>;
  return {
    deps,
    wake: base.wake,
    worker: actions.openWorker(),
    actuate: (job, context) => actuate(deps, job, context),
    onDead: (dead) => reportDead(deps, dead),
  };
}

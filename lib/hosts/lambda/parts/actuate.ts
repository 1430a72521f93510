/** Parts of the actuate function: state, policies, queue and worker, everything that changes the cluster, alert hooks. */
import type { Metrics } from '../../../base/metrics.ts';
import { actuate } from '../../../loop/actuate/actuate.ts';
import { reportDead } from '../../../loop/dead-jobs.ts';
import { createFilesPolicySource } from '../../../policy-source/files.ts';
import { hooksOf } from '../../hooks.ts';
import type { ActuateParts } from '../actuate.ts';
import { buildBase } from './base.ts';

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy or no cluster. */
export async function buildActuate(metrics: Metrics): Promise<ActuateParts> {
  const [base, { actuatorsOf }, { actionsOf }] = await Promise.all([
    buildBase(metrics),
    // Code is loaded while the secret and Redis are on their way.
    import('./cluster.ts'),
    import('./queue.ts'),
  ]);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const actions = actionsOf(base);
  const deps = {
    ...base,
    ...(await actuatorsOf(base)),
    policies,
    topics: base.config.topics,
    queue: actions.openQueue(),
    hooks: hooksOf({ policies, secrets: base.secrets, log: base.log }),
  };
  return {
    deps,
    wake: base.wake,
    worker: actions.openWorker(),
    actuate: (job, context) => actuate(deps, job, context),
    onDead: (dead) => reportDead(deps, dead),
  };
}

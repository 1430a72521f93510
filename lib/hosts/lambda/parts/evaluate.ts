/** Parts of the evaluate function: state, policies, queue, and a view of the cluster. */
import type { Metrics } from '../../../base/metrics.ts';
import { makeEvaluate } from '../../../loop/evaluate/evaluate.ts';
import { createFilesPolicySource } from '../../../policy-source/files.ts';
import type { EvaluateParts } from '../evaluate.ts';
import { buildBase } from './base.ts';

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy or no cluster. */
export async function buildEvaluate(metrics: Metrics): Promise<EvaluateParts> {
  const [base, { clusterViewOf }, { actionsOf }] = await Promise.all([
    buildBase(metrics),
    // Code is loaded while the secret and Redis are on their way.
    import('./cluster.ts'),
    import('./queue.ts'),
  ]);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const deps = {
    ...base,
    policies,
    topics: base.config.topics,
    queue: actionsOf(base).openQueue(),
    clusterView: await clusterViewOf(base),
  };
  return {
    deps,
    wake: base.wake,
    evaluate: makeEvaluate(deps, { shareSnapshots: true }),
    everyMs: base.config.loop.evaluateEveryMs,
  };
}

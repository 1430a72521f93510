/** Parts of the evaluate function: state, policies, queue, and a view of the cluster. */
import type { Metrics } from '../base/metrics.ts';
import { kubernetesEksView } from '../cluster-view/kubernetes-eks.ts';
import { makeEvaluate } from '../loop/evaluate.ts';
import { createFilesPolicySource } from '../policy-source/files.ts';
import type { EvaluateParts } from './lambda-evaluate.ts';
import { buildBase } from './lambda-parts-base.ts';
import { clusterOf } from './lambda-parts-cluster.ts';
import { actionsOf } from './lambda-parts-queue.ts';

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy or no cluster. */
export async function buildEvaluate(metrics: Metrics): Promise<EvaluateParts> {
  const base = await buildBase(metrics);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const { kubernetes, aws } = clusterOf(base);
  const deps = {
    ...base,
    policies,
    topics: base.config.topics,
    queue: actionsOf(base).openQueue(),
    clusterView: kubernetesEksView({ kubernetes, aws, clock: base.clock }),
  };
  return {
    deps,
    wake: base.wake,
    evaluate: makeEvaluate(deps, { shareSnapshots: true }),
    everyMs: base.config.loop.evaluateEveryMs,
  };
}

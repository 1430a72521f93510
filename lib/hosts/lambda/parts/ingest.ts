/** Parts of the ingest function: state and policies. No cluster, no queue, no Kafka client. */
import { TransientError } from '../../../base/errors.ts';
import type { Metrics } from '../../../base/metrics.ts';
import type { ClusterView } from '../../../cluster-view/contract.ts';
import { makeEvaluate } from '../../../loop/evaluate/evaluate.ts';
import { ingest } from '../../../loop/ingest/ingest.ts';
import { createFilesPolicySource } from '../../../policy-source/files.ts';
import type { IngestParts } from '../ingest.ts';
import { buildBase } from './base.ts';
import { queueBehindWake } from '../wake.ts';

/** Leading evaluations use the stored snapshot and never look themselves. */
const unseen: ClusterView = {
  observe: () => Promise.reject(new TransientError('Cannot observe the cluster: ingest only uses stored snapshots')),
  close: async () => {},
};

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy. */
export async function buildIngest(metrics: Metrics): Promise<IngestParts> {
  const base = await buildBase(metrics);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const deps = {
    ...base,
    policies,
    topics: base.config.topics,
    queue: queueBehindWake(base.wake),
    clusterView: unseen,
  };
  return {
    deps,
    wake: base.wake,
    ingest: (batches) => ingest(deps, batches),
    evaluate: makeEvaluate(deps, { shareSnapshots: true }),
  };
}

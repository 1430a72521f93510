/** Parts of the api function: state, policies, and the length of the queue. */
import type { Metrics } from '../../../base/metrics.ts';
import { createFilesPolicySource } from '../../../policy-source/files.ts';
import { makeLive } from '../../../loop/live/live.ts';
import type { ApiOptions } from '../../http/api.ts';
import { buildBase } from './base.ts';

/** The schedule ticks once a minute; two ticks without an evaluation are no accident [ms]. */
const STALE_AFTER_MS = 150_000;

/** Throws what {@link buildBase} throws, and ConfigError when there is no good policy. */
export async function buildApi(metrics: Metrics): Promise<ApiOptions> {
  const [base, { actionsOf }] = await Promise.all([buildBase(metrics), import('./queue.ts')]);
  const policies = createFilesPolicySource({ paths: base.config.policyPaths });
  await policies.current();
  const deps = { ...base, policies, queue: actionsOf(base).openQueue() };
  const live = makeLive({ deps: async () => deps, staleAfterMs: STALE_AFTER_MS });
  return { statusTokenSha256: base.config.http.statusTokenSha256, deps: async () => deps, live };
}

/** Everything that a policy says is to be measured. */
import type { Clock } from '../base/clock.ts';
import { ConfigError } from '../base/errors.ts';
import type { KubernetesClient } from '../clients/kubernetes/client.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import { brokerLag } from './broker-lag.ts';
import type { LagReading } from './broker-lag.ts';
import type { EndpointDiscovery, LoadSource } from './contract.ts';
import { kubernetesPods } from './kubernetes-pods.ts';
import { loadMapping } from './mapping-file.ts';
import { prometheusScrape } from './prometheus-scrape.ts';
import { staticEndpoints } from './static-endpoints.ts';
import type { WatchedPods } from './watched-pods.ts';

export type PolicySourcesParts = {
  readonly clock: Clock;
  /** Null: there is no cluster, only named endpoints can be scraped. */
  readonly kubernetes: KubernetesClient | null;
  /** Left out: pods are listed, for each workload. */
  readonly watched?: WatchedPods;
  readonly readLag: (of: { readonly topic: string; readonly group: string }) => Promise<LagReading>;
};

/** One source for the `bridge` block and one for each `queueDepth` signal with `kafka`; empty without any. Throws ConfigError. */
export async function policySources(policy: ScalingPolicy, parts: PolicySourcesParts): Promise<readonly LoadSource[]> {
  const { clock, readLag } = parts;
  const workload = policy.metadata.name;
  const sources: LoadSource[] = [];
  const { bridge } = policy.spec;
  if (bridge !== undefined) {
    const mapping = await loadMapping(bridge.preset);
    sources.push(prometheusScrape({ workload, mapping, clock, discovery: discoveryOf(policy, parts) }));
  }
  for (const signal of policy.spec.signals) {
    if (signal.kind !== 'queueDepth' || signal.kafka === undefined) continue;
    sources.push(brokerLag({ workload, clock, read: readLag, ...signal.kafka }));
  }
  return sources;
}

function discoveryOf(policy: ScalingPolicy, { kubernetes, clock, watched }: PolicySourcesParts): EndpointDiscovery {
  const { bridge } = policy.spec;
  if (bridge?.endpoints !== undefined) return staticEndpoints(bridge);
  const pods = watched === undefined ? {} : { watched };
  if (kubernetes !== null) return kubernetesPods({ client: kubernetes, policy, clock, ...pods });
  throw new ConfigError(
    `Cannot find the pods of "${policy.metadata.name}": expected spec.bridge.endpoints, or a cluster (PENSTOCK_KUBERNETES is none)`,
  );
}

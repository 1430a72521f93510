/** What stands in for Kubernetes where there is none. */
import { ConfigError } from '../base/errors.ts';
import type { NodeDrainer } from '../node-provisioners/contract.ts';

/** Why targets of Kubernetes and node groups are not observed. */
export const NO_CLUSTER = 'PENSTOCK_KUBERNETES is none';

/** Never reached: a plan made without a cluster frees no node. */
export const noDrainer: NodeDrainer = {
  cordon: refuse,
  uncordon: refuse,
  drainStep: refuse,
};

async function refuse(): Promise<never> {
  throw new ConfigError('Cannot drain a node: expected a cluster, current value of PENSTOCK_KUBERNETES is none');
}

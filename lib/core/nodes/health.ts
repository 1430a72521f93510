/** When too many nodes look sick, it is more likely the view that is sick: nothing is removed then. */
import type { PoolInput } from '../decide-types.ts';
import type { GroupWatch } from '../types.ts';
import { isComing } from './groups.ts';
import { startMsMaxOf } from './watch.ts';

/** Source: Cluster Autoscaler's `max-total-unready-percentage` 45 and `ok-total-unready-count` 3. */
const NOT_READY_RATIO_MAX = 0.45;
const NOT_READY_COUNT_OK = 3;

/** True when more than 45 % and more than 3 of the pool's nodes are not Ready; nodes that are still booting do not count. */
export function isDegraded(input: PoolInput, watch: ReadonlyMap<string, GroupWatch>): boolean {
  let nodes = 0;
  let notReady = 0;
  for (const { observed, policy } of input.nodeGroups) {
    if (observed.kind === 'missing') continue;
    const of = { nowMs: input.nowMs, startMsMax: startMsMaxOf(policy, watch.get(policy.metadata.name)) };
    for (const node of observed.nodes) {
      if (isComing(node, of)) continue;
      nodes++;
      if (!node.ready) notReady++;
    }
  }
  return notReady > NOT_READY_COUNT_OK && notReady > nodes * NOT_READY_RATIO_MAX;
}

/** Messages waiting: replicas that keep up with arrivals and drain the rest in time. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, inputsOf, noPodExists, readPart, sumOf } from './parts.ts';

/**
 * demand = arrivals / perReplicaPerSec + depth / (drainSec · perReplicaPerSec) [replicas]. Arrivals count where anybody reports them.
 * Source: the catch-up term of Flink's autoscaler.
 */
export const queueDepthSignal: SignalKind<'queueDepth'> = (policy, context) => {
  const depth = readPart('queueDepth', context);
  const arrivals = readPart('requestRate', context);
  // Pods that count arrivals are silent while none exists; the depth says all there is to know then.
  const silent = arrivals.neverHeard || (arrivals.value === null && noPodExists(context.target));
  const parts = silent ? [depth] : [depth, arrivals];
  const demand = sumOf(
    parts,
    (part) => 1 / (policy.perReplicaPerSec * (part.name === 'queueDepth' ? policy.drainSec : 1)),
  );
  const keepUp = arrivals.value === null ? '' : ` plus ${figure(arrivals.value)} arrivals/s`;
  return {
    kind: policy.kind,
    role: 'queue',
    isRate: false,
    demand,
    slotsPerReplica: 1,
    gap: firstGap(parts),
    outlivesPods: depth.value !== null,
    because:
      demand === null
        ? ''
        : `${depth.value === null ? 'unknown' : figure(depth.value)} messages to drain in ${figure(policy.drainSec)} s${keepUp} at ${figure(policy.perReplicaPerSec)}/s a replica`,
    inputs: inputsOf(parts),
  };
};

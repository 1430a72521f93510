/** Work waiting, in the unit its events state (tokens, GPU seconds or items): drained in time. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, readPart, sumOf } from './parts.ts';

/** demand = work / (drainSec · perReplicaPerSec) [replicas]. Source: the catch-up term of Flink's autoscaler. */
export const queueWorkSignal: SignalKind<'queueWork'> = (policy, context) => {
  const work = readPart('queueWork', context);
  const demand = sumOf([work], () => 1 / (policy.drainSec * policy.perReplicaPerSec));
  return {
    kind: policy.kind,
    role: 'queue',
    isRate: false,
    demand,
    slotsPerReplica: 1,
    gap: firstGap([work]),
    outlivesPods: work.value !== null,
    because:
      work.value === null
        ? ''
        : `${figure(work.value)} units of work to drain in ${figure(policy.drainSec)} s at ${figure(policy.perReplicaPerSec)}/s a replica`,
    inputs: [work.input],
  };
};

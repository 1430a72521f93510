/** Arrivals over what one replica serves. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, readPart, sumOf } from './parts.ts';

/** demand = arrivals per second / perReplicaPerSec [replicas]. Missing when no gateway speaks and no pod exists: unknown is not zero. */
export const requestRateSignal: SignalKind<'requestRate'> = (policy, context) => {
  const part = readPart('requestRate', context);
  const demand = sumOf([part], () => 1 / policy.perReplicaPerSec);
  return {
    kind: policy.kind,
    role: 'load',
    isRate: true,
    demand,
    slotsPerReplica: context.slotsPerReplica,
    gap: firstGap([part]),
    outlivesPods: part.outlivesPods,
    because:
      part.value === null
        ? ''
        : `${figure(part.value)} requests/s over ${figure(policy.perReplicaPerSec)} requests/s a replica`,
    inputs: [part.input],
  };
};

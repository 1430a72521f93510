/** Requests in flight and waiting over what one replica serves well at once. */
import { figure } from '../format.ts';
import type { SignalKind } from './contract.ts';
import { firstGap, inputsOf, readPart, sumOf, withoutPods } from './parts.ts';

/**
 * demand = (inFlight + queued) / perReplica [replicas]. `queued` counts once somebody reported it; from then on its silence is a gap.
 * Source: Little's law: work in the system = arrival rate × time in it.
 */
export const inFlightSignal: SignalKind<'inFlight'> = (policy, context) => {
  const [inFlight, queued] = [readPart('inFlight', context), readPart('queued', context)];
  const parts = withoutPods(queued.neverHeard ? [inFlight] : [inFlight, queued], context);
  const demand = sumOf(parts, () => 1 / policy.perReplica);
  const inside = inFlight.value === null ? 'unknown' : figure(inFlight.value);
  const waiting = queued.value === null ? '' : ` and ${figure(queued.value)} waiting`;
  return {
    kind: policy.kind,
    role: 'load',
    isRate: false,
    demand,
    slotsPerReplica: Math.max(1, policy.perReplica),
    gap: firstGap(parts),
    // The pods' own count of work ends with the pods; only a gateway's goes on.
    outlivesPods: inFlight.outlivesPods,
    because:
      demand === null ? '' : `${inside} requests in flight${waiting} over ${figure(policy.perReplica)} a replica`,
    inputs: inputsOf(parts),
  };
};

/** Every signal kind by its name in policies, and the demand of all signals of a policy. */
import type { SignalPolicy } from '../policy.ts';
import type { Readings, SignalName, TargetObservation } from '../types.ts';
import type { SignalContext, SignalDemand, SignalKind } from './contract.ts';
import { inFlightSignal } from './in-flight.ts';
import { queueDepthSignal } from './queue-depth.ts';
import { queueWorkSignal } from './queue-work.ts';
import { requestRateSignal } from './request-rate.ts';
import { tokensSignal } from './tokens.ts';
import { gpuSignal, kvCacheSignal } from './utilization.ts';

export const signalKinds = {
  inFlight: inFlightSignal,
  requestRate: requestRateSignal,
  tokens: tokensSignal,
  queueDepth: queueDepthSignal,
  queueWork: queueWorkSignal,
  kvCache: kvCacheSignal,
  gpu: gpuSignal,
} satisfies { [Kind in SignalPolicy['kind']]: SignalKind<Kind> };

/** Requests one replica serves at once when no inFlight signal says so. 4: a cautious figure for batching model servers. */
const SLOTS_PER_REPLICA_DEFAULT = 4;

/** What each signal of the policy asks for, in the policy's order. */
export function demandsOf(
  signals: readonly SignalPolicy[],
  seen: { readonly readings: Readings; readonly target: TargetObservation; readonly heard: ReadonlySet<SignalName> },
): readonly SignalDemand[] {
  const inFlight = signals.find((signal) => signal.kind === 'inFlight');
  const slotsPerReplica = Math.max(1, inFlight?.perReplica ?? SLOTS_PER_REPLICA_DEFAULT);
  const context = { readings: seen.readings, target: seen.target, heard: seen.heard, slotsPerReplica };
  const demands: SignalDemand[] = [];
  for (const signal of signals) demands.push(demandOf(signal, context));
  return demands;
}

function demandOf<Kind extends SignalPolicy['kind']>(
  signal: Extract<SignalPolicy, { kind: Kind }>,
  context: SignalContext,
): SignalDemand {
  const kinds: { readonly [K in SignalPolicy['kind']]: SignalKind<K> } = signalKinds;
  return kinds[signal.kind](signal, context);
}

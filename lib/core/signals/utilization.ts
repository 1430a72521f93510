/** Guards on utilization: they raise when pods run too full, and never argue for fewer. */
import { count, percent } from '../format.ts';
import type { SignalName } from '../types.ts';
import type { SignalContext, SignalDemand, SignalKind } from './contract.ts';
import { readPart, withoutPods } from './parts.ts';

/** demand = ready · ratio / targetRatio [replicas]; missing while the target is not observed. Source: the HPA's ratio rule. */
function utilizationDemand(
  policy: { readonly kind: 'kvCache' | 'gpu'; readonly targetRatio: number },
  { name, context }: { readonly name: SignalName; readonly context: SignalContext },
): SignalDemand {
  const [part] = withoutPods([readPart(name, context)], context);
  const ready = context.target.kind === 'observed' ? context.target.ready : null;
  const ratio = part?.value ?? null;
  return {
    kind: policy.kind,
    role: 'guard',
    isRate: false,
    demand: ratio === null || ready === null ? null : (ready * ratio) / policy.targetRatio,
    slotsPerReplica: 1,
    gap: part?.gap ?? (ready === null ? `${name} cannot be used: ready pods are not observed` : null),
    outlivesPods: false,
    because:
      ratio === null || ready === null
        ? ''
        : `${name} ${percent(ratio)} on ${count(ready, 'ready replica')}, target ${percent(policy.targetRatio)}`,
    inputs: part === undefined ? [] : [part.input],
  };
}

/** Share of the KV cache in use. */
export const kvCacheSignal: SignalKind<'kvCache'> = (policy, context) =>
  utilizationDemand(policy, { context, name: 'kvCacheRatio' });

/** Share of time the GPU was busy. */
export const gpuSignal: SignalKind<'gpu'> = (policy, context) =>
  utilizationDemand(policy, { context, name: 'gpuRatio' });

/** PATCH of HorizontalPodAutoscalers and of KEDA's ScaledObjects. */
import type { PodAutoscalerRecord, ScaledObjectRecord } from '../../../world/state/records.ts';
import { touch } from '../../../world/state/state.ts';
import { followScaledObject } from '../../../world/objects/autoscalers.ts';
import { applyPatch } from './patch.ts';
import { render } from '../render/render.ts';
import { invalid } from '../status.ts';
import { asJson, checkMetadata, isDryRun, objectAt, stringsAt } from './writes.ts';
import type { Outcome, WriteContext } from './writes.ts';

/** Annotations and spec. Bounds that cross are refused, as the real API server (HPA) and KEDA's webhook (ScaledObject) do. */
export function patchAutoscaler(
  { world, request }: WriteContext,
  record: PodAutoscalerRecord | ScaledObjectRecord,
): Outcome {
  const current = asJson(render(world.state, record));
  const patched = applyPatch(request, current);
  if ('error' in patched) return patched.error;
  const isKeda = record.kind === 'scaledobjects';
  const group = isKeda ? 'keda.sh' : 'autoscaling';
  const refusal = checkMetadata({ group, resource: record.kind }, { current, next: patched.object });
  if (refusal !== undefined) return refusal;
  const { metrics: _, ...spec } = objectAt(patched.object, 'spec');
  const [min, max] = isKeda ? ['minReplicaCount', 'maxReplicaCount'] : ['minReplicas', 'maxReplicas'];
  if (Number(spec[min] ?? 1) > Number(spec[max] ?? 100)) {
    const kind = { name: isKeda ? 'ScaledObject' : 'HorizontalPodAutoscaler', group };
    const message = `Invalid value: ${String(spec[max])}: must be greater than or equal to \`${min}\``;
    return invalid(kind, record.name, { reason: 'FieldValueInvalid', message, field: `spec.${max}` });
  }
  if (isDryRun(request)) return undefined;
  record.annotations = stringsAt(objectAt(patched.object, 'metadata'), 'annotations');
  record.spec = spec;
  touch(world.state, record);
  if (isKeda) followScaledObject(world.state, record);
  return undefined;
}

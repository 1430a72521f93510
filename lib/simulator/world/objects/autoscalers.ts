/** The autoscalers of others: HorizontalPodAutoscalers, which do nothing here but exist, and KEDA's ScaledObjects. */
import type { PodAutoscalerSettings, ScaledObjectSettings } from '../settings.ts';
import type { PodAutoscalerRecord, ScaledObjectRecord } from '../state/records.ts';
import { keyOf, touch } from '../state/state.ts';
import type { WorldState } from '../state/state.ts';
import { identity } from './identity.ts';

/** KEDA's own default. */
const KEDA_MAX_REPLICAS = 100;

/** Adds a HorizontalPodAutoscaler, which does nothing here but exist. */
export function addPodAutoscaler(state: WorldState, settings: PodAutoscalerSettings): PodAutoscalerRecord {
  const autoscaler: PodAutoscalerRecord = {
    kind: 'horizontalpodautoscalers',
    ...identity(state, settings),
    annotations: {},
    spec: {
      scaleTargetRef: targetOf(state, settings),
      minReplicas: settings.minReplicas ?? 1,
      maxReplicas: settings.maxReplicas,
      ...(settings.behavior === undefined ? {} : { behavior: settings.behavior }),
    },
    owner: undefined,
  };
  state.podAutoscalers.set(keyOf(autoscaler), autoscaler);
  touch(state, autoscaler, 'ADDED');
  return autoscaler;
}

/** Adds a ScaledObject of KEDA, and the HorizontalPodAutoscaler it makes. */
export function addScaledObject(state: WorldState, settings: ScaledObjectSettings): ScaledObjectRecord {
  const { minReplicaCount, maxReplicaCount } = settings;
  const scaled: ScaledObjectRecord = {
    kind: 'scaledobjects',
    ...identity(state, settings),
    annotations: settings.annotations ?? {},
    spec: {
      scaleTargetRef: targetOf(state, settings),
      ...(minReplicaCount === undefined ? {} : { minReplicaCount }),
      ...(maxReplicaCount === undefined ? {} : { maxReplicaCount }),
      triggers: [{ type: 'cron' }],
    },
  };
  state.scaledObjects.set(keyOf(scaled), scaled);
  touch(state, scaled, 'ADDED');
  followScaledObject(state, scaled);
  return scaled;
}

/** What KEDA's operator does after a change: makes, changes or deletes its HorizontalPodAutoscaler. The count of the target is left alone. */
export function followScaledObject(state: WorldState, scaled: ScaledObjectRecord): void {
  const name = `keda-hpa-${scaled.name}`;
  const key = keyOf({ namespace: scaled.namespace, name });
  const before = state.podAutoscalers.get(key);
  const isPaused =
    scaled.annotations['autoscaling.keda.sh/paused'] === 'true' ||
    scaled.annotations['autoscaling.keda.sh/paused-replicas'] !== undefined;
  if (isPaused) {
    state.podAutoscalers.delete(key);
    if (before !== undefined) touch(state, before, 'DELETED');
    return;
  }
  const { scaleTargetRef, minReplicaCount, maxReplicaCount } = scaled.spec;
  const autoscaler: PodAutoscalerRecord = before ?? {
    kind: 'horizontalpodautoscalers',
    ...identity(state, { name, namespace: scaled.namespace }),
    annotations: {},
    spec: {},
    owner: scaled,
  };
  // An HPA has at least 1; from 0 to 1 is KEDA's own business.
  const minReplicas = Math.max(1, Number(minReplicaCount ?? 0));
  autoscaler.spec = { scaleTargetRef, minReplicas, maxReplicas: Number(maxReplicaCount ?? KEDA_MAX_REPLICAS) };
  state.podAutoscalers.set(key, autoscaler);
  touch(state, autoscaler, before === undefined ? 'ADDED' : 'MODIFIED');
}

function targetOf(state: WorldState, of: { readonly deployment: string; readonly namespace?: string }) {
  const target = state.deployments.get(keyOf({ namespace: of.namespace ?? 'default', name: of.deployment }));
  return target?.servedAs === 'rollouts'
    ? { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: of.deployment }
    : { apiVersion: 'apps/v1', kind: 'Deployment', name: of.deployment };
}

/** The ScalingPolicy that a replay runs. */
import type { Ground } from './ground.ts';

export type PolicyDocument = Record<string, unknown> & {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
};

const NAME = 'replay';

/** What a replay decides itself, or has no counterpart in it: nodes are part of the plant's lead time, and nobody is told of alerts. */
const NOT_REPLAYED = new Set(['target', 'mode', 'nodeGroups', 'alerts', 'bridge', 'gpusPerReplica']);

/** A policy as a user would write it who has measured one replica, with what `spec` says in its place. Limits are the replay's: the same for everybody. */
export function replayPolicy(ground: Ground, spec: Readonly<Record<string, unknown>> | null): PolicyDocument {
  const { capacity, options, replicas } = ground;
  const plain = {
    signals: [{ kind: 'requestRate', perReplicaPerSec: capacity.requestsPerSec }],
    leadTimeSec: Math.max(1, options.leadTimeSec),
    slo: { waitSec: options.sloWaitSec, ratio: 0.999 },
  };
  const replayed = Object.fromEntries(Object.entries(spec ?? {}).filter(([key]) => !NOT_REPLAYED.has(key)));
  // What else the policy says of its replicas, such as steps, stays.
  const counts = Object.assign({}, spec?.['replicas'], replicas);
  return {
    apiVersion: 'penstock.dev/v1',
    kind: 'ScalingPolicy',
    metadata: { name: NAME },
    spec: { ...plain, ...replayed, mode: 'act', target: { name: NAME }, replicas: counts, nodeGroups: [], alerts: [] },
  };
}

/** Each setting as text. */
export function policySettings(policy: PolicyDocument): Record<string, string> {
  return Object.fromEntries(Object.entries(policy.spec).map(([key, value]) => [key, JSON.stringify(value)]));
}

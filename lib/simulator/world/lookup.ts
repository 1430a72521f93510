/** Finds things of the world by name. */
import { NotFoundError } from '../../base/errors.ts';
import type { DeploymentRecord, NodeGroupRecord, NodeRecord, PodRecord } from './state/records.ts';
import type { WorldState } from './state/state.ts';

/** Names a Deployment or a pod; the namespace defaults to `default`. */
export type Ref = string | { readonly namespace?: string; readonly name: string };

/** The Deployment; throws {@link NotFoundError}. */
export function findDeployment(state: WorldState, ref: Ref): DeploymentRecord {
  return found(state.deployments.get(keyOfRef(ref)), { kind: 'deployment', name: keyOfRef(ref) });
}

/** The node group; throws {@link NotFoundError}. */
export function findGroup(state: WorldState, name: string): NodeGroupRecord {
  return found(state.groups.get(name), { kind: 'node group', name });
}

/** The key of a reference: `namespace/name`. */
export function keyOfRef(ref: Ref): string {
  return typeof ref === 'string' ? `default/${ref}` : `${ref.namespace ?? 'default'}/${ref.name}`;
}

function found<T>(thing: T | undefined, wanted: { kind: string; name: string }): T {
  if (thing !== undefined) return thing;
  throw new NotFoundError(
    `Cannot find ${wanted.kind} "${wanted.name}": expected a name of the world, current value is absent`,
  );
}

/** The pod; throws {@link NotFoundError}. */
export function findPod(state: WorldState, ref: Ref): PodRecord {
  return found(state.pods.get(keyOfRef(ref)), { kind: 'pod', name: keyOfRef(ref) });
}

/** The node; throws {@link NotFoundError}. */
export function findNode(state: WorldState, name: string): NodeRecord {
  return found(state.nodes.get(name), { kind: 'node', name });
}

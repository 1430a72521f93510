/** Docker Swarm services, resized through the Engine API of a manager. */
import { ConflictError, NotFoundError } from '../base/errors.ts';
import type { DockerEngine } from '../clients/docker-engine.ts';
import { readService, resizeService } from '../clients/docker-engine-services.ts';
import type { SwarmService } from '../clients/docker-engine-services.ts';
import { swarmServiceName } from '../core/target-names.ts';
import type { Target, TargetState } from './contract.ts';
import { checkedCount } from './count.ts';

/**
 * An update carries the whole spec and the version index it was read with: Swarm refuses it when anything wrote the service since. The count is in
 * `Spec.Mode.Replicated.Replicas`; global services and jobs have none (ConfigError). Swarm chooses itself which tasks go first.
 */
export function swarmService(engine: DockerEngine): Target {
  // The spec that belongs to a state, so that a scale after a read is not read again.
  const services = new WeakMap<TargetState, SwarmService>();
  const read = async (name: string, what: string): Promise<TargetState> => {
    const service = await readService(engine, name, what);
    const state = stateOf(service);
    services.set(state, service);
    return state;
  };
  return {
    read: (ref) => read(swarmServiceName(ref), `read SwarmService "${swarmServiceName(ref)}"`),
    scale: async (ref, { replicas, expected }) => {
      const name = swarmServiceName(ref);
      const what = `scale SwarmService "${name}" to ${replicas}`;
      checkedCount(replicas, what);
      const service = services.get(expected) ?? (await readService(engine, name, what));
      unchanged(service, expected, what);
      if (service.replicas === replicas) return expected;
      try {
        await resizeService(engine, service, { replicas, what });
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
        // Gone, or made anew under another id: which of the two, the name tells.
        await readService(engine, name, what);
        throw new ConflictError(error.message, { cause: error });
      }
      // A manager stores the spec in its own form: only a read tells what will be read from now on.
      return read(name, what);
    },
  };
}

function stateOf({ replicas, generation, index, id }: SwarmService): TargetState {
  return { replicas, generation, resourceVersion: index, uid: id };
}

function unchanged({ index, id }: SwarmService, expected: TargetState, what: string): void {
  if (index === expected.resourceVersion && id === expected.uid) return;
  throw new ConflictError(`Cannot ${what}: expected version ${expected.resourceVersion}, current value is ${index}`);
}

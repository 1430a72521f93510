/** Targets in memory, with the rules of Kubernetes: generation counts changes of the spec, every write gets a new resourceVersion. */
import { ConfigError, ConflictError, NotFoundError } from '../base/errors.ts';
import type { TargetRef } from '../core/types.ts';
import type { Target, TargetState } from './contract.ts';

export type MemoryTargets = Target & {
  /** Creates the object, or writes it as somebody else would (`kubectl scale`). */
  put(ref: TargetRef, replicas: number): void;
  /** A write that leaves the spec alone: a status update or a label. */
  touch(ref: TargetRef): void;
  /** A change of the spec that leaves the count alone: a new image. */
  rollout(ref: TargetRef): void;
  remove(ref: TargetRef): void;
  /** The next `times` calls of this method throw `error` (before anything is done; after it when `applied`). */
  failNext(
    method: 'read' | 'scale',
    fault: { readonly error: Error; readonly times?: number; readonly applied?: boolean },
  ): void;
  /** Every accepted change of a count by `scale`, oldest first. */
  readonly writes: readonly { readonly ref: TargetRef; readonly replicas: number; readonly planSeq: number }[];
  /** Names of the pods asked to go first and not released since. */
  victims(ref: TargetRef): readonly string[];
};

function keyOf(ref: TargetRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

type Fault = { method: 'read' | 'scale'; error: Error; left: number; applied: boolean };

/** An empty orchestrator; {@link MemoryTargets} has the handles that tests and the simulator need. */
export function memoryTargets(): MemoryTargets {
  const objects = new Map<string, TargetState>();
  const victims = new Map<string, Set<string>>();
  const writes: { ref: TargetRef; replicas: number; planSeq: number }[] = [];
  const faults: Fault[] = [];
  let version = 0;

  const found = (ref: TargetRef, act: string): TargetState => {
    const state = objects.get(keyOf(ref));
    if (state !== undefined) return state;
    throw new NotFoundError(`Cannot ${act} "${keyOf(ref)}": expected an existing object, current value is none`);
  };
  const write = (ref: TargetRef, change: { readonly replicas?: number; readonly spec: boolean }): TargetState => {
    const old = objects.get(keyOf(ref));
    const state = {
      replicas: change.replicas ?? old?.replicas ?? 1,
      generation: (old?.generation ?? 0) + (change.spec ? 1 : 0),
      resourceVersion: String(++version),
      uid: old?.uid ?? `uid-${version}`,
    };
    objects.set(keyOf(ref), state);
    return state;
  };
  const fault = (method: Fault['method'], applied: boolean): void => {
    const index = faults.findIndex((one) => one.method === method && one.applied === applied);
    const due = faults[index];
    if (due === undefined) return;
    due.left--;
    if (due.left === 0) faults.splice(index, 1);
    throw due.error;
  };

  return {
    writes,
    read: async (ref) => {
      fault('read', false);
      return found(ref, 'read');
    },
    scale: async (ref, change) => {
      fault('scale', false);
      const state = found(ref, 'scale');
      if (!Number.isSafeInteger(change.replicas) || change.replicas < 0) {
        throw new ConfigError(
          `Cannot scale "${keyOf(ref)}": expected a count of 0 or more, current value is ${change.replicas}`,
        );
      }
      if (state.resourceVersion !== change.expected.resourceVersion || state.uid !== change.expected.uid) {
        throw new ConflictError(
          `Cannot scale "${keyOf(ref)}": expected resourceVersion ${change.expected.resourceVersion}, current value is ${state.resourceVersion}`,
        );
      }
      if (state.replicas === change.replicas) return state;
      writes.push({ ref, replicas: change.replicas, planSeq: change.planSeq });
      const written = write(ref, { replicas: change.replicas, spec: true });
      fault('scale', true);
      return written;
    },
    preferVictims: (ref, pods) => {
      const marked = victims.get(keyOf(ref)) ?? new Set<string>();
      for (const name of pods.first) marked.add(name);
      for (const name of pods.release) marked.delete(name);
      victims.set(keyOf(ref), marked);
      return Promise.resolve();
    },
    victims: (ref) => [...(victims.get(keyOf(ref)) ?? [])],
    put: (ref, replicas) => {
      write(ref, { replicas, spec: objects.get(keyOf(ref))?.replicas !== replicas });
    },
    touch: (ref) => {
      write(ref, { spec: false });
    },
    rollout: (ref) => {
      write(ref, { spec: true });
    },
    remove: (ref) => {
      objects.delete(keyOf(ref));
    },
    failNext: (method, { error, times = 1, applied = false }) => {
      faults.push({ method, error, left: times, applied });
    },
  };
}

import { targetConformance } from '../conformance/target.ts';
import { memoryTargets } from '../../lib/targets/memory.ts';

targetConformance('memory', async () => {
  const target = memoryTargets();
  const ref = { kind: 'Deployment', namespace: 'default', name: 'llama' };
  target.put(ref, 3);
  return {
    target,
    ref,
    put: async (replicas) => target.put(ref, replicas),
    touch: async () => target.touch(ref),
    remove: async () => target.remove(ref),
    close: async () => {},
  };
});

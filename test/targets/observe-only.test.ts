import { expect, test } from '@jest/globals';
import { memoryTargets } from '../../lib/targets/memory.ts';
import { observeOnly } from '../../lib/targets/index.ts';

test('observeOnly reads, tells what it would have written, and writes nothing', async () => {
  const ref = { kind: 'Deployment', namespace: 'default', name: 'llama' };
  const target = memoryTargets();
  target.put(ref, 3);
  const told: unknown[] = [];
  const dry = observeOnly(target, (_, change) => told.push(change));
  const expected = await dry.read(ref);
  expect(await dry.scale(ref, { replicas: 9, expected, planSeq: 1 })).toEqual(expected);
  expect(told).toEqual([{ from: 3, to: 9 }]);
  expect(target.writes).toEqual([]);
  expect('preferVictims' in dry).toBe(false);
});

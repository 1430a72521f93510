import { expect, test } from '@jest/globals';
import { lowersAnything } from '../../lib/core/lowers-anything.ts';
import type { Plan, PlannedNodeGroup, PlannedTarget } from '../../lib/core/types.ts';

const target = (over: Partial<PlannedTarget>): PlannedTarget => ({
  workload: 'llama',
  ref: { kind: 'Deployment', namespace: 'default', name: 'llama' },
  mode: 'act',
  replicas: 4,
  observed: { replicas: 4, generation: 1 },
  bounds: { min: 1, max: 10 },
  decision: 'd_1',
  ...over,
});
const group = (over: Partial<PlannedNodeGroup>): PlannedNodeGroup => ({
  name: 'g5',
  mode: 'act',
  ownership: 'own',
  nodes: 4,
  observed: { desired: 4, min: 0, max: 10, placeholders: 2 },
  bounds: { min: 0, max: 10 },
  victims: [],
  decision: 'd_1',
  ...over,
});
const lowers = (of: Pick<Partial<Plan>, 'targets' | 'nodeGroups'>): boolean =>
  lowersAnything({ pool: 'default', seq: 1, atMs: 0, kind: 'full', targets: {}, nodeGroups: {}, ...of });

test.each<readonly [string, Partial<PlannedTarget>, boolean]>([
  ['fewer replicas', { replicas: 3 }, true],
  ['the same replicas', {}, false],
  ['more replicas', { replicas: 5 }, false],
  ['fewer replicas of a workload that is only observed', { replicas: 3, mode: 'observe' }, false],
  ['a target that was not seen', { replicas: 0, observed: null }, false],
])('%s: lowersAnything tells', (_, over, expected) => {
  expect(lowers({ targets: { a: target({}), b: target(over) } })).toBe(expected);
});

const victims = [{ nodeName: 'a', instanceId: 'i-a' }];

test.each<readonly [string, Partial<PlannedNodeGroup>, boolean]>([
  ['nodes to free', { victims }, true],
  ['instances to end', { ghosts: ['i-b'] }, true],
  ['nodes that were never delivered', { undelivered: 1 }, true],
  ['too many nodes, of which none is free to go', { nodes: 3, ghosts: [] }, false],
  ['nodes to free of a group that is only observed', { victims, mode: 'observe' }, false],
  ['a group that was not seen', { victims, observed: null }, false],
  ['a lower floor', { ownership: 'floor', nodes: 1, observed: { desired: 4, min: 2, max: 10 } }, true],
  ['the same floor', { ownership: 'floor', nodes: 2, observed: { desired: 4, min: 2, max: 10 } }, false],
  ['fewer placeholder pods', { ownership: 'buffer', placeholders: 1 }, true],
  ['no placeholder pods any more', { ownership: 'buffer' }, true],
  ['more placeholder pods', { ownership: 'buffer', placeholders: 3 }, false],
])('%s: lowersAnything tells', (_, over, expected) => {
  expect(lowers({ nodeGroups: { a: group({}), b: group(over) } })).toBe(expected);
});

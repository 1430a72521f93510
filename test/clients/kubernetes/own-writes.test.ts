import { describe, expect, test } from '@jest/globals';
import { isNewer, ownWrites } from '../../../lib/clients/kubernetes/own-writes.ts';

const server = 'https://cluster.example/k8s/clusters/one';
const path = '/apis/apps/v1/deployments';
const made = (resourceVersion: string) => ({ metadata: { resourceVersion } });

describe('ownWrites', () => {
  test('remembers the newest version of a kind and namespace, of the object and of its scale', () => {
    const writes = ownWrites();
    const url = `${server}/apis/apps/v1/namespaces/inference/deployments/llama`;
    writes.note({ method: 'PATCH', url: `${url}/scale` }, made('12'));
    writes.note({ method: 'PATCH', url }, made('9'));
    expect(writes.newest({ path, namespace: 'inference' })).toBe('12');
    expect(writes.newest({ path, namespace: 'other' })).toBeUndefined();
    expect(writes.newest({ path, namespace: null })).toBe('12');
    expect(writes.newest({ path: '/apis/apps/v1/statefulsets', namespace: null })).toBeUndefined();
  });

  test('knows kinds without a namespace, and passes over reads and answers without a version', () => {
    const writes = ownWrites();
    writes.note({ method: 'GET', url: `${server}/api/v1/nodes/one` }, made('7'));
    writes.note({ method: 'POST', url: `${server}/api/v1/namespaces/inference/pods/one/eviction` }, { kind: 'Status' });
    expect(writes.newest({ path: '/api/v1/nodes', namespace: null })).toBeUndefined();
    expect(writes.newest({ path: '/api/v1/pods', namespace: null })).toBeUndefined();
    writes.note({ method: 'PATCH', url: `${server}/api/v1/nodes/one` }, made('8'));
    expect(writes.newest({ path: '/api/v1/nodes', namespace: null })).toBe('8');
  });
});

test.each([
  ['10', '9', true],
  ['9', '10', false],
  ['10', '10', false],
  ['90071992547409930', '90071992547409929', true],
  ['1', undefined, true],
  ['a1', '1', false],
  ['2', 'a1', false],
] as const)(
  'isNewer(%s, %s) is %s: versions are integers of any length, of others nothing is known',
  (a, b, expected) => {
    expect(isNewer(a, b)).toBe(expected);
  },
);

/** The example policies are what people copy: they load clean, and observe only. */
import { expect, test } from '@jest/globals';
import { loadPolicyFiles } from '../../lib/policy-source/files.ts';

test('the example policies load without a problem, and write nothing until asked to', async () => {
  const { policies, problems } = await loadPolicyFiles(['infra/policies']);
  expect(problems).toEqual([]);
  expect([...(policies?.workloads.keys() ?? [])]).toEqual(['image-batch', 'llama-8b-chat']);
  expect([...(policies?.nodeGroups.keys() ?? [])]).toEqual(['g5-karpenter', 'g5-od', 'g5-spot', 'g6-od']);
  const all = [...(policies?.workloads.values() ?? []), ...(policies?.nodeGroups.values() ?? [])];
  expect(all.map((policy) => policy.spec.mode)).toEqual(all.map(() => 'observe'));
});

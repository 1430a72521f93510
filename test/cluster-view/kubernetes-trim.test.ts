import { expect, test } from '@jest/globals';
import { nodeTrim, podTrim } from '../../lib/cluster-view/kubernetes-trim.ts';

const object = (labels: Readonly<Record<string, string>>) => ({
  metadata: { name: 'one', labels: { ...labels } },
  spec: {},
  status: {},
});

test('podTrim keeps the labels of a template once', () => {
  const keep = podTrim();
  expect(keep(object({ app: 'llama' })).metadata?.labels).toBe(keep(object({ app: 'llama' })).metadata?.labels);
});

test('podTrim forgets what it has seen for sharing after 20,000 different ones: Jobs label every pod differently', () => {
  const keep = podTrim();
  const first = keep(object({ job: 'first' })).metadata?.labels;
  for (let job = 0; job < 20_001; job++) keep(object({ job: String(job) }));
  const again = keep(object({ job: 'first' })).metadata?.labels;
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
});

test('nodeTrim remembers no labels: every node has its own', () => {
  const keep = nodeTrim();
  const [one, other] = [keep(object({ host: 'a' })), keep(object({ host: 'a' }))];
  expect(one.metadata?.labels).toEqual({ host: 'a' });
  expect(one.metadata?.labels).not.toBe(other.metadata?.labels);
});

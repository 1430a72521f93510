import { expect, test } from '@jest/globals';
import { silentLogger } from '../../lib/base/log.ts';
import { memoryMetrics } from '../../lib/base/metrics.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import { reportDead } from '../../lib/loop/dead-jobs.ts';
import { memoryStateStores } from '../../lib/state/memory.ts';

function world() {
  const wakes: string[] = [];
  const note = (stage: string) => async (): Promise<void> => void wakes.push(stage);
  const wake = { evaluate: note('evaluate'), actuate: note('actuate'), notify: note('notify') };
  const state = memoryStateStores();
  return { wakes, state, deps: { log: silentLogger, metrics: memoryMetrics(), state, topics: DEFAULT_TOPICS, wake } };
}

test('an alert that could not be delivered goes to the dead-letter topic with the reason', async () => {
  const { wakes, state, deps } = world();
  const job = { kind: 'alert', pool: '', id: 'a_1', hook: 'slack', payload: '{"key":"unmet-demand/llama"}' } as const;
  await reportDead(deps, { job, attempts: 10, error: 'HTTP 500' });
  const [letter] = await state.outbox.peek(10);
  expect(letter?.message).toEqual({
    topic: 'penstock.dead-letter',
    key: 'a_1',
    value: '{"key":"unmet-demand/llama"}',
    headers: { reason: 'alert hook slack: HTTP 500', attempts: '10' },
  });
  expect(wakes).toEqual(['notify']);
});

test('a resize that was given up needs no letter: its record and the next plan are there', async () => {
  const { wakes, state, deps } = world();
  await reportDead(deps, { job: { kind: 'target', pool: 'default', id: 'llama' }, attempts: 8, error: 'HTTP 500' });
  expect(await state.outbox.size()).toBe(0);
  expect(wakes).toEqual([]);
});

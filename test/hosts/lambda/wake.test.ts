import { describe, expect, test } from '@jest/globals';
import { VirtualClock, systemClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import { oncePerContainer, withinMs } from '../../../lib/hosts/lambda/lambda.ts';
import { WAKE_ITEMS_MAX, collectingWake, queueBehindWake, wokenWorkloads } from '../../../lib/hosts/lambda/wake.ts';
import type { WakeEvent } from '../../../lib/hosts/lambda/wake.ts';

const TARGETS = { evaluate: 'penstock-dev-evaluate', actuate: 'penstock-dev-actuate', notify: null };

function setUp(invoke?: () => Promise<void>) {
  const metrics = memoryMetrics();
  const sent: [string, WakeEvent][] = [];
  const wake = collectingWake(
    async (name, payload) => {
      sent.push([name, payload]);
      await invoke?.();
    },
    { targets: TARGETS, log: silentLogger, metrics },
  );
  return { wake, sent, metrics };
}

describe('collectingWake', () => {
  test('sends each function one wake with everything that was asked for', async () => {
    const { wake, sent } = setUp();
    await wake.evaluate(['llama']);
    await wake.evaluate(['mistral', 'llama']);
    await wake.actuate();
    wake.actuateJobs([{ kind: 'target', pool: 'default', id: 'llama' }]);
    wake.actuateJobs([{ kind: 'target', pool: 'default', id: 'llama' }]);
    expect(sent).toEqual([]);
    await wake.flush();
    expect(sent).toEqual([
      ['penstock-dev-evaluate', { penstock: 'wake', workloads: ['llama', 'mistral'] }],
      ['penstock-dev-actuate', { penstock: 'wake', jobs: [{ kind: 'target', pool: 'default', id: 'llama' }] }],
    ]);
  });

  test('sends nothing twice, and nothing to a stage without a function', async () => {
    const { wake, sent } = setUp();
    await wake.notify();
    await wake.flush();
    await wake.actuate();
    await wake.flush();
    await wake.flush();
    expect(sent).toEqual([['penstock-dev-actuate', { penstock: 'wake' }]]);
  });

  test('a wake that is refused is counted, never thrown', async () => {
    const { wake, metrics } = setUp(() => Promise.reject(new Error('AccessDenied')));
    await wake.actuate();
    await wake.flush();
    expect(metrics.counter('wake_failed_total', { stage: 'actuate' })).toBe(1);
  });

  test('leaves the names out when they are too many for one payload', async () => {
    const { wake, sent } = setUp();
    await wake.evaluate(Array.from({ length: WAKE_ITEMS_MAX + 1 }, (_, index) => `w-${index}`));
    await wake.flush();
    expect(sent).toEqual([['penstock-dev-evaluate', { penstock: 'wake' }]]);
  });

  test('the longest list of names fits into an asynchronous invocation', async () => {
    const { wake, sent } = setUp();
    await wake.evaluate(Array.from({ length: WAKE_ITEMS_MAX }, (_, index) => String(index).padStart(253, 'w')));
    await wake.flush();
    expect(Buffer.byteLength(JSON.stringify(sent[0]?.[1]))).toBeLessThan(256_000);
    expect(wokenWorkloads(sent[0]?.[1])).toHaveLength(WAKE_ITEMS_MAX);
  });

  test('the queue of ingest sends its jobs with the wake', async () => {
    const { wake, sent } = setUp();
    const queue = queueBehindWake(wake);
    await queue.wake([{ kind: 'nodeGroup', pool: 'default', id: 'g5' }]);
    await wake.flush();
    expect(sent[0]?.[1].jobs).toEqual([{ kind: 'nodeGroup', pool: 'default', id: 'g5' }]);
    expect(await queue.depth()).toBe(0);
  });
});

describe('oncePerContainer', () => {
  test('builds once for all callers', async () => {
    let builds = 0;
    const once = oncePerContainer(async () => ++builds);
    expect(await Promise.all([once(), once(), once()])).toEqual([1, 1, 1]);
    expect(await once()).toBe(1);
  });

  test('builds again after a failure', async () => {
    let builds = 0;
    const once = oncePerContainer(async () => {
      builds++;
      if (builds === 1) throw new Error('Cannot read the secret');
      return builds;
    });
    await expect(once()).rejects.toThrow('Cannot read the secret');
    expect(await once()).toBe(2);
  });
});

describe('withinMs', () => {
  test('gives the result of work that ends in time', async () => {
    expect(await withinMs(Promise.resolve(7), { clock: systemClock, ms: 1_000 })).toEqual({ kind: 'done', value: 7 });
  });

  test('gives up on work that takes longer, and its later failure ends nothing', async () => {
    const clock = new VirtualClock();
    const work = clock.sleep(200).then(() => Promise.reject(new Error('late')));
    const waiting = withinMs(work, { clock, ms: 100 });
    await clock.advance(300);
    expect(await waiting).toEqual({ kind: 'late' });
  });
});

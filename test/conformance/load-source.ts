/** What every load source must do. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { problemOf } from '../../events/validate.ts';
import type { LoadSource } from '../../lib/load-sources/contract.ts';

export type LoadSourceHarness = {
  readonly source: LoadSource;
  readonly workload: string;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** What is measured no longer answers; `recover` ends that. */
  fail(): void;
  recover(): void;
  close(): Promise<void>;
};

/** Registers the suite for one implementation that measures one thing. */
export function loadSourceConformance(name: string, start: () => Promise<LoadSourceHarness>): void {
  describe(`${name} is a load source`, () => {
    let harness: LoadSourceHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const collectAfter = async (ms: number) => {
      await harness.pass(ms);
      return harness.source.collect();
    };

    test('events are valid and of its workload', async () => {
      await harness.source.collect();
      const { events, failures } = await collectAfter(2_000);
      expect(failures).toEqual([]);
      expect(events).toHaveLength(1);
      expect(events.map(problemOf)).toEqual([null]);
      expect(events[0]).toMatchObject({ workload: harness.workload });
    });

    test('intervals of a source follow each other without a gap and without an overlap', async () => {
      await harness.source.collect();
      const [first] = (await collectAfter(2_000)).events;
      const [second] = (await collectAfter(3_000)).events;
      expect(second?.source).toBe(first?.source);
      expect(second?.intervalStartMs).toBe(first?.intervalEndMs);
      expect(Number(second?.intervalEndMs) - Number(second?.intervalStartMs)).toBe(3_000);
    });

    test('what cannot be measured is a named failure with its reason and no event', async () => {
      await harness.source.collect();
      harness.fail();
      const { events, failures } = await collectAfter(2_000);
      expect(events).toEqual([]);
      expect(failures).toEqual([{ source: expect.stringMatching(/./), reason: expect.stringMatching(/./) }]);
    });

    test('after a short failure the next event covers the time since the last good measurement', async () => {
      await harness.source.collect();
      const [before] = (await collectAfter(2_000)).events;
      harness.fail();
      await collectAfter(2_000);
      harness.recover();
      const { events, failures } = await collectAfter(2_000);
      expect(failures).toEqual([]);
      expect(events).toMatchObject([{ source: before?.source, intervalStartMs: before?.intervalEndMs }]);
    });

    test('nothing is measured after close, which may be called twice', async () => {
      await harness.source.collect();
      await harness.source.close();
      await harness.source.close();
      expect(await collectAfter(2_000)).toEqual({ events: [], failures: [] });
    });
  });
}

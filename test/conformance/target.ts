/** What every target kind must do. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ConfigError, ConflictError, NotFoundError } from '../../lib/base/errors.ts';
import type { TargetRef } from '../../lib/core/types.ts';
import type { Target, TargetState } from '../../lib/targets/contract.ts';

/** Far more than any controller writes about one change. */
const READS_MAX = 50;

export type TargetHarness = {
  readonly target: Target;
  /** Names an object with 3 replicas. */
  readonly ref: TargetRef;
  /** Writes the count as somebody else. */
  put(replicas: number): Promise<void>;
  /** A write that leaves the spec alone; left out where there is no such write (with the reason, see {@link targetConformance}). */
  touch?(): Promise<void>;
  remove(): Promise<void>;
  close(): Promise<void>;
};

/** Registers the suite for one implementation. `noTouch`: why nothing can write the object without changing its spec. */
export function targetConformance(
  name: string,
  start: () => Promise<TargetHarness>,
  options: { readonly noTouch?: string } = {},
): void {
  describe(`${name} is a target`, () => {
    let harness: TargetHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const scaleTo = async (replicas: number) => {
      const expected = await harness.target.read(harness.ref);
      return harness.target.scale(harness.ref, { replicas, expected, planSeq: 1 });
    };

    test('read tells count, generation, version and identity', async () => {
      const state = await harness.target.read(harness.ref);
      expect(state).toMatchObject({ replicas: 3, generation: expect.any(Number) });
      expect(state.resourceVersion).not.toBe('');
      expect(state.uid).not.toBe('');
    });

    test('scale sets the count, and its answer is what a read then tells', async () => {
      const scaled = await scaleTo(7);
      expect(scaled.replicas).toBe(7);
      expect(await harness.target.read(harness.ref)).toMatchObject({
        replicas: 7,
        generation: scaled.generation,
        uid: scaled.uid,
      });
    });

    test('scale changes the generation, and leaves it when the count is there already', async () => {
      const before = await harness.target.read(harness.ref);
      expect((await scaleTo(3)).generation).toBe(before.generation);
      expect((await scaleTo(4)).generation).not.toBe(before.generation);
    });

    test('a count that somebody else wrote changes the generation', async () => {
      const before = await harness.target.read(harness.ref);
      await harness.put(5);
      expect((await harness.target.read(harness.ref)).generation).not.toBe(before.generation);
    });

    test('scale to zero is possible', async () => {
      expect((await scaleTo(0)).replicas).toBe(0);
      expect((await harness.target.read(harness.ref)).replicas).toBe(0);
    });

    test('scale is refused as a conflict when somebody else wrote since the read', async () => {
      const expected = await harness.target.read(harness.ref);
      await harness.put(5);
      const late = harness.target.scale(harness.ref, { replicas: 7, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      expect((await harness.target.read(harness.ref)).replicas).toBe(5);
    });

    const [beside, because] =
      options.noTouch === undefined ? [test, ''] : [test.skip, ` (left out: ${options.noTouch})`];
    beside(`a write beside the spec is a conflict too, and leaves the generation as it was${because}`, async () => {
      const expected = await harness.target.read(harness.ref);
      await harness.touch?.();
      const late = harness.target.scale(harness.ref, { replicas: 7, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      expect((await harness.target.read(harness.ref)).generation).toBe(expected.generation);
    });

    test('scaling again from a fresh read after a conflict works', async () => {
      const expected = await harness.target.read(harness.ref);
      await harness.put(5);
      const late = harness.target.scale(harness.ref, { replicas: 7, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(ConflictError);
      // An orchestrator's own controllers answer a write with writes of their own: each is a reason to read again.
      let scaled: TargetState | undefined;
      for (let reads = 0; scaled === undefined && reads < READS_MAX; reads++) {
        scaled = await scaleTo(8).catch((error: unknown) => {
          if (error instanceof ConflictError) return undefined;
          throw error;
        });
      }
      expect(scaled?.replicas).toBe(8);
    });

    test('of two that read the same state one wins, and the other is told', async () => {
      const [mine, theirs] = [await harness.target.read(harness.ref), await harness.target.read(harness.ref)];
      const outcomes = await Promise.allSettled([
        harness.target.scale(harness.ref, { replicas: 7, expected: mine, planSeq: 1 }),
        harness.target.scale(harness.ref, { replicas: 9, expected: theirs, planSeq: 2 }),
      ]);
      const lost = outcomes.filter((one) => one.status === 'rejected');
      expect(lost).toHaveLength(1);
      expect(lost[0]?.reason).toBeInstanceOf(ConflictError);
      expect((await harness.target.read(harness.ref)).replicas).toBe(outcomes[0]?.status === 'fulfilled' ? 7 : 9);
    });

    test('a negative count is refused for good', async () => {
      await expect(scaleTo(-1)).rejects.toBeInstanceOf(ConfigError);
      expect((await harness.target.read(harness.ref)).replicas).toBe(3);
    });

    test('an object that is gone is not found, by read and by scale', async () => {
      const expected = await harness.target.read(harness.ref);
      await harness.remove();
      await expect(harness.target.read(harness.ref)).rejects.toBeInstanceOf(NotFoundError);
      const late = harness.target.scale(harness.ref, { replicas: 7, expected, planSeq: 1 });
      await expect(late).rejects.toBeInstanceOf(NotFoundError);
    });

    test('preferVictims can be asked for pods that are gone', async () => {
      await harness.target.preferVictims?.(harness.ref, { first: ['no-such-pod'], release: ['nor-this'] });
      expect((await harness.target.read(harness.ref)).replicas).toBe(3);
    });
  });
}

/** What every node provisioner must do. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AssertionError } from '../../lib/base/assert.ts';
import { ConflictError, NotFoundError, TransientError } from '../../lib/base/errors.ts';
import type { NodeGroupPolicy } from '../../lib/core/policy.ts';
import type { NodeProvisioner, UpdateState } from '../../lib/node-provisioners/contract.ts';

export type ProvisionerHarness = {
  readonly provisioner: NodeProvisioner;
  /** Names a group with min 1, max 5, and 3 nodes. */
  readonly group: NodeGroupPolicy;
  /** Names a group that does not exist. */
  readonly unknown: NodeGroupPolicy;
  /** Instances of the group. */
  instances(): readonly string[];
  /** How many updates the group has seen. */
  updates(): number;
  pass(sec: number): Promise<void>;
  /** The next update fails with this text. */
  failNextUpdate(text: string): void;
  /** The cloud gives no more instances. */
  withoutCapacity(): void | Promise<void>;
  /** The next resize is done and its answer is lost. */
  loseNextAnswer(): void;
  close(): Promise<void>;
};

/** Longer than any update of an implementation's test cluster takes [s]. */
const UPDATE_SEC_MAX = 30;

/** Registers the suite for one implementation; `atOnce`: why it has no updates that take a while. */
export function nodeProvisionerConformance(
  name: string,
  start: () => Promise<ProvisionerHarness>,
  options: { readonly atOnce?: string } = {},
): void {
  const whileUpdating = options.atOnce === undefined ? test : test.skip;
  const because = options.atOnce === undefined ? '' : ` (skipped: ${options.atOnce})`;
  describe(`${name} is a node provisioner`, () => {
    let harness: ProvisionerHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const resize = (desired: number, token = `token-${desired}`) =>
      harness.provisioner.resize(harness.group, { min: 1, max: 5, desired, token });
    const ended = async (updateId: string): Promise<UpdateState> => {
      await harness.pass(UPDATE_SEC_MAX);
      return harness.provisioner.pollUpdate(harness.group, updateId);
    };

    test('describe tells sizes and health', async () => {
      expect(await harness.provisioner.describe(harness.group)).toEqual({
        min: 1,
        max: 5,
        desired: 3,
        status: 'active',
        issues: [],
        capacityShortage: null,
      });
    });

    test('a group that does not exist is not found', async () => {
      await expect(harness.provisioner.describe(harness.unknown)).rejects.toBeInstanceOf(NotFoundError);
    });

    whileUpdating(`resize takes a while and then the sizes are there${because}`, async () => {
      const { updateId } = await resize(5);
      expect(await harness.provisioner.pollUpdate(harness.group, updateId)).toEqual({
        state: 'inProgress',
        errors: [],
      });
      expect((await harness.provisioner.describe(harness.group)).status).toBe('updating');
      expect(await ended(updateId)).toEqual({ state: 'successful', errors: [] });
      expect(await harness.provisioner.describe(harness.group)).toMatchObject({ desired: 5, status: 'active' });
    });

    test('sizes are there after the longest update', async () => {
      expect((await ended((await resize(5)).updateId)).state).toBe('successful');
      expect(await harness.provisioner.describe(harness.group)).toMatchObject({ desired: 5, status: 'active' });
    });

    test('the same token makes one update, however often it is sent', async () => {
      const first = await resize(5);
      expect(await resize(5)).toEqual(first);
      await harness.pass(UPDATE_SEC_MAX);
      expect(await resize(5)).toEqual(first);
      expect(harness.updates()).toBe(1);
    });

    test('a lost answer is transient, and the same token finds the update', async () => {
      harness.loseNextAnswer();
      await expect(resize(5)).rejects.toBeInstanceOf(TransientError);
      const { updateId } = await resize(5);
      expect(harness.updates()).toBe(1);
      expect((await ended(updateId)).state).toBe('successful');
    });

    whileUpdating(`a second update is a conflict while one is in flight${because}`, async () => {
      const { updateId } = await resize(4);
      await expect(resize(5)).rejects.toBeInstanceOf(ConflictError);
      await ended(updateId);
      await resize(5, 'another');
      expect(harness.updates()).toBe(2);
    });

    test('desired is never lowered', async () => {
      await expect(resize(2)).rejects.toBeInstanceOf(ConflictError);
      await harness.pass(UPDATE_SEC_MAX);
      expect((await harness.provisioner.describe(harness.group)).desired).toBe(3);
      expect(harness.instances()).toHaveLength(3);
      expect(harness.updates()).toBe(0);
    });

    test('desired is lowered by what was never delivered, and by nothing else', async () => {
      const lower = (desired: number) =>
        harness.provisioner.resize(harness.group, {
          min: 1,
          max: 5,
          desired,
          token: `lower-${desired}`,
          undelivered: true,
        });
      await harness.withoutCapacity();
      await ended((await resize(5)).updateId);
      expect(harness.instances()).toHaveLength(3);
      // One more than there are stays asked for.
      await expect(lower(3)).rejects.toBeInstanceOf(ConflictError);
      await ended((await lower(4)).updateId);
      expect((await harness.provisioner.describe(harness.group)).desired).toBe(4);
      await harness.pass(120);
      expect(harness.instances()).toHaveLength(3);
      await expect(lower(5)).rejects.toBeInstanceOf(ConflictError);
    });

    test('sizes that contradict each other are a bug of the caller', async () => {
      const contradictory = harness.provisioner.resize(harness.group, { min: 4, max: 5, desired: 3, token: 't' });
      await expect(contradictory).rejects.toBeInstanceOf(AssertionError);
      expect(harness.updates()).toBe(0);
    });

    whileUpdating(`a failed update says why${because}`, async () => {
      harness.failNextUpdate('NodeCreationFailure');
      const { updateId } = await resize(5);
      const end = await ended(updateId);
      expect(end.state).toBe('failed');
      expect(end.errors.join(' ')).toContain('NodeCreationFailure');
    });

    test('terminate ends this very instance and lowers desired by one', async () => {
      const [first, victim, third] = harness.instances();
      await harness.provisioner.terminate(harness.group, victim ?? '');
      await harness.pass(120);
      expect(harness.instances()).toEqual([first, third]);
      expect((await harness.provisioner.describe(harness.group)).desired).toBe(2);
    });

    test('terminate again, or of an instance that is gone, changes nothing', async () => {
      const [, victim] = harness.instances();
      await harness.provisioner.terminate(harness.group, victim ?? '');
      await harness.provisioner.terminate(harness.group, victim ?? '');
      await harness.pass(600);
      await harness.provisioner.terminate(harness.group, victim ?? '');
      expect((await harness.provisioner.describe(harness.group)).desired).toBe(2);
      expect(harness.instances()).toHaveLength(2);
    });

    test('terminate does not go below min', async () => {
      const [first, second, third] = harness.instances();
      await harness.provisioner.terminate(harness.group, first ?? '');
      await harness.provisioner.terminate(harness.group, second ?? '');
      const tooMany = harness.provisioner.terminate(harness.group, third ?? '');
      await expect(tooMany).rejects.toBeInstanceOf(ConflictError);
    });
  });
}

/** What every policy source does. */
import { expect, test } from '@jest/globals';
import { ConfigError } from '../../lib/base/errors.ts';
import type { PolicySource } from '../../lib/policy-source/contract.ts';
import { CHAT, FLEET, GROUP } from '../policy-source/policies.ts';

export type PolicySourceHarness = {
  readonly source: PolicySource;
  /** Replaces all policies: YAML text by file name. */
  readonly write: (texts: Readonly<Record<string, string>>) => Promise<void>;
  readonly dispose: () => Promise<void>;
};

/** Registers the suite. `create` makes a source that sees these texts. */
export function policySourceConformance(
  create: (texts: Readonly<Record<string, string>>) => Promise<PolicySourceHarness>,
): void {
  async function using(
    texts: Record<string, string>,
    run: (harness: PolicySourceHarness) => Promise<void>,
  ): Promise<void> {
    const harness = await create(texts);
    try {
      await run(harness);
    } finally {
      await harness.dispose();
    }
  }

  test('loads policies with their defaults, also several documents of one file, and a Fleet nobody wrote', async () => {
    await using({ 'a.yaml': `${CHAT}---\n${GROUP}` }, async ({ source }) => {
      const policies = await source.current();
      expect([...policies.workloads.keys()]).toEqual(['chat']);
      expect(policies.workloads.get('chat')?.spec).toMatchObject({ mode: 'observe', replicas: { min: 1, max: 4 } });
      expect(policies.nodeGroups.get('g5-od')?.spec.ownership).toBe('observe');
      expect(policies.fleet.spec).toMatchObject({ allocation: 'auto', alertHooks: [] });
    });
  });

  test('a change is in force after refresh, not before', async () => {
    await using({ 'a.yaml': CHAT }, async ({ source, write }) => {
      const before = await source.current();
      expect(await source.refresh()).toEqual({ changed: false, problems: [] });
      await write({ 'a.yaml': CHAT.replace('max: 4', 'max: 5') });
      expect(await source.current()).toBe(before);
      expect(await source.refresh()).toEqual({ changed: true, problems: [] });
      const after = await source.current();
      expect(after.workloads.get('chat')?.spec.replicas.max).toBe(5);
      expect(after.version).not.toBe(before.version);
    });
  });

  test('what means the same is the same version', async () => {
    await using({ 'a.yaml': CHAT, 'b.yaml': FLEET }, async ({ source, write }) => {
      const before = await source.current();
      await write({ 'a.yaml': FLEET, 'b.yaml': `# a comment\n${CHAT.replace('{ max: 4 }', '{ min: 1, max: 4 }')}` });
      expect(await source.refresh()).toEqual({ changed: false, problems: [] });
      expect((await source.current()).version).toBe(before.version);
    });
  });

  test('a bad new version is reported each time until it is repaired, and the last good one stays in force', async () => {
    await using({ 'a.yaml': CHAT }, async ({ source, write }) => {
      const good = await source.current();
      await write({ 'a.yaml': CHAT.replace('max: 4', 'max: 0') });
      for (let time = 0; time < 2; time++) {
        const { changed, problems } = await source.refresh();
        expect(changed).toBe(false);
        expect(problems).toMatchObject([
          { path: 'spec.replicas.max', current: '0', expected: 'an integer from 1 to 10000' },
        ]);
        expect(await source.current()).toBe(good);
      }
      await write({ 'a.yaml': CHAT });
      expect(await source.refresh()).toEqual({ changed: false, problems: [] });
    });
  });

  test('without any good version, current throws every problem of every file', async () => {
    const texts = {
      'a.yaml': CHAT.replace('max: 4', 'max: 0').replace('8 }', '-1 }'),
      'b.yaml': FLEET.replace('log', 'fax'),
    };
    await using(texts, async ({ source, write }) => {
      const error: unknown = await source.current().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as Error).message.split('\n')).toHaveLength(3);
      await write({ 'a.yaml': CHAT });
      expect(await source.refresh()).toEqual({ changed: true, problems: [] });
      expect((await source.current()).workloads.size).toBe(1);
    });
  });
}

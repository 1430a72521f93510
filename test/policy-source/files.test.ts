/** Policy files on a real disk. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createFilesPolicySource } from '../../lib/policy-source/files.ts';
import { policySourceConformance } from '../conformance/policy-source.ts';
import { CHAT, GROUP } from './policies.ts';

const temporary = (): Promise<string> => mkdtemp(join(tmpdir(), 'penstock-policies-'));

describe('files policy source', () => {
  policySourceConformance(async (texts) => {
    const folder = await temporary();
    const write = async (next: Readonly<Record<string, string>>): Promise<void> => {
      await rm(folder, { recursive: true });
      await mkdir(folder);
      await Promise.all(Object.entries(next).map(([name, text]) => writeFile(join(folder, name), text)));
    };
    await write(texts);
    return {
      source: createFilesPolicySource({ paths: [folder] }),
      write,
      dispose: () => rm(folder, { recursive: true }),
    };
  });

  test('follows a mounted ConfigMap whose symbolic link is swapped', async () => {
    const folder = await temporary();
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'chat.yaml'), text);
      await symlink(name, join(folder, '..data.new'));
      await rename(join(folder, '..data.new'), join(folder, '..data'));
    };
    await version('..2026_01', CHAT);
    await symlink(join('..data', 'chat.yaml'), join(folder, 'chat.yaml'));
    const source = createFilesPolicySource({ paths: [folder] });
    expect((await source.current()).workloads.get('chat')?.spec.replicas.max).toBe(4);
    await version('..2026_02', CHAT.replace('max: 4', 'max: 7'));
    expect(await source.refresh()).toEqual({ changed: true, problems: [] });
    expect((await source.current()).workloads.get('chat')?.spec.replicas.max).toBe(7);
    await rm(folder, { recursive: true });
  });

  test('an emptied folder takes nothing out of force', async () => {
    const folder = await temporary();
    await writeFile(join(folder, 'chat.yaml'), CHAT);
    const source = createFilesPolicySource({ paths: [folder] });
    await source.current();
    await rm(join(folder, 'chat.yaml'));
    const { changed, problems } = await source.refresh();
    expect(changed).toBe(false);
    expect(problems).toMatchObject([{ current: 'without policies', expected: 'at least one .yaml or .yml file' }]);
    expect((await source.current()).workloads.size).toBe(1);
    await rm(folder, { recursive: true });
  });

  test('reads folders in folders, .yml too, and nothing else', async () => {
    const folder = await temporary();
    await mkdir(join(folder, 'nodes'));
    await writeFile(join(folder, 'nodes', 'g5.yml'), GROUP);
    await writeFile(join(folder, 'chat.yaml'), CHAT);
    await writeFile(join(folder, 'README.md'), 'not a policy');
    const policies = await createFilesPolicySource({ paths: [folder] }).current();
    expect([policies.workloads.size, policies.nodeGroups.size]).toEqual([1, 1]);
    await rm(folder, { recursive: true });
  });

  test('a path that is not there is a problem', async () => {
    const { problems } = await createFilesPolicySource({ paths: ['/nowhere/policies'] }).refresh();
    expect(problems).toMatchObject([{ file: '/nowhere/policies', expected: 'a file or a folder' }]);
  });
});

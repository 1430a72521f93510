/** What AWS's own linter says about the generated CloudFormation. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { cached } from '../../lib/local/cache.ts';
import { run } from '../../lib/local/command.ts';
import { defaultCacheDir } from '../../lib/local/index.ts';
import { probeMachine } from '../../lib/local/machine.ts';
import { installPython } from '../../lib/local/python-packages.ts';
import { serverlessWorkspace } from '../support/serverless-package.ts';
import type { Workspace } from '../support/serverless-package.ts';

const VERSION = '1.58.0';

const { python } = await probeMachine();

/** Installs once per machine and Python version; the packages hold code compiled for it. */
async function linter(): Promise<string> {
  if (python === undefined) throw new Error('there is no python3');
  const { output } = await run(['python3', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
    timeoutMs: 20_000,
  });
  return cached(`cfn-lint-${VERSION}-python-${output.trim()}`, {
    cacheDir: defaultCacheDir(process.env['XDG_CACHE_HOME']),
    clock: systemClock,
    progress: (line) => void process.stderr.write(`${line}\n`),
    fill: (target) => installPython([`cfn-lint==${VERSION}`], { python, target }),
  });
}

if (python === undefined) {
  describe('cfn-lint', () => {
    test.skip('skipped: this machine has no python3 with pip or venv to install it with', () => {});
  });
} else {
  describe('cfn-lint', () => {
    let workspace: Workspace;
    let folder: string;

    beforeAll(async () => {
      [workspace, folder] = await Promise.all([serverlessWorkspace(), linter()]);
    }, 600_000);

    afterAll(() => workspace.close());

    const lint = (file: string): ReturnType<typeof run> =>
      run(
        // W3005: the framework's own DependsOn, where a reference says the same.
        ['env', `PYTHONPATH=${folder}`, join(folder, 'bin', 'cfn-lint'), file, '-r', 'eu-west-1', '-i', 'W3005'],
        { timeoutMs: 120_000 },
      );

    test.each([
      ['msk', []],
      ['msk-scram', ['--param=kafkaSasl=scram-sha-512', '--param=tracing=Active']],
      ['selfManaged', ['--stage=prod', '--param=kafka=selfManaged', '--param=kafkaSasl=scram-sha-512']],
      ['open', ['--param=kafka=selfManaged', '--param=kafkaSasl=none', '--param=kafkaBrokers=k1:9092']],
    ])(
      'finds nothing in the package for %s',
      async (name, args) => {
        const { file } = await workspace.pack(name, args);
        expect(await lint(file)).toEqual({ code: 0, output: '' });
      },
      180_000,
    );

    test('would find something', async () => {
      const { template, file } = await workspace.pack('broken');
      const text = JSON.stringify(template)
        .replace('"rate(1 minute)"', '"every minute"')
        .replace('nodejs22.x', 'nodejs2.x');
      const { writeFile } = await import('node:fs/promises');
      await writeFile(file, text);
      expect((await lint(file)).code).not.toBe(0);
    }, 180_000);
  });
}

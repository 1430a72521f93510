/** Commands end, and let this process end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from '@jest/globals';
import { run } from '../../../lib/local/process/command.ts';

const LONG_MS = 600_000;

describe('run', () => {
  test('answers with the code and what was written to both streams', async () => {
    const script = 'console.log("out"); console.error("err"); process.exit(3)';
    const { code, output } = await run([process.execPath, '-e', script], { timeoutMs: 120_000 });
    expect(code).toBe(3);
    expect(output.trim().split('\n').toSorted()).toEqual(['err', 'out']);
  });

  test('kills what takes too long, and what nobody waits for any more: code 137', async () => {
    const forever = [process.execPath, '-e', 'setInterval(() => {}, 1000)'];
    expect((await run(forever, { timeoutMs: 200 })).code).toBe(137);
    const stopping = new AbortController();
    const ran = run(forever, { timeoutMs: LONG_MS, signal: stopping.signal });
    stopping.abort();
    expect((await ran).code).toBe(137);
  });

  test('of a command that does not exist answers 127, and its time limit does not keep the process alive', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'penstock-command-'));
    const file = join(folder, 'probe.mjs');
    const source = join(import.meta.dirname, '..', '..', '..', 'lib', 'local', 'process', 'command.ts');
    await build({
      stdin: {
        contents: `import { run } from ${JSON.stringify(source)};
          const { code } = await run(['penstock-no-such-command'], { timeoutMs: ${LONG_MS} });
          console.log(code);`,
        resolveDir: folder,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: file,
    });
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 });
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    const [code] = (await once(child, 'close')) as [number | null];
    await rm(folder, { recursive: true, force: true });
    expect([code, out]).toEqual([0, '127\n']);
  });
});

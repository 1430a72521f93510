import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { systemClock } from '../../../lib/base/clock.ts';
import { supervise } from '../../../lib/local/process/supervise.ts';
import { until, groupIsGone } from './processes.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-supervise-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const options = (stopMs = 5_000) => ({ logFile: join(folder, 'log'), cwd: folder, clock: systemClock, stopMs });

describe('supervise', () => {
  test('runs the command under the pid it reports, and a stop leaves neither it nor its guard', async () => {
    const server = await supervise(['sh', '-c', 'echo $$ >pid; exec sleep 60'], options());
    await until(async () => Number(await readFile(join(folder, 'pid'), 'utf8')) === server.pid);
    await server.stop();
    expect(server.ended()).toBe('signal SIGTERM');
    await until(() => groupIsGone(server.pid));
  });

  test('kills a command that does not listen to SIGTERM', async () => {
    const server = await supervise(['sh', '-c', 'trap "" TERM; echo up >up; while :; do sleep 1; done'], options(100));
    await until(async () => (await readFile(join(folder, 'up'), 'utf8')) === 'up\n');
    await server.stop();
    expect(server.ended()).toBe('signal SIGKILL');
  });

  test('shows a command that can not be run as ended, with the reason in the log', async () => {
    const server = await supervise(['/no/such/server'], options());
    await until(() => server.ended() !== undefined);
    expect(server.ended()).toBe('code 127');
    expect(await readFile(join(folder, 'log'), 'utf8')).toContain('/no/such/server');
  });

  test('ends the server when the process that started it is killed', async () => {
    const parent = await startParent();
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const serverPid = Number(line.toString());
    expect(groupIsGone(serverPid)).toBe(false);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => groupIsGone(serverPid));
  });
});

/** A process of its own that supervises a server and prints its pid. */
async function startParent() {
  const script = join(folder, 'parent.mjs');
  const source = `
    import { systemClock } from '${join(process.cwd(), 'lib/base/clock.ts')}';
    import { supervise } from '${join(process.cwd(), 'lib/local/process/supervise.ts')}';
    const server = await supervise(['sleep', '60'], { logFile: 'log', cwd: '.', clock: systemClock, stopMs: 1000 });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const stdin = { contents: source, resolveDir: process.cwd(), loader: 'ts' as const };
  const { outputFiles } = await build({ stdin, bundle: true, platform: 'node', format: 'esm', write: false });
  await writeFile(script, outputFiles[0]?.text ?? '');
  return spawn(process.execPath, [script], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
}

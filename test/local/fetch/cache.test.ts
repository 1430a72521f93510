import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock, VirtualClock } from '../../../lib/base/clock.ts';
import { cached, defaultCacheDir, FETCH_MS_MAX } from '../../../lib/local/fetch/cache.ts';

let root = '';
let serial = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'penstock-cache-'));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const options = (clock: Clock = systemClock) => {
  const lines: string[] = [];
  return { cacheDir: join(root, String(serial++)), clock, progress: (line: string) => void lines.push(line), lines };
};

const fillWith = (text: string) => (folder: string) => writeFile(join(folder, 'file'), text);

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn('/bin/sh', ['-c', 'exit 0']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

describe('cached', () => {
  test('fills a folder once', async () => {
    const context = options();
    const first = await cached('a', { ...context, fill: fillWith('one') });
    const second = await cached('a', { ...context, fill: fillWith('two') });
    expect(second).toBe(first);
    expect(await readFile(join(first, 'file'), 'utf8')).toBe('one');
    expect(await readdir(context.cacheDir)).toEqual(['a']);
  });

  test('leaves nothing behind when filling fails, and fills again next time', async () => {
    const context = options();
    const broken = async (folder: string): Promise<void> => {
      await fillWith('half')(folder);
      throw new Error('the line broke');
    };
    await expect(cached('a', { ...context, fill: broken })).rejects.toThrow('the line broke');
    expect(await readdir(context.cacheDir)).toEqual([]);
    const place = await cached('a', { ...context, fill: fillWith('whole') });
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('whole');
  });

  test('lets the second of two at once wait for the first', async () => {
    const context = options();
    let fills = 0;
    const fill = async (folder: string): Promise<void> => {
      fills += 1;
      await fillWith('x')(folder);
    };
    const places = await Promise.all([1, 2, 3].map(() => cached('a', { ...context, fill })));
    expect(new Set(places).size).toBe(1);
    expect(fills).toBe(1);
  });

  test('takes over the lock of a process that has died, and removes its half-filled folder', async () => {
    const context = options();
    const pid = await deadPid();
    await mkdir(join(context.cacheDir, `a.part-${pid}`), { recursive: true });
    await writeFile(join(context.cacheDir, 'a.lock'), String(pid));
    await cached('a', { ...context, fill: fillWith('x') });
    expect(await readdir(context.cacheDir)).toEqual(['a']);
  });

  test('waits for a lock whose holder lives, tells so, and stops waiting when it is told to', async () => {
    const clock = new VirtualClock(Date.now());
    const context = options(clock);
    await mkdir(context.cacheDir, { recursive: true });
    await writeFile(join(context.cacheDir, 'a.lock'), String(process.pid));
    const abort = new AbortController();
    const waiting = cached('a', { ...context, signal: abort.signal, fill: fillWith('x') });
    waiting.catch(() => {});
    while (context.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(context.lines[0]).toContain('waiting for it');
    abort.abort(new Error('stopped by the user'));
    await expect(waiting).rejects.toThrow('stopped by the user');
  });

  test('takes over a lock that is older than the longest fetch, even if its pid lives (another container)', async () => {
    const clock = new VirtualClock(Date.now() + FETCH_MS_MAX + 60_000);
    const context = options(clock);
    await mkdir(context.cacheDir, { recursive: true });
    await writeFile(join(context.cacheDir, 'a.lock'), String(process.pid));
    const place = await cached('a', { ...context, fill: fillWith('x') });
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('x');
  });
});

test('defaultCacheDir follows XDG_CACHE_HOME when it is set and not empty', () => {
  expect(defaultCacheDir('/c')).toBe('/c/penstock');
  expect(defaultCacheDir('')).toMatch(/\/\.cache\/penstock$/);
  expect(defaultCacheDir(undefined)).toMatch(/\/\.cache\/penstock$/);
});

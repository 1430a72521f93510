import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Clock, systemClock } from '../../../lib/base/clock.ts';
import { ConfigError } from '../../../lib/base/errors.ts';
import { run } from '../../../lib/local/process/command.ts';
import { AGAIN_MS, fetchByFirstWay, runOrThrow, type Way } from '../../../lib/local/fetch/fetch.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-fetch-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const works: Way = { label: 'Maven', fetch: (place) => writeFile(join(place, 'good'), '') };
const fails: Way = {
  label: 'Python',
  fetch: async (place) => {
    await writeFile(join(place, 'half'), '');
    throw new Error('no\nroute');
  },
};

/** Waits for no registry to come back. */
const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === AGAIN_MS ? 0 : ms, signal) };

function fetching(ways: readonly Way[]) {
  const lines: string[] = [];
  const progress = (line: string): void => void lines.push(line);
  const done = fetchByFirstWay('Kafka', {
    ways,
    folder,
    missing: 'Java 17',
    found: 'java 11',
    clock,
    progress,
  });
  return { done, lines };
}

describe('fetchByFirstWay', () => {
  test('goes on with the next way in an empty folder, and tells people both', async () => {
    const { done, lines } = fetching([fails, works]);
    await done;
    expect(await readdir(folder)).toEqual(['good']);
    expect(lines).toEqual([
      'Fetching Kafka with Python…',
      'Could not fetch Kafka with Python: no route',
      'Fetching Kafka with Maven…',
      expect.stringMatching(/^Fetched Kafka with Maven in \d+\.\d s$/),
    ]);
  });

  test('says in one line what is missing when there is no way', async () => {
    const error: unknown = await fetching([]).done.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toBe('ConfigError: Cannot get "Kafka": expected Java 17, current value is java 11');
  });

  test('tries once more when no way worked, and tells people', async () => {
    let calls = 0;
    const away: Way = { ...works, fetch: async (place) => (++calls === 1 ? fails : works).fetch(place) };
    const { done, lines } = fetching([away]);
    await done;
    expect(await readdir(folder)).toEqual(['good']);
    expect(lines).toEqual([
      'Fetching Kafka with Maven…',
      'Could not fetch Kafka with Maven: no route',
      'Trying once more to fetch Kafka in 5 s',
      'Fetching Kafka with Maven…',
      expect.stringMatching(/^Fetched Kafka with Maven in \d+\.\d s$/),
    ]);
  });

  test('says in one line why each way failed in the end', async () => {
    await expect(fetching([fails]).done).rejects.toThrow(
      'Cannot get "Kafka": expected Java 17, current value is failed (Python: no route)',
    );
  });
});

describe('run', () => {
  test('reports a command that does not exist as code 127', async () => {
    expect((await run(['penstock-no-such-command'], { timeoutMs: 60_000 })).code).toBe(127);
  });

  test('kills a command that takes too long', async () => {
    expect((await run(['sleep', '60'], { timeoutMs: 50 })).code).toBe(137);
  });

  test('collects both output streams', async () => {
    const { code, output } = await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutMs: 60_000 });
    expect(code).toBe(3);
    expect(output.split('\n').toSorted()).toEqual(['', 'err', 'out']);
  });
});

test('runOrThrow puts the last words of the command into its error', async () => {
  await expect(runOrThrow(['sh', '-c', 'echo first; echo; echo last >&2; exit 4'], {})).rejects.toThrow(
    /ended with 4: .*last/,
  );
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../lib/base/errors.ts';
import { loadMapping, parseMapping } from '../../lib/load-sources/mapping-file.ts';
import { presets } from '../../lib/load-sources/presets/index.ts';

const problemsOf = (text: string): readonly string[] => {
  try {
    parseMapping(text, 'own.yaml');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n').map((line) => line.trim());
  }
  throw new Error('expected problems, there are none');
};

describe('loadMapping', () => {
  test.each(Object.keys(presets))('knows the preset %s', async (name) => {
    expect(await loadMapping(name)).toMatchObject({ inFlight: { kind: 'gauge', scale: 1 }, queued: { kind: 'gauge' } });
  });

  test('an unknown name is an error that lists the known ones', async () => {
    await expect(loadMapping('vlm')).rejects.toThrow(/"vlm": expected "vllm", "sglang", "tgi" or a path/);
    await expect(loadMapping('constructor')).rejects.toThrow(ConfigError);
  });

  test('a path is read, one that does not exist is an error that names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mapping-'));
    try {
      await writeFile(join(folder, 'own.yml'), 'inFlight: { metric: busy }\n');
      expect(await loadMapping(join(folder, 'own.yml'))).toEqual({
        inFlight: { metric: 'busy', kind: 'gauge', scale: 1 },
      });
      await expect(loadMapping(join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('parseMapping', () => {
  test('reads every kind of measure with its defaults', () => {
    const text = `
inFlight: { metric: [busy, active], labels: { model: [a, b] } }
completed: { metric: done, kind: counter, except: { code: "500" } }
gpuRatio: { metric: gpu_percent, scale: 0.01 }
ttft: { metric: first_token_ms, scale: 1 }
`;
    expect(parseMapping(text, 'own.yaml')).toEqual({
      inFlight: { metric: ['busy', 'active'], labels: { model: ['a', 'b'] }, kind: 'gauge', scale: 1 },
      completed: { metric: 'done', except: { code: '500' }, kind: 'counter', scale: 1 },
      gpuRatio: { metric: 'gpu_percent', kind: 'gauge', scale: 0.01 },
      ttft: { metric: 'first_token_ms', kind: 'histogram', scale: 1 },
    });
  });

  test('all problems are told together, each with its line', () => {
    const text = [
      'inFlight:',
      '  metric: busy',
      '  kind: counter',
      'inflight: { metric: busy }',
      'queued: {}',
      'arrived:',
      '  metric: in',
      '  scale: -1',
    ].join('\n');
    const [first, ...problems] = problemsOf(text);
    expect(first).toBe('Cannot load the mapping "own.yaml":');
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^inFlight\.kind: .*"gauge".*\(line 3\)$/),
        expect.stringMatching(/^inflight: .*\(line 4\)$/),
        expect.stringMatching(/^queued\.metric: .*\(line 5\)$/),
        expect.stringMatching(/^arrived\.scale: .*\(line 8\)$/),
      ]),
    );
    expect(problems).toHaveLength(4);
  });

  test('text that is no YAML is told with its line', () => {
    expect(problemsOf('inFlight: { metric: busy }\nqueued: { metric')[1]).toMatch(/\(line 2\)$/);
  });

  test.each([
    ['nothing', ''],
    ['an empty map', '{}'],
    ['a list', '- a'],
    ['a name', 'vllm'],
  ])('%s is no mapping', (_what, text) => {
    expect(problemsOf(text)).toHaveLength(2);
  });

  test('an alias bomb is refused', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefg'.split('').map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[at]}`).join(',')}]`),
    ];
    expect(problemsOf(bomb.join('\n')).length).toBeGreaterThan(1);
  });
});

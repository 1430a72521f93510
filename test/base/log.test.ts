import { describe, expect, test } from '@jest/globals';
import { jsonLogger } from '../../lib/base/log.ts';
import type { LogLevel } from '../../lib/base/log.ts';

function logging(level: LogLevel): { lines: () => unknown[]; log: ReturnType<typeof jsonLogger> } {
  const lines: string[] = [];
  const log = jsonLogger({ level, write: (line) => lines.push(line) });
  return { lines: () => lines.map((line) => JSON.parse(line) as unknown), log };
}

describe('jsonLogger', () => {
  test('writes one JSON line per event, with its level by name, time and fields', () => {
    const { lines, log } = logging('info');
    log.warn('alert fired', { alert: 'unmet-demand/llama-8b-chat', text: 'two\nlines' });
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        msg: 'alert fired',
        alert: 'unmet-demand/llama-8b-chat',
        text: 'two\nlines',
      },
    ]);
  });

  test.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const)('at level %s writes %d of four levels', (level, count) => {
    const { lines, log } = logging(level);
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines()).toHaveLength(count);
  });
});

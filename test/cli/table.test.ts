import { describe, expect, test } from '@jest/globals';
import { clip, printable, table, tableWithin } from '../../lib/cli/table.ts';

type Row = { readonly name: string; readonly count: number };
const rows: readonly Row[] = [
  { name: 'llama-8b-chat', count: 4 },
  { name: 'q', count: 12_000 },
];

describe('table', () => {
  test('aligns every column to its widest cell or title, two spaces apart, without blanks at the end', () => {
    const lines = table(rows, [
      { title: 'NAME', cell: (row) => row.name },
      { title: 'N', align: 'right', cell: (row) => String(row.count) },
      { title: 'A LONG TITLE', cell: (row) => (row.count > 10 ? 'many' : '') },
    ]);
    expect(lines).toEqual(['NAME               N  A LONG TITLE', 'llama-8b-chat      4', 'q              12000  many']);
  });

  test('paints cells after padding, so that colours change no width', () => {
    const lines = table(rows, [
      { title: 'NAME', cell: (row) => row.name, paint: (text, row) => (row.count > 10 ? `<${text}>` : text) },
      { title: 'N', cell: (row) => String(row.count) },
    ]);
    expect(lines).toEqual(['NAME           N', 'llama-8b-chat  4', '<q            >  12000']);
  });

  test('without rows has its titles, without columns has empty lines', () => {
    expect(table([], [{ title: 'NAME', cell: () => '' }])).toEqual(['NAME']);
    expect(table(rows, [])).toEqual(['', '', '']);
  });

  test('keeps a cell with words from outside on its line', () => {
    const evil = [{ name: 'a\nb\u001b[2Jc', count: 1 }];
    expect(table(evil, [{ title: 'NAME', cell: (row) => row.name }])).toEqual(['NAME', 'a b [2Jc']);
  });
});

describe('printable', () => {
  test('leaves letters of any script, and takes out what moves the cursor or turns the writing', () => {
    expect(printable('größer → 日本 😀')).toBe('größer → 日本 😀');
    expect(printable('a\tb\r\nc\u009bd\u202ee\u2028f\u200bg')).toBe('a b  c d e f g');
  });
});

describe('clip', () => {
  test('cuts with an ellipsis, never in the middle of a character', () => {
    expect(clip('abcdef', 6)).toBe('abcdef');
    expect(clip('abcdef', 5)).toBe('abcd…');
    expect(clip('😀😀😀', 2)).toBe('😀…');
    expect(clip('abc', 1)).toBe('…');
    expect([clip('abc', 0), clip('abc', -5)]).toEqual(['', '']);
  });
});

describe('tableWithin', () => {
  const columns = [
    { title: 'NAME', cell: (row: Row) => row.name },
    { title: 'OFTEN', optional: 1, cell: () => 'x'.repeat(20) },
    { title: 'SELDOM', optional: 2, cell: () => 'y'.repeat(20) },
    { title: 'WHY', cell: () => 'because '.repeat(20).trim() },
  ];
  const titles = (width: number | null): string => tableWithin(rows, columns, width)[0] ?? '';

  test('is the whole table where nothing limits it', () => {
    expect(tableWithin(rows, columns, null)).toEqual(table(rows, columns));
    expect(tableWithin(rows, columns, 1_000)).toEqual(table(rows, columns));
  });

  test('leaves out optional columns, the least needed first, and cuts the last one', () => {
    expect(titles(100)).toContain('SELDOM');
    expect(titles(80)).not.toContain('SELDOM');
    expect(titles(80)).toContain('OFTEN');
    expect(titles(60)).toBe('NAME           WHY');
    for (const width of [60, 80, 100, 120]) {
      const lengths = tableWithin(rows, columns, width).map((line) => line.length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(width);
    }
    expect(tableWithin(rows, columns, 60)[1]).toMatch(/^llama-8b-chat {2}because .*…$/);
  });

  test('keeps what is needed where even that does not fit', () => {
    expect(titles(10)).toBe('NAME           WHY');
    expect(tableWithin(rows, [], 10)).toEqual([]);
  });
});

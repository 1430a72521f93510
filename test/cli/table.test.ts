import { describe, expect, test } from '@jest/globals';
import { printable, table } from '../../lib/cli/table.ts';

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

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseExposition } from '../../lib/load-sources/exposition.ts';

const all = (): boolean => true;
const plain = (text: string) =>
  parseExposition(text, all).samples.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value]);

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const SYNTAX = ['a', '1', '{', '}', '=', '"', '\\', ',', '#', ' ', '\n', '.', '+'];

describe('parseExposition', () => {
  test('reads samples with and without labels, timestamps, exemplars and blanks', () => {
    const text = [
      '# HELP up Is it "up"?',
      'up 1',
      'requests_total{code="200",path="/v1"} 1.5e+3 1763920800000',
      'requests_total { code = "500" , } 2',
      'requests_total{} 3 # {trace_id="abc"} 0.5',
      'temperature\t-4.5\r',
      '# EOF',
    ].join('\n');
    expect(plain(text)).toEqual([
      ['up', {}, 1],
      ['requests_total', { code: '200', path: '/v1' }, 1500],
      ['requests_total', { code: '500' }, 2],
      ['requests_total', {}, 3],
      ['temperature', {}, -4.5],
    ]);
  });

  test('reads infinities and NaN as they are written', () => {
    expect(plain('a +Inf\nb -Inf\nc NaN\nd Inf').map(([, , value]) => value)).toEqual([
      Infinity,
      -Infinity,
      NaN,
      Infinity,
    ]);
  });

  test.each([
    ['no value', 'a{x="1"}'],
    ['no number', 'a{x="1"} many'],
    ['a hexadecimal number', 'a 0x10'],
    ['an open label value', 'a{x="1} 2'],
    ['no comma between labels', 'a{x="1"y="2"} 2'],
    ['an open brace', 'a{x="1" 2'],
    ['a label without quotes', 'a{x=1} 2'],
    ['value glued to the name', 'a-2'],
    ['a backslash at the end', 'a{x="\\'],
    ['too many labels', `a{${Array.from({ length: 100 }, (_, at) => `l${at}="x"`).join(',')}} 1`],
  ])('a line with %s is counted and costs no other line', (_what, line) => {
    const { samples, malformed } = parseExposition(`before 1\n${line}\nafter 2`, all);
    expect(malformed).toBe(1);
    expect(samples.map(({ name }) => name)).toEqual(['before', 'after']);
  });

  test('a label named __proto__ is a label', () => {
    const [sample] = parseExposition('a{__proto__="x"} 1', all).samples;
    expect(sample?.labels.get('__proto__')).toBe('x');
  });

  test('only wanted metrics are looked at', () => {
    const { samples, malformed } = parseExposition('a 1\nb broken\nc 3', (name) => name === 'c');
    expect(samples.map(({ name }) => name)).toEqual(['c']);
    expect(malformed).toBe(0);
  });

  test('whatever a label value is, it comes back from its escaped form', () => {
    // A carriage return inside a label is legal and kept, lines end with \n.
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string({ unit: 'binary' })), (labels) => {
        const text = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
        const { samples, malformed } = parseExposition(`m{${text.join(',')}} 7\n`, all);
        expect(malformed).toBe(0);
        expect([...(samples[0]?.labels ?? [])]).toEqual(Object.entries(labels));
      }),
    );
  });

  test('any text at all is read without an error', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom(...SYNTAX) })), (parts) => {
        const { samples, malformed } = parseExposition(parts.join(''), all);
        expect(samples.length + malformed).toBeLessThanOrEqual(parts.join('').split('\n').length);
      }),
    );
  });
});

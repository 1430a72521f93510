import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { exactParse, exactStringify, integerTextOf } from '../../lib/clients/json-values.ts';

describe('exactParse and exactStringify', () => {
  test('give any JSON back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(exactStringify(exactParse(text))).toBe(text);
      }),
    );
  });

  test('give integers of any length back digit by digit, also where texts look like them', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.string(), (number, text) => {
        const json = `{"a":[${number},{"b":${number}}],"c":${JSON.stringify(`${text}:${number}"${number}`)}}`;
        expect(exactStringify(exactParse(json))).toBe(json);
      }),
    );
  });

  test('numbers that fit stay numbers to compute with, and all tell their digits', () => {
    const parsed = exactParse('[3,9007199254740991,12345678901234567890,1.5,"7"]');
    expect(Array.isArray(parsed) && parsed[0]).toBe(3);
    expect(Array.isArray(parsed) ? parsed.map(integerTextOf) : []).toEqual([
      '3',
      '9007199254740991',
      '12345678901234567890',
      '',
      '',
    ]);
  });
});

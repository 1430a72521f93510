import { expect, test } from '@jest/globals';
import { meetsRequirements, parseLabelSelector } from '../../../../lib/simulator/world/state/labels.ts';

test.each([
  ['', { a: '1' }, true],
  ['a=1', { a: '1' }, true],
  ['a==1,b!=2', { a: '1' }, true],
  ['a=1,b=2', { a: '1' }, false],
  ['a in (1, 2),!b', { a: '2' }, true],
  ['a notin (1,2)', { a: '2' }, false],
  ['a notin (1,2)', {}, true],
  ['a', { a: '' }, true],
  ['!a', { a: '' }, false],
  ['eks.amazonaws.com/nodegroup=gpu-a', { 'eks.amazonaws.com/nodegroup': 'gpu-a' }, true],
])('the selector "%s" on %j is %s', (text, labels, expected) => {
  const requirements = parseLabelSelector(text);
  expect(requirements).toBeDefined();
  expect(meetsRequirements(labels, requirements ?? [])).toBe(expected);
});

test.each(['a=1=2', '(a)', 'a in 1', '!', 'a b'])('the selector "%s" is malformed', (text) => {
  expect(parseLabelSelector(text)).toBeUndefined();
});

import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { ConfigError } from '../../../lib/base/errors.ts';
import { KWOK_DELAY, withDelays } from '../../../lib/local/control-plane/kwok-stages.ts';

const stage = (
  name: string,
  spec = '  next:\n    statusTemplate: |\n      {{ $now := Now }}\n\n      phase: Running\n',
): string => `---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata:\n  name: ${name}\nspec:\n${spec}\n`;

const read = (text: string) =>
  parseAllDocuments(text).map((document) => document.toJS() as { spec: { delay?: object } });

const from = (annotation: string) => ({
  durationMilliseconds: 0,
  durationFrom: { expressionFrom: `.metadata.annotations["${annotation}"]` },
});

describe('withDelays', () => {
  test('makes pods wait for what their annotations say, and leaves all else as it is', () => {
    const before = ['node-initialize', 'pod-ready', 'pod-complete', 'pod-delete'].map((name) => stage(name)).join('');
    const after = read(withDelays(before));
    const expressions = after.map(({ spec }) => spec.delay);
    expect(expressions).toEqual([undefined, from(KWOK_DELAY.ready), undefined, from(KWOK_DELAY.end)]);
    for (const { spec } of after) delete spec.delay;
    expect(after).toEqual(read(before));
  });

  test('refuses a kwok that has no such stage', () => {
    expect(() => withDelays(stage('pod-ready'))).toThrow(ConfigError);
    expect(() => withDelays('')).toThrow('expected a stage pod-ready');
  });
});

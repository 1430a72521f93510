/** What may be said of targets that are no Kubernetes objects. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { loadPolicyTexts } from '../../lib/policy-source/policy-set.ts';
import { CHAT } from './policies.ts';

function problemsOf(...targets: readonly { readonly target: string; readonly more?: string }[]): string[] {
  const texts = targets.map(({ target, more = '' }, index) => ({
    file: `${index}.yaml`,
    text: CHAT.replace('name: chat }', `name: chat-${index} }`).replace(
      'target: { name: chat }',
      `target: ${target}\n${more}`,
    ),
  }));
  return loadPolicyTexts(texts).problems.map(({ path, expected }) => `${path}: ${expected}`);
}

describe('targets of a policy', () => {
  test.each([
    '{ kind: SwarmService, name: Chat_7b-web }',
    '{ kind: SwarmService, namespace: inference, name: chat }',
    '{ kind: MarathonApp, name: /prod/gpu/chat }',
    '{ kind: MarathonApp, namespace: prod, name: gpu/chat.v2 }',
    '{ kind: StatefulSet, namespace: inference, name: chat }',
    '{ kind: StatefulSet, name: chat, fence: planSequence }',
    '{ apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: chat }',
    '{ apiVersion: example.com/v1, kind: Engine, resource: engines, name: chat }',
    '{ kind: rayservices.v1.ray.io, name: chat }',
  ])('%s is one', (target) => {
    expect(problemsOf({ target })).toEqual([]);
  });

  test.each([
    ['{ kind: SwarmService, name: gpu/chat }', 'spec.target.name: letters, digits, "-" and "_"'],
    [`{ kind: SwarmService, namespace: inference, name: ${'x'.repeat(60)} }`, 'at most 63 characters with the stack'],
    ['{ kind: MarathonApp, name: /prod//chat }', 'spec.target.name: names of lower-case letters'],
    ['{ kind: MarathonApp, name: Chat }', 'with "/" between groups'],
    ['{ kind: Deployment, name: gpu/chat }', 'spec.target.name: a name of lower-case letters, digits, "-" and "."'],
    ['{ name: Chat }', 'spec.target.name: a name of lower-case letters, digits, "-" and "."'],
    ['{ kind: Rollout, name: chat }', 'spec.target.apiVersion: GROUP/VERSION of target.kind Rollout; only Deployment'],
    ['{ apiVersion: v1, kind: Engine, name: chat }', 'spec.target.apiVersion'],
    ['{ resource: engines, name: chat }', 'spec.target.apiVersion: GROUP/VERSION, because target.resource is given'],
    ['{ apiVersion: a.b/v1, kind: SwarmService, name: chat }', 'spec.target.apiVersion: nothing, because'],
    [
      '{ apiVersion: a.b/v1, kind: Engine, name: chat, fence: planSequence }',
      'spec.target.fence: nothing, because only Deployment',
    ],
    ['{ kind: MarathonApp, name: "a b" }', 'spec.target.name: a name of letters'],
    ['{ kind: MarathonApp, name: "../x" }', 'spec.target.name: a name of letters'],
  ])('%s is none', (target, problem) => {
    expect(problemsOf({ target })).toEqual([expect.stringContaining(problem)]);
  });

  test('outside of Kubernetes there are no node groups, and no pods to discover', () => {
    const target = '{ kind: SwarmService, name: chat }';
    const nodeGroups = problemsOf({ target, more: '  nodeGroups: [g5-od]' });
    expect(nodeGroups[0]).toBe(
      'spec.nodeGroups: none, because node groups hold Kubernetes pods and target.kind is SwarmService',
    );
    expect(problemsOf({ target, more: '  priority: { preemptible: true }' })).toEqual([
      'spec.priority.preemptible: false or nothing, because only Deployments can be asked which pods give way and target.kind is SwarmService',
    ]);
    expect(problemsOf({ target, more: '  priority: { preemptible: false }' })).toEqual([]);
    expect(problemsOf({ target, more: '  bridge: {}' })).toEqual([
      expect.stringMatching(/^spec\.bridge\.endpoints: a list of host:port/),
    ]);
    expect(problemsOf({ target, more: '  bridge: { endpoints: ["chat:8000"] }' })).toEqual([]);
  });

  test.each([
    ['{ kind: SwarmService, namespace: inference, name: chat }', '{ kind: SwarmService, name: inference_chat }'],
    ['{ kind: MarathonApp, namespace: prod, name: gpu/chat }', '{ kind: MarathonApp, name: /prod/gpu/chat }'],
  ])('%s and %s are the same one', (target, again) => {
    expect(problemsOf({ target }, { target: again })).toEqual(['spec.target: a target no other policy resizes']);
    expect(problemsOf({ target }, { target: again.replace('chat }', 'chat2 }') })).toEqual([]);
  });

  test('the policies of the documentation load as they are, and name one target of each kind', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/targets.md'), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n(apiVersion: .*?)^```/gms)].map(([, text = '']) => text);
    const loaded = blocks.map((text) => loadPolicyTexts([{ file: 'targets.md', text }]));
    expect(loaded.flatMap(({ problems }) => problems)).toEqual([]);
    const kinds = loaded.flatMap(({ policies }) => [...(policies?.workloads.values() ?? [])]);
    expect(kinds.map((policy) => policy.spec.target.kind)).toEqual(['SwarmService', 'MarathonApp']);
  });
});

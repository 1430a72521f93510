/** What people read when a policy is wrong: the whole list, as it is printed. */
import { describe, expect, test } from '@jest/globals';
import { loadPolicyTexts } from '../../lib/policy-source/policy-set.ts';
import { problemText } from '../../lib/policy-source/problems.ts';
import { CHAT, FLEET, GROUP } from './policies.ts';

function problemsOf(...texts: readonly string[]): string[] {
  return loadPolicyTexts(texts.map((text, index) => ({ file: `policies/${'abc'[index]}.yaml`, text }))).problems.map(
    (problem) => problemText(problem).replace(/^Cannot load policy "policies\//, '"'),
  );
}

const inPool = (text: string, pool: string) => `${text}  nodeGroups: [g5-od]\n  pool: ${pool}\n`;

describe('policy problems', () => {
  test('the sentence of the contract', () => {
    const { problems } = loadPolicyTexts([
      { file: 'policies/llama.yaml', text: `# a\n# b\n# c\n${CHAT.replace('max: 4', 'max: 0')}` },
    ]);
    expect(problems.map(problemText)).toEqual([
      'Cannot load policy "policies/llama.yaml": spec.replicas.max is 0, expected an integer from 1 to 10000 (line 9).',
    ]);
  });

  test('all problems of all files at once, each with its line', () => {
    const a = `apiVersion: penstock.dev/v2
kind: ScalingPolicy
metadata: { name: Chat }
spec:
  mode: dry-run
  modus: act
  target: { name: chat }
  replicas:
    mni: 1
    max: "4"
  gpusPerReplica: { gpu: 1 }
  risk: low
  signals:
    - { kind: inFlight }
    - { kind: inflight, perReplica: 3 }
    - kind: tokens
      inputPerSec: -1
  scaleDown: { windowSec: -5, maxPerMinute: 200% }
  leadTimeSec: 0
`;
    expect(problemsOf(a, FLEET.replace('spec:', 'spec:\n  budget: { usdPerHourMax: 0 }'))).toEqual([
      '"a.yaml": apiVersion is "penstock.dev/v2", expected "penstock.dev/v1" (line 1).',
      '"a.yaml": metadata.name is "Chat", expected a name of lower-case letters, digits, "-" and "." (line 3).',
      '"a.yaml": spec.mode is "dry-run", expected one of "observe", "act" or "paused" (line 5).',
      '"a.yaml": spec.replicas.max is "4", expected an integer from 1 to 10000 (line 10).',
      '"a.yaml": spec.replicas.mni is not a known key, expected one of min, max or step; did you mean "min"? (line 9).',
      '"a.yaml": spec.gpusPerReplica.gpu is a key of another form, expected a resource name such as nvidia.com/gpu (line 11).',
      '"a.yaml": spec.signals[0].perReplica is missing, expected a number above 0, at most 1000000000 (line 14).',
      '"a.yaml": spec.signals[1].kind is "inflight", expected one of "inFlight", "requestRate", "tokens", "queueDepth", "queueWork", "kvCache" or "gpu" (line 15).',
      '"a.yaml": spec.signals[2].inputPerSec is -1, expected a number above 0, at most 1000000000 (line 17).',
      '"a.yaml": spec.scaleDown.windowSec is -5, expected "auto" or a number from 0 to 86400 (line 18).',
      '"a.yaml": spec.scaleDown.maxPerMinute is "200%", expected a share such as "20%" or an integer of at least 1 (line 18).',
      '"a.yaml": spec.leadTimeSec is 0, expected a number from 1 to 7200 (line 19).',
      expect.stringMatching(
        /^"a.yaml": spec.modus is not a known key, expected one of mode, target, .*; did you mean "mode"\? \(line 6\)\.$/,
      ),
      '"b.yaml": spec.budget.usdPerHourMax is 0, expected a number above 0, at most 10000000 (line 5).',
    ]);
  });

  test('true or false is said as such', () => {
    expect(problemsOf(`${CHAT}  scaleDown: { allowShortGrace: yes please }\n`)).toEqual([
      '"a.yaml": spec.scaleDown.allowShortGrace is "yes please", expected true or false (line 9).',
    ]);
  });

  test('rules between fields', () => {
    expect(
      problemsOf(CHAT.replace('{ max: 4 }', '{ min: 0, max: 4 }'), CHAT.replace('{ max: 4 }', '{ min: 5, max: 4 }')),
    ).toEqual([
      '"a.yaml": spec.replicas.min is 0, expected at least 1, because no signal outlives the pods (queueDepth, queueWork, or requestRate from a gateway) (line 6).',
      '"b.yaml": spec.replicas.min is 5, expected at most replicas.max (4) (line 6).',
    ]);
  });

  test('YAML that is none', () => {
    expect(problemsOf('a: [1,\nb: 2', `${CHAT}spec: {}\n`)).toEqual([
      expect.stringMatching(/^"a.yaml": the text is not YAML \(.*\), expected valid YAML \(line 2\)\.$/),
      ...problemsOf('a: [1,\nb: 2').slice(1),
      '"b.yaml": the text is not YAML (Map keys must be unique), expected valid YAML (line 9).',
    ]);
  });

  test('documents that are no policies', () => {
    expect(problemsOf('kind: Flet', 'apiVersion: v1\nkind: ConfigMap', 'just a text')).toEqual([
      '"a.yaml": kind is "Flet", expected one of "ScalingPolicy", "NodeGroupPolicy" or "Fleet" of penstock.dev/v1; did you mean "Fleet"? (line 1).',
      '"b.yaml": kind is "ConfigMap", expected one of "ScalingPolicy", "NodeGroupPolicy" or "Fleet" of penstock.dev/v1 (line 2).',
      '"c.yaml": kind is missing, expected one of "ScalingPolicy", "NodeGroupPolicy" or "Fleet" of penstock.dev/v1 (line 1).',
    ]);
  });

  test('references that lead nowhere', () => {
    const chat = `${CHAT}  nodeGroups: [g5-od, g5-odd]\n  alerts: [on-call]\n`;
    expect(problemsOf(chat, GROUP, FLEET)).toEqual([
      '"a.yaml": spec.nodeGroups[1] is "g5-odd", expected the name of a NodeGroupPolicy; did you mean "g5-od"? (line 9).',
      '"a.yaml": spec.alerts[0] is "on-call", expected the name of an alert hook of the Fleet; did you mean "oncall"? (line 10).',
    ]);
  });

  test('what a miss costs without what a replica costs', () => {
    const text = `${CHAT}  nodeGroups: [g5-od]\n  price: { usdPerMiss: 0.01 }\n`;
    expect(problemsOf(text, GROUP)).toEqual([
      '"a.yaml": spec.price.usdPerReplicaHour is missing, expected a number [USD], or shape.usdPerHour in one of spec.nodeGroups (line 10).',
    ]);
    expect(problemsOf(text.replace('0.01', '0.01, usdPerReplicaHour: 3'), GROUP)).toEqual([]);
    expect(problemsOf(text, GROUP.replace('gpus:', 'usdPerHour: 4, gpus:'))).toEqual([]);
  });

  test('a policy that is wrong in itself can be referred to, so that one mistake is one problem', () => {
    expect(problemsOf(`${CHAT}  nodeGroups: [g5-od]\n`, GROUP.replace('max: 4', 'max: 0'))).toEqual([
      '"b.yaml": spec.nodes.max is 0, expected an integer from 1 to 1000 (line 6).',
    ]);
  });

  test('names, targets and Fleets that are there twice, and a pool that is split', () => {
    const other = CHAT.replace('{ name: chat }\nspec', '{ name: other }\nspec');
    expect(problemsOf(CHAT, CHAT, other)).toEqual([
      '"b.yaml": metadata.name is "chat", as in "chat" (policies/a.yaml line 3), expected a name no other ScalingPolicy has (line 3).',
      '"b.yaml": spec.target is Deployment default/chat, as in "chat" (policies/a.yaml line 5), expected a target no other policy resizes (line 5).',
      '"c.yaml": spec.target is Deployment default/chat, as in "chat" (policies/a.yaml line 5), expected a target no other policy resizes (line 5).',
    ]);
    expect(problemsOf(FLEET, FLEET)).toEqual([
      '"b.yaml": kind is a second Fleet, as in "prod" (policies/a.yaml line 2), expected one Fleet per installation (line 2).',
    ]);
    const second = other.replace('target: { name: chat }', 'target: { name: other }');
    expect(problemsOf(inPool(CHAT, 'one'), inPool(second, 'two'), GROUP)).toEqual([
      '"b.yaml": spec.pool is "two", expected "one", the pool of "chat", because both use node group "g5-od" (line 10).',
    ]);
  });

  test('what stands where a secret belongs is not shown', () => {
    const leaky = FLEET.replace(
      '{ name: oncall, kind: log }',
      '{ name: oncall, kind: slack, urlFrom: https://hooks.example/T0/SECRET }',
    );
    const [problem] = problemsOf(leaky);
    expect(problem).toMatch(/^"a.yaml": spec.alertHooks\[0\].urlFrom is a string, expected a map with env/);
    expect(problem).not.toContain('SECRET');
  });

  test('an alias bomb is refused, not expanded', () => {
    const rows = Array.from(
      { length: 9 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join(', ')}]`,
    );
    const [problem] = problemsOf(['a0: &a0 [x]', ...rows].join('\n'));
    expect(problem).toMatch(/Excessive alias count/);
  });
});

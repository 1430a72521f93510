/** IAM of both hosts: what is granted is what the code calls, and each call says which permission it misses. */
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { messageOf } from '../../lib/base/errors.ts';
import { kubernetesEksView } from '../../lib/cluster-view/kubernetes-eks.ts';
import { autoScalingGroup } from '../../lib/node-provisioners/auto-scaling-group.ts';
import type { NodeProvisioner } from '../../lib/node-provisioners/contract.ts';
import { eksNodeGroup } from '../../lib/node-provisioners/eks-node-group.ts';
import { startCluster } from '../clients/kubernetes/server.ts';
import type { Cluster } from '../clients/kubernetes/server.ts';
import { groupPolicy } from '../core/builders.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');

type Statement = { readonly Action: readonly string[]; readonly Resource: unknown };

let cluster: Cluster;
beforeEach(async () => {
  cluster = await startCluster({ nodeGroups: [{ name: 'g5', minSize: 1, maxSize: 9, desiredSize: 2 }] });
});
afterEach(() => cluster.close());

const managed = () => groupPolicy({}, 'g5');
const plain = () =>
  groupPolicy({ provider: { kind: 'autoScalingGroup', name: cluster.world.group('g5').scalingGroupName } }, 'g5');
const instance = (index: number): string => [...cluster.world.group('g5').instances.keys()][index] ?? '';

type Call = { readonly name: string; readonly work: () => Promise<unknown> };

const seeing = (): readonly Call[] =>
  [managed(), plain()].map((policy) => ({
    name: `see ${policy.spec.provider.kind}`,
    work: async () => {
      const seen = (await kubernetesEksView(cluster).observe({ workloads: [], nodeGroups: [policy] })).nodeGroups['g5'];
      if (seen?.kind !== 'observed') throw new Error(seen?.reason);
    },
  }));

/** Every method of a provisioner. */
const changing = (of: {
  readonly provisioner: NodeProvisioner;
  readonly group: ReturnType<typeof managed>;
  readonly victim: number;
}): readonly Call[] => {
  const { provisioner, group, victim } = of;
  const { kind } = group.spec.provider;
  const sizes = async (desired: number) =>
    (await provisioner.resize(group, { min: 1, max: 9, desired, token: `to-${desired}` })).updateId;
  return [
    { name: `describe ${kind}`, work: () => provisioner.describe(group) },
    { name: `resize ${kind}`, work: async () => provisioner.pollUpdate(group, await sizes(4 + victim)) },
    { name: `end an instance of ${kind}`, work: () => provisioner.terminate(group, instance(victim)) },
  ];
};

const actuating = (): readonly Call[] => [
  ...changing({ provisioner: eksNodeGroup(cluster.aws), group: managed(), victim: 0 }),
  ...changing({ provisioner: autoScalingGroup(cluster.aws), group: plain(), victim: 1 }),
];

/** An update of a managed group takes its time. */
const settle = (name: string): Promise<void> => (name === 'resize eksNodeGroup' ? cluster.pass(60) : Promise.resolve());

/** Runs the calls one after another; returns what the simulated AWS was asked for. */
async function actionsOf(calls: readonly Call[]): Promise<readonly string[]> {
  for (const { name, work } of calls) {
    await work();
    await settle(name);
  }
  const asked = cluster.server.requests.all().filter(({ service }) => service !== 'kubernetes');
  return [...new Set(asked.map(({ service, operation }) => `${service}:${operation}`))].toSorted();
}

const clusterActions = (statements: readonly Statement[]): readonly string[] =>
  [...new Set(statements.flatMap(({ Action }) => Action))]
    .filter((action) => /^(eks|autoscaling):/.test(action))
    .toSorted();

/** The statements of a role as its file has them, with those that `lists.cjs` makes. */
async function statementsOf(name: string): Promise<readonly Statement[]> {
  const file = `infra/serverless/iam-${name}.yml`;
  const { Resources } = parse(await read(file)) as {
    Resources: Record<
      string,
      { Properties: { Policies: { PolicyDocument: { Statement: (Statement | string)[] } }[] } }
    >;
  };
  const role = Resources[`${name[0]?.toUpperCase()}${name.slice(1)}Role`];
  const parameters = (parse(await read('infra/serverless/parameters.yml')) as { default: Record<string, string> })
    .default;
  const makeLists = createRequire(import.meta.url)('../../infra/serverless/lists.cjs') as (context: {
    resolveVariable: (name: string) => Promise<string>;
  }) => Promise<Record<string, Statement>>;
  const lists = await makeLists({ resolveVariable: async (key) => parameters[key.replace('param:', '')] ?? '' });
  return (role?.Properties.Policies ?? [])
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map((one) => (typeof one === 'string' ? lists[/lists\.cjs\):(\w+)/.exec(one)?.[1] ?? ''] : one))
    .flatMap((one) => (one?.Action === undefined ? [] : [one]));
}

describe('what is granted', () => {
  test('to evaluate is what the cluster view calls, for groups of every kind', async () => {
    expect(clusterActions(await statementsOf('evaluate'))).toEqual(await actionsOf(seeing()));
  });

  test('to actuate is what the node provisioners call', async () => {
    expect(clusterActions(await statementsOf('actuate'))).toEqual(await actionsOf(actuating()));
  });

  test('to the process host is what both call, on named groups', async () => {
    const { Statement: statements } = JSON.parse(await read('infra/kubernetes/iam-node-groups.json')) as {
      Statement: (Statement & { Resource: string | string[] })[];
    };
    expect(clusterActions(statements)).toEqual(await actionsOf([...seeing(), ...actuating()]));
    const open = statements.filter(({ Resource }) => Resource === '*').flatMap(({ Action }) => Action);
    expect(open.filter((action) => !action.startsWith('autoscaling:Describe'))).toEqual([]);
  });

  test('of other services is what the code calls', async () => {
    const files = (await readdir(join(ROOT, 'lib'), { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !/^(simulator|cli)\//.test(file),
    );
    const texts = await Promise.all(files.map((file) => read(join('lib', file))));
    const sent = new Set(
      texts.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, name = '']) => name)),
    );
    const granted = await Promise.all(
      [...(await readdir(join(ROOT, 'infra/serverless')))].map((file) => read(join('infra/serverless', file))),
    );
    const actions = granted.flatMap((text) =>
      [...text.matchAll(/\b(?:eks|autoscaling|secretsmanager|ssm|sns|lambda):([A-Z]\w+)/g)].map(([, name = '']) =>
        name === 'InvokeFunction' ? 'Invoke' : name,
      ),
    );
    // The condition that names the calling function is no action.
    expect([...new Set(actions.filter((name) => name !== 'SourceFunctionArn'))].toSorted()).toEqual(
      [...sent].toSorted(),
    );
  });
});

/** Not an error: health issues tell the cause too. */
const WITHOUT_ERROR = 'autoscaling:DescribeScalingActivities';

describe('a denied call', () => {
  const names = [
    'eks:DescribeNodegroup',
    'eks:UpdateNodegroupConfig',
    'eks:DescribeUpdate',
    'autoscaling:TerminateInstanceInAutoScalingGroup',
    'autoscaling:DescribeAutoScalingGroups',
    'autoscaling:UpdateAutoScalingGroup',
    WITHOUT_ERROR,
  ];

  test('is known for every action', async () => {
    expect(names.toSorted()).toEqual(await actionsOf([...seeing(), ...actuating()]));
  });

  test.each(names)('%s is named, and calls that do not need it go on', async (action) => {
    cluster.server.faults.add({ kind: 'forbid', operation: action.split(':')[1] ?? '' });
    const said: string[] = [];
    for (const { name, work } of [...seeing(), ...actuating()]) {
      cluster.server.requests.clear();
      const error = await work().then(
        () => null,
        (thrown: unknown) => messageOf(thrown),
      );
      await settle(name);
      const wasAsked = cluster.server.requests.all().some(({ status }) => [400, 403].includes(status));
      if (wasAsked && action !== WITHOUT_ERROR) {
        expect([name, error]).toEqual([
          name,
          expect.stringContaining(`expected permission for ${action} (docs/permissions.md)`),
        ]);
        said.push(name);
      } else {
        expect([name, error]).toEqual([name, null]);
      }
    }
    if (action !== WITHOUT_ERROR) expect(said.length).toBeGreaterThan(0);
  });
});

test('docs/permissions.md has a row for every action of the roles', async () => {
  const page = await read('docs/permissions.md');
  const files = (await readdir(join(ROOT, 'infra/serverless'))).filter((file) => /^(iam-|lists)/.test(file));
  const texts = await Promise.all(files.map((file) => read(join('infra/serverless', file))));
  const actions = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:eks|autoscaling|secretsmanager|ssm|sns|lambda|kms|sqs|logs):[A-Z]\w+/g)].map(
      ([name]) => name,
    ),
  );
  const missing = [...new Set(actions)].filter(
    (name) => name !== 'lambda:SourceFunctionArn' && !page.includes(`\`${name}\``),
  );
  expect(missing).toEqual([]);
});

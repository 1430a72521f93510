/** `serverless package`, offline and without credentials, in every variant: what CloudFormation would be told to do. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/base/clock.ts';
import { readConfig } from '../../lib/hosts/config.ts';
import { routes } from '../../lib/hosts/http/api.ts';
import { cached } from '../../lib/local/fetch/cache.ts';
import { run } from '../../lib/local/process/command.ts';
import { defaultCacheDir } from '../../lib/local/index.ts';
import { probeMachine } from '../../lib/local/fetch/machine.ts';
import { installPython } from '../../lib/local/fetch/python-packages.ts';
import { archiveEntries, archives, serverlessWorkspace } from '../support/serverless-package.ts';
import type { Packaged, Resource, Workspace } from '../support/serverless-package.ts';

const FUNCTIONS = ['actuate', 'api', 'evaluate', 'ingest', 'notify'];
const MARATHON_ARN = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:marathon-000000';
const SECRET_ARN = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:kafka-login-000000';

let workspace: Workspace;
const packaged = new Map<string, Packaged>();

const variants: readonly (readonly [string, readonly string[]])[] = [
  ['msk', []],
  [
    'selfManaged',
    [
      '--stage=prod',
      '--param=kafka=selfManaged',
      '--param=kafkaSasl=scram-sha-512',
      `--param=kafkaSecretArn=${SECRET_ARN}`,
      '--param=kafkaBrokers=k1.internal:9094,k2.internal:9094',
      '--param=tracing=Active',
      '--param=secretsKmsKeyArn=arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-0000-0000-000000000000',
      '--param=alertSecretArns=arn:aws:ssm:eu-west-1:000000000000:parameter/penstock/slack',
      '--param=alertTopicArns=arn:aws:sns:eu-west-1:000000000000:oncall',
      '--param=actuateConcurrency=0',
    ],
  ],
  // A cluster without login, and Swarm and Marathon in place of Kubernetes: statements and settings that would be empty must vanish.
  [
    'open',
    [
      '--param=kafka=selfManaged',
      '--param=kafkaSasl=none',
      '--param=kafkaBrokers=k1:9092',
      '--param=eksAccessEntries=false',
      '--param=kubernetes=none',
      '--param=nodeGroups=none',
      '--param=scalingGroups=none',
      '--param=dockerHost=tcp://manager.internal:2376',
      '--param=dockerCertPath=/opt/docker',
      '--param=marathonUrl=https://marathon.internal',
      '--param=marathonAuth=token',
      `--param=marathonSecretArn=${MARATHON_ARN}`,
    ],
  ],
];

beforeAll(async () => {
  workspace = await serverlessWorkspace();
  for (const [name, args] of variants) packaged.set(name, await workspace.pack(name, args));
  // Three runs of the framework.
}, 900_000);

afterAll(() => workspace.close());

const get = (name: string): Packaged => {
  const found = packaged.get(name);
  if (found === undefined) throw new Error(`variant ${name} was not packaged`);
  return found;
};

const ofType = (name: string, type: string): Resource[] =>
  Object.values(get(name).template.Resources).filter((resource) => resource.Type === type);

const properties = (name: string, id: string): Readonly<Record<string, unknown>> => {
  const resource = get(name).template.Resources[id];
  if (resource === undefined) throw new Error(`there is no resource ${id}`);
  return resource.Properties;
};

const environmentOf = (name: string, id: string): Readonly<Record<string, string>> =>
  (properties(name, id)['Environment'] as { Variables: Record<string, string> }).Variables;

type Statement = {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
};

/** Statements of a role, without the entries that CloudFormation drops. */
function statementsOf(name: string, role: string): Statement[] {
  const policies = properties(name, role)['Policies'] as { PolicyDocument?: { Statement: Statement[] } }[];
  return policies
    .flatMap((policy) => policy.PolicyDocument?.Statement ?? [])
    .filter((statement) => !('Ref' in statement));
}

const sids = (variant: string, role: string): string[] => statementsOf(variant, role).map(({ Sid }) => Sid);

const ROLES = ['IngestRole', 'EvaluateRole', 'ActuateRole', 'NotifyRole', 'ApiRole', 'SchedulerRole'];

describe.each(['msk', 'selfManaged', 'open'])('the package for %s', (variant) => {
  test('has the five functions, each with its own role, on the pinned runtime', () => {
    const functions = ofType(variant, 'AWS::Lambda::Function').map((resource) => resource.Properties);
    expect(functions.map((one) => String(one['Handler']))).toEqual(
      expect.arrayContaining(FUNCTIONS.map((name) => `dist/functions/${name}.handler`)),
    );
    expect(functions).toHaveLength(5);
    expect(new Set(functions.map((one) => JSON.stringify(one['Role']))).size).toBe(5);
    for (const one of functions) {
      expect(one).toMatchObject({ Runtime: 'nodejs22.x', Architectures: ['arm64'] });
      expect(Number(one['Timeout'])).toBeLessThanOrEqual(14 * 60);
    }
    for (const id of ['IngestLambdaFunction', 'ActuateLambdaFunction']) {
      expect(Number(properties(variant, id)['MemorySize'])).toBeGreaterThanOrEqual(1_024);
    }
  });

  test('uploads one bundle per function, the policies where they are read, and nothing else', async () => {
    expect(await archives(get(variant))).toEqual(FUNCTIONS.map((name) => `${name}.zip`));
    const policies = (await readdir(join(workspace.folder, 'infra/policies'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(workspace.folder.length + 1));
    for (const name of FUNCTIONS) {
      const expected = [`dist/functions/${name}.cjs`, ...(name === 'notify' ? [] : policies)];
      expect(await archiveEntries(join(get(variant).folder, `${name}.zip`))).toEqual(expected.toSorted());
    }
  });

  test('puts every function into the VPC', () => {
    for (const { Properties } of ofType(variant, 'AWS::Lambda::Function')) {
      expect(Properties['VpcConfig']).toEqual({
        SubnetIds: ['subnet-00000000000000001', 'subnet-00000000000000002'],
        SecurityGroupIds: ['sg-00000000000000001'],
      });
    }
  });

  test('has one mapping per topic, each with what keeps one bad batch from blocking or losing records', () => {
    const mappings = ofType(variant, 'AWS::Lambda::EventSourceMapping').map((resource) => resource.Properties);
    expect(mappings.map((mapping) => mapping['Topics'])).toEqual(
      expect.arrayContaining([['inference-load'], ['queue-depth']]),
    );
    expect(mappings).toHaveLength(2);
    for (const mapping of mappings) {
      expect(mapping).toMatchObject({
        FunctionName: { 'Fn::GetAtt': ['IngestLambdaFunction', 'Arn'] },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 10_000,
        MaximumRecordAgeInSeconds: 900,
        MaximumBatchingWindowInSeconds: 0,
        StartingPosition: 'LATEST',
        BatchSize: 1_000,
        ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 4 },
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['FailedRecords', 'Arn'] } } },
      });
    }
  });

  test('gives each mapping a consumer group of its own', () => {
    const groups = ofType(variant, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => {
      const settings =
        Properties['AmazonManagedKafkaEventSourceConfig'] ?? Properties['SelfManagedKafkaEventSourceConfig'];
      return (settings as { ConsumerGroupId: string }).ConsumerGroupId;
    });
    expect(groups.toSorted()).toEqual(['penstock-inference-load', 'penstock-queue-depth']);
  });

  test('keeps failed invocations in an encrypted queue, and bounds the age of wakes', () => {
    const configs = ofType(variant, 'AWS::Lambda::EventInvokeConfig').map((resource) => resource.Properties);
    expect(configs).toHaveLength(3);
    for (const config of configs) {
      expect(config).toMatchObject({
        MaximumEventAgeInSeconds: 900,
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['FailedInvocations', 'Arn'] } } },
      });
    }
    const queues = ofType(variant, 'AWS::SQS::Queue').map((resource) => resource.Properties);
    expect(queues).toHaveLength(2);
    for (const queue of queues) {
      expect(queue).toEqual({ MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true });
    }
  });

  test('lets the functions that wake each other do so for longer than 16 times', () => {
    for (const id of ['EvaluateLambdaFunction', 'ActuateLambdaFunction', 'NotifyLambdaFunction']) {
      expect(properties(variant, id)['RecursiveLoop']).toBe('Allow');
    }
    expect(properties(variant, 'IngestLambdaFunction')['RecursiveLoop']).toBeUndefined();
  });

  test('ticks evaluate once a minute through a role that can do nothing else', () => {
    const [schedule, ...others] = ofType(variant, 'AWS::Scheduler::Schedule');
    expect(others).toEqual([]);
    expect(schedule?.Properties).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Target: {
        Arn: { 'Fn::GetAtt': ['EvaluateLambdaFunction', 'Arn'] },
        RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
        Input: '{"penstock":"tick"}',
      },
    });
    expect(statementsOf(variant, 'SchedulerRole').map(({ Action }) => Action)).toEqual([['lambda:InvokeFunction']]);
  });

  test('keeps logs for a month and throttles the API', () => {
    const logs = ofType(variant, 'AWS::Logs::LogGroup').map((resource) => resource.Properties['RetentionInDays']);
    expect(logs).toEqual([30, 30, 30, 30, 30]);
    expect(properties(variant, 'HttpApiStage')).toMatchObject({
      DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
    });
    expect(
      ofType(variant, 'AWS::ApiGatewayV2::Route')
        .map((route) => String(route.Properties['RouteKey']))
        .toSorted(),
    ).toEqual(
      Object.keys(routes)
        .filter((route) => route !== 'GET /metrics')
        .toSorted(),
    );
  });

  test('wakes name functions of this very stage', () => {
    const names = new Set(
      ofType(variant, 'AWS::Lambda::Function').map((one) => String(one.Properties['FunctionName'])),
    );
    for (const id of FUNCTIONS.map((name) => `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`)) {
      for (const [key, value] of Object.entries(environmentOf(variant, id))) {
        if (key.startsWith('PENSTOCK_FUNCTION_')) expect(names).toContain(value);
      }
    }
  });

  test('each role may wake exactly the functions that its environment names', () => {
    for (const name of ['Ingest', 'Evaluate', 'Actuate', 'Notify', 'Api']) {
      const environment = environmentOf(variant, `${name}LambdaFunction`);
      const named = Object.entries(environment).flatMap(([key, value]) =>
        key.startsWith('PENSTOCK_FUNCTION_') ? [value] : [],
      );
      const allowed = statementsOf(variant, `${name}Role`)
        .filter(({ Action }) => Action.includes('lambda:InvokeFunction'))
        .flatMap(({ Resource }) => Resource as { 'Fn::Sub': string }[])
        .map((resource) => resource['Fn::Sub'].split(':function:')[1] ?? '');
      expect(allowed.toSorted()).toEqual(named.toSorted());
    }
  });

  test('secrets are ARNs: no value of one is in the template', () => {
    for (const name of FUNCTIONS) {
      const environment = environmentOf(variant, `${name[0]?.toUpperCase()}${name.slice(1)}LambdaFunction`);
      expect(environment['PENSTOCK_REDIS_URL']).toMatch(/^arn:aws:secretsmanager:/);
      for (const [key, value] of Object.entries(environment)) {
        if (/PASSWORD|USERNAME|SECRET|TOKEN|_KEY$/.test(key)) expect(value).toMatch(/^(arn:.*)?$/);
      }
    }
    expect(get(variant).text).not.toMatch(
      /rediss?:\/\/|BEGIN [A-Z ]*PRIVATE KEY|AKIA[A-Z0-9]{16}|xox[bp]-|hooks\.slack\.com/,
    );
  });

  test('each environment is below the 4 KB that Lambda allows, with room for a real CA', () => {
    for (const { Properties } of ofType(variant, 'AWS::Lambda::Function')) {
      expect(Buffer.byteLength(JSON.stringify(Properties['Environment']))).toBeLessThan(4_096 - 1_700);
    }
  });
});

describe('IAM', () => {
  /** Actions that AWS offers no resource for, and where: everything else names what it is about. */
  const WITHOUT_RESOURCE: Readonly<Record<string, string>> = {
    'ec2:CreateNetworkInterface': 'checked by Lambda on * at deployment; denied to the code itself',
    'ec2:DeleteNetworkInterface': 'checked by Lambda on * at deployment; denied to the code itself',
    'ec2:AssignPrivateIpAddresses': 'checked by Lambda on * at deployment; denied to the code itself',
    'ec2:UnassignPrivateIpAddresses': 'checked by Lambda on * at deployment; denied to the code itself',
    'ec2:DescribeNetworkInterfaces': 'no resource-level permission',
    'ec2:DescribeSubnets': 'no resource-level permission',
    'ec2:DescribeVpcs': 'no resource-level permission',
    'ec2:DescribeSecurityGroups': 'no resource-level permission',
    'autoscaling:DescribeAutoScalingGroups': 'no resource-level permission',
    'autoscaling:DescribeScalingActivities': 'no resource-level permission',
    'xray:PutTraceSegments': 'X-Ray has no resources',
    'xray:PutTelemetryRecords': 'X-Ray has no resources',
  };

  /** Ends of ARNs that AWS makes up, or that are families by nature. */
  const WILDCARDS = [
    /:log-group:\/aws\/lambda\/penstock-(dev|prod)-[a-z]+:\*$/,
    /:nodegroup\/placeholder\/placeholder-gpu\/\*$/,
    /:autoScalingGroup:\*:autoScalingGroupName\/eks-\*$/,
    /:autoScalingGroup:\*:autoScalingGroupName\/placeholder-gpu-plain$/,
  ];

  test.each(['msk', 'selfManaged'])(
    'no action is a pattern, and * stands only where AWS knows nothing narrower (%s)',
    (variant) => {
      for (const role of ROLES) {
        for (const statement of statementsOf(variant, role)) {
          expect(statement.Action.filter((action) => action.includes('*'))).toEqual([]);
          if (statement.Effect === 'Deny') continue;
          if (statement.Resource === '*' || JSON.stringify(statement.Resource) === '["*"]') {
            for (const action of statement.Action) expect(Object.keys(WITHOUT_RESOURCE)).toContain(action);
            continue;
          }
          const arns = JSON.stringify(statement.Resource).match(/"[^"]*\*[^"]*"/g) ?? [];
          for (const arn of arns) expect(WILDCARDS.some((form) => form.test(arn.slice(1, -1)))).toBe(true);
        }
      }
    },
  );

  test('only actuate may change anything in AWS, and only the named node groups', () => {
    const changing = (role: string): string[] =>
      statementsOf('msk', role)
        .flatMap(({ Action, Effect }) => (Effect === 'Allow' ? Action : []))
        .filter(
          (action) =>
            /^(eks|autoscaling|ec2:(Run|Terminate)|iam|sts)/.test(action) && !/:(Describe|List|Get)/.test(action),
        );
    expect(changing('ActuateRole')).toEqual([
      'eks:UpdateNodegroupConfig',
      'autoscaling:TerminateInstanceInAutoScalingGroup',
      'autoscaling:UpdateAutoScalingGroup',
      'autoscaling:TerminateInstanceInAutoScalingGroup',
    ]);
    for (const role of ROLES.filter((one) => one !== 'ActuateRole')) expect(changing(role)).toEqual([]);
    const plain = statementsOf('msk', 'ActuateRole').find(({ Sid }) => Sid === 'ResizeScalingGroups');
    expect(JSON.stringify(plain?.Resource)).toMatch(/autoScalingGroupName\/placeholder-gpu-plain/);
    const terminate = statementsOf('msk', 'ActuateRole').find(({ Sid }) => Sid === 'EndEmptyNodes');
    expect(terminate?.Condition).toEqual({
      StringEquals: {
        'aws:ResourceTag/eks:cluster-name': 'placeholder',
        'aws:ResourceTag/eks:nodegroup-name': ['placeholder-gpu'],
      },
    });
  });

  test.each(['IngestRole', 'NotifyRole', 'ApiRole'])('%s knows nothing of clusters', (role) => {
    const actions = statementsOf('msk', role).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => /^(eks|autoscaling):/.test(action))).toEqual([]);
  });

  test('evaluate and actuate may call exactly the EKS and Auto Scaling commands that the code sends', async () => {
    const sent = new Set<string>();
    for (const folder of ['lib/clients', 'lib/cluster-view', 'lib/node-provisioners']) {
      for (const file of await readdir(folder, { recursive: true })) {
        if (!file.endsWith('.ts')) continue;
        const text = await readFile(join(folder, file), 'utf8');
        for (const [, names = '', service = ''] of text.matchAll(
          /import \{([^}]*)\} from '@aws-sdk\/client-(eks|auto-scaling)'/g,
        )) {
          for (const [, command = ''] of names.matchAll(/(\w+)Command\b/g)) {
            sent.add(`${service === 'eks' ? 'eks' : 'autoscaling'}:${command}`);
          }
        }
      }
    }
    const allowed = ['EvaluateRole', 'ActuateRole']
      .flatMap((role) => statementsOf('msk', role))
      .flatMap(({ Action }) => Action)
      .filter((action) => /^(eks|autoscaling):/.test(action));
    expect(sent.size).toBeGreaterThan(3);
    expect([...new Set(allowed)].toSorted()).toEqual([...sent].toSorted());
  });

  test('nobody but the functions themselves may take a role', () => {
    for (const role of ROLES) {
      const { Statement: trusted } = properties('msk', role)['AssumeRolePolicyDocument'] as {
        Statement: { Principal: unknown; Action: unknown }[];
      };
      expect(trusted).toHaveLength(1);
      expect(trusted[0]).toMatchObject({
        Action: 'sts:AssumeRole',
        Principal: { Service: role === 'SchedulerRole' ? 'scheduler.amazonaws.com' : 'lambda.amazonaws.com' },
      });
    }
    expect(Object.keys(get('msk').template.Resources)).not.toContain('IamRoleLambdaExecution');
  });

  test('MSK with IAM needs no password; topics and groups are named', () => {
    const text = JSON.stringify(statementsOf('msk', 'IngestRole'));
    expect(text).toContain('/inference-load');
    expect(text).toContain('/queue-depth');
    expect(text).not.toContain('ReadKafkaCredentials');
    expect(JSON.stringify(statementsOf('msk', 'NotifyRole'))).toContain('/penstock.dead-letter');
    for (const mapping of ofType('msk', 'AWS::Lambda::EventSourceMapping')) {
      expect(mapping.Properties['SourceAccessConfigurations']).toBeUndefined();
    }
  });

  test('a self-managed cluster is reached through the VPC with the secret, which only ingest and notify may read', () => {
    for (const mapping of ofType('selfManaged', 'AWS::Lambda::EventSourceMapping')) {
      expect(mapping.Properties['SelfManagedEventSource']).toEqual({
        Endpoints: { KafkaBootstrapServers: ['k1.internal:9094', 'k2.internal:9094'] },
      });
      expect(mapping.Properties['SourceAccessConfigurations']).toEqual([
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-00000000000000001' },
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-00000000000000002' },
        { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-00000000000000001' },
        { Type: 'SASL_SCRAM_512_AUTH', URI: SECRET_ARN },
      ]);
    }
    const readers = ROLES.filter((role) => JSON.stringify(statementsOf('selfManaged', role)).includes(SECRET_ARN));
    expect(readers).toEqual(['IngestRole', 'NotifyRole']);
    expect(environmentOf('selfManaged', 'NotifyLambdaFunction')).toMatchObject({
      PENSTOCK_KAFKA_USERNAME: `${SECRET_ARN}#username`,
      PENSTOCK_KAFKA_PASSWORD: `${SECRET_ARN}#password`,
      PENSTOCK_KAFKA_SASL: 'scram-sha-512',
    });
  });

  test('Swarm and Marathon are told to evaluate and actuate alone, as the configuration reads them', () => {
    for (const id of ['EvaluateLambdaFunction', 'ActuateLambdaFunction']) {
      const config = readConfig({ ...environmentOf('open', id), AWS_REGION: 'eu-west-1' });
      expect(config.kubernetes.kind).toBe('none');
      expect(config.docker).toMatchObject({ certPath: '/opt/docker' });
      expect(config.docker?.url.href).toBe('https://manager.internal:2376/');
      expect(config.marathon).toMatchObject({
        auth: { scheme: 'token', secretFrom: { secretsManager: MARATHON_ARN } },
        caFile: null,
      });
      const without = readConfig({ ...environmentOf('msk', id), AWS_REGION: 'eu-west-1' });
      expect([without.docker, without.marathon, without.kubernetes.kind]).toEqual([null, null, 'eks']);
    }
    const readers = ROLES.filter((role) => JSON.stringify(statementsOf('open', role)).includes(MARATHON_ARN));
    expect(readers).toEqual(['EvaluateRole', 'ActuateRole']);
    for (const role of ROLES) expect(sids('msk', role)).not.toContain('ReadMarathonSecret');
  });

  test('options add statements only where they are used', () => {
    for (const role of ['EvaluateRole', 'ActuateRole']) {
      expect(statementsOf('open', role).flatMap(({ Action }) => Action)).not.toContainEqual(
        expect.stringMatching(/^(eks|autoscaling):/),
      );
    }
    expect(sids('selfManaged', 'ActuateRole')).toEqual(
      expect.arrayContaining(['SendTraces', 'DecryptSecrets', 'ReadAlertSecrets', 'PublishAlerts']),
    );
    for (const sid of ['SendTraces', 'DecryptSecrets', 'ReadAlertSecrets', 'PublishAlerts']) {
      expect(sids('msk', 'ActuateRole')).not.toContain(sid);
    }
    expect(properties('msk', 'ActuateLambdaFunction')['ReservedConcurrentExecutions']).toBe(3);
    expect(properties('selfManaged', 'ActuateLambdaFunction')['ReservedConcurrentExecutions']).toBeUndefined();
  });

  test('the roles are members of Kubernetes groups, not cluster admins', () => {
    const entries = ofType('msk', 'AWS::EKS::AccessEntry').map((resource) => resource.Properties);
    expect(entries.map((entry) => entry['KubernetesGroups'])).toEqual([['penstock-evaluate'], ['penstock-actuate']]);
    for (const entry of entries) {
      expect(entry['Type']).toBe('STANDARD');
      expect(entry['AccessPolicies']).toBeUndefined();
    }
  });
});

describe('wrong settings', () => {
  test('an unknown kind of Kafka is refused', async () => {
    await expect(workspace.pack('wrong', ['--param=kafka=rabbit'])).rejects.toThrow(
      'Cannot resolve variable at "custom.kafka"',
    );
  });
});

const CFN_LINT_VERSION = '1.58.0';

const { python } = await probeMachine();

/** Installs once per machine and Python version, because the packages hold code compiled for it. Returns the folder. */
async function linter(found: NonNullable<typeof python>): Promise<string> {
  const print = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const { output } = await run(['python3', '-c', print], { timeoutMs: 120_000 });
  return cached(`cfn-lint-${CFN_LINT_VERSION}-python-${output.trim()}`, {
    cacheDir: defaultCacheDir(process.env['XDG_CACHE_HOME']),
    clock: systemClock,
    progress: (line) => void process.stderr.write(`${line}\n`),
    fill: (target) => installPython([`cfn-lint==${CFN_LINT_VERSION}`], { python: found, target }),
  });
}

describe('cfn-lint', () => {
  if (python === undefined) {
    test.skip('skipped: this machine has no python3 with pip or venv to install it with', () => {});
    return;
  }
  let folder: string;

  beforeAll(async () => {
    folder = await linter(python);
  }, 600_000);

  // W3005: the framework's own DependsOn, where a reference says the same.
  const lint = (file: string): ReturnType<typeof run> =>
    run(['env', `PYTHONPATH=${folder}`, join(folder, 'bin', 'cfn-lint'), file, '-r', 'eu-west-1', '-i', 'W3005'], {
      timeoutMs: 240_000,
    });

  test.each(variants.map(([name]) => name))('finds nothing in the template for %s', async (name) => {
    expect(await lint(get(name).file)).toEqual({ code: 0, output: '' });
  });

  test('would find something', async () => {
    const broken = join(workspace.folder, 'broken.json');
    await writeFile(broken, get('msk').text.replaceAll('nodejs22.x', 'nodejs2.x'));
    expect((await lint(broken)).code).not.toBe(0);
  });
});

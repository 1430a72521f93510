// What YAML cannot say about parameters: comma-separated text as a list, text as a number, statements that vanish when a list is empty.
// The framework resolves `${file(infra/serverless/lists.cjs):name}`.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');

module.exports = async ({ resolveVariable }) => {
  const param = async (name) => String((await resolveVariable(`param:${name}`)) ?? '').trim();
  if (process.argv.some((arg) => arg === 'package' || arg === 'deploy')) {
    checkIsThere('dist/functions', 'made by npm run build');
    checkIsThere(await param('policies'), 'your policies, named by the parameter policies');
  }
  const list = async (name) => split(await param(name));
  const cluster = await param('eksCluster');
  const nodeGroups = await list('nodeGroups');
  const scalingGroups = await list('scalingGroups');
  // The last part of a node group's ARN is an id that AWS makes up.
  const nodeGroupArns = nodeGroups.map((name) => eksArn(`nodegroup/${cluster}/${name}/*`));
  const concurrency = Number(await param('actuateConcurrency'));
  return {
    subnetIds: await list('subnetIds'),
    securityGroupIds: await list('securityGroupIds'),
    kafkaBrokers: await list('kafkaBrokers'),
    seeNodeGroups: statement('SeeNodeGroups', { actions: ['eks:DescribeNodegroup'], resources: nodeGroupArns }),
    resizeNodeGroups: statement('ResizeNodeGroups', {
      actions: ['eks:DescribeNodegroup', 'eks:UpdateNodegroupConfig'],
      resources: nodeGroupArns,
    }),
    // DescribeUpdate asks for the cluster's ARN beside the node group's.
    followUpdates: statement('FollowUpdates', {
      actions: ['eks:DescribeUpdate'],
      resources: nodeGroups.length === 0 ? [] : [eksArn(`cluster/${cluster}`), ...nodeGroupArns],
    }),
    // The name of a node group's Auto Scaling group is made up by EKS; its tags say which node group it is of.
    endEmptyNodes: statement('EndEmptyNodes', {
      actions: ['autoscaling:TerminateInstanceInAutoScalingGroup'],
      resources: nodeGroups.length === 0 ? [] : [scalingGroupArn('eks-*')],
      condition: {
        StringEquals: {
          'aws:ResourceTag/eks:cluster-name': cluster,
          'aws:ResourceTag/eks:nodegroup-name': nodeGroups,
        },
      },
    }),
    // Describe actions of Auto Scaling know no resources.
    seeScalingGroups: statement('SeeScalingGroups', {
      actions: ['autoscaling:DescribeAutoScalingGroups'],
      // Of EKS node groups only those with a warm pool are asked about.
      resources: nodeGroups.length + scalingGroups.length === 0 ? [] : ['*'],
    }),
    seeLaunches: statement('SeeLaunches', {
      actions: ['autoscaling:DescribeScalingActivities'],
      resources: nodeGroups.length + scalingGroups.length === 0 ? [] : ['*'],
    }),
    resizeScalingGroups: statement('ResizeScalingGroups', {
      actions: ['autoscaling:UpdateAutoScalingGroup', 'autoscaling:TerminateInstanceInAutoScalingGroup'],
      resources: scalingGroups.map(scalingGroupArn),
    }),
    actuateConcurrency: concurrency > 0 ? concurrency : undefined,
    pollersMin: Number(await param('pollersMin')),
    pollersMax: Number(await param('pollersMax')),
    readRedisUrl: reading('ReadRedisUrl', await list('redisUrlArn')),
    readKafkaSecret: reading('ReadKafkaCredentials', await kafkaSecrets(param)),
    readAlertSecrets: reading('ReadAlertSecrets', await list('alertSecretArns')),
    readMarathonSecret: reading('ReadMarathonSecret', await list('marathonSecretArn')),
    publishAlerts: statement('PublishAlerts', { actions: ['sns:Publish'], resources: await list('alertTopicArns') }),
    useSecretsKey: statement('DecryptSecrets', {
      actions: ['kms:Decrypt'],
      resources: await list('secretsKmsKeyArn'),
    }),
    // X-Ray has no resources.
    sendTraces: statement('SendTraces', {
      actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      resources: (await param('tracing')) === 'Active' ? ['*'] : [],
    }),
    mskScramSecret: (await kafkaSecrets(param))[0],
    kafkaUsername: (await kafkaSecrets(param)).map((arn) => `${arn}#username`)[0] ?? '',
    kafkaPassword: (await kafkaSecrets(param)).map((arn) => `${arn}#password`)[0] ?? '',
    // The user of a self-managed cluster is in a secret, or there is none.
    selfManagedNotifyPolicy: policyOf('kafka', [reading('ReadKafkaCredentials', await kafkaSecrets(param))]),
    selfManagedAccess: {
      vpcSubnet: await list('subnetIds'),
      vpcSecurityGroup: await list('securityGroupIds'),
      ...selfManagedAuth(await param('kafkaSasl'), await param('kafkaSecretArn')),
    },
  };
};

/** What is not there is packaged as nothing, quietly, and only the deployed functions would find out. */
function checkIsThere(path, what) {
  if (path !== '' && existsSync(join(ROOT, path))) return;
  // Not thrown: the framework would repeat it for every variable of this file.
  process.stderr.write(
    `Cannot package "${path}" (${what}): expected a folder beside serverless.yml, current value is nothing\n`,
  );
  process.exit(1);
}

function split(text) {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '' && item !== 'none');
}

function eksArn(path) {
  return { 'Fn::Sub': `arn:\${AWS::Partition}:eks:\${AWS::Region}:\${AWS::AccountId}:${path}` };
}

/** The id in the middle is made up by AWS. */
function scalingGroupArn(name) {
  return {
    'Fn::Sub': `arn:\${AWS::Partition}:autoscaling:\${AWS::Region}:\${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/${name}`,
  };
}

/** An open cluster and IAM need no secret. */
async function kafkaSecrets(param) {
  return ['none', 'aws-msk-iam'].includes(await param('kafkaSasl')) ? [] : split(await param('kafkaSecretArn'));
}

function selfManagedAuth(sasl, secretArn) {
  const kinds = { plain: 'saslPlainAuth', 'scram-sha-256': 'saslScram256Auth', 'scram-sha-512': 'saslScram512Auth' };
  return kinds[sasl] === undefined ? {} : { [kinds[sasl]]: [secretArn] };
}

/** Reading by exact ARN (a `#field` behind it is ours); a parameter and a secret need different actions. */
function reading(sid, arns) {
  const resources = [...new Set(arns.map((arn) => arn.split('#')[0]))];
  const actions = [
    ...(resources.some((arn) => arn.includes(':secretsmanager:')) ? ['secretsmanager:GetSecretValue'] : []),
    ...(resources.some((arn) => arn.includes(':ssm:')) ? ['ssm:GetParameter'] : []),
  ];
  return statement(sid, { actions, resources });
}

/** No resources: no statement (CloudFormation drops the entry). */
function statement(sid, { actions, resources, condition }) {
  if (resources.length === 0) return { Ref: 'AWS::NoValue' };
  const allowed = { Sid: sid, Effect: 'Allow', Action: actions, Resource: resources };
  return condition === undefined ? allowed : { ...allowed, Condition: condition };
}

/** A policy without statements is an error: then there is none. */
function policyOf(name, statements) {
  const real = statements.filter((one) => one.Ref !== 'AWS::NoValue');
  if (real.length === 0) return { Ref: 'AWS::NoValue' };
  return { PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement: real } };
}

/** An Amazon SNS topic: mail, SMS, queues and functions behind it. The SDK is loaded at the first delivery. */
import { createHash } from 'node:crypto';
import type { PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { ConfigError } from '../base/errors.ts';
import { awsCall } from '../clients/aws/errors.ts';
import type { OpsAlert } from '../core/types.ts';
import { cut, headline, type HookFactory } from './hook-deps.ts';

/** Bound of SNS [characters], ASCII only. */
const SUBJECT_LENGTH_MAX = 100;
const DETAIL_LENGTH_MAX = 4_000;
const WORKLOADS_MAX = 30;

/** Two attempts fit into the time of one delivery. */
const SNS_REQUEST_MS_MAX = 6_000;
const SNS_CONNECT_MS_MAX = 2_000;

/** Publishes the alert as text for people, with key, state and severity as attributes that subscriptions can filter by. */
export const snsHook: HookFactory<'sns'> = (policy, { snsEndpoint }) => {
  let client: Promise<SNSClient> | undefined;
  return {
    deliver: async (alert, { deliveryId }) => {
      client ??= openClient(policy.topicArn, snsEndpoint);
      const [sns, { PublishCommand }] = await Promise.all([client, import('@aws-sdk/client-sns')]);
      await awsCall({ what: `publish to SNS topic of alert hook "${policy.name}"`, action: 'sns:Publish' }, () =>
        sns.send(new PublishCommand(snsMessage(alert, { topicArn: policy.topicArn, deliveryId }))),
      );
    },
  };
};

async function openClient(topicArn: string, endpoint: string | undefined): Promise<SNSClient> {
  const region = /^arn:[a-z0-9-]+:sns:([a-z0-9-]+):/.exec(topicArn)?.[1];
  if (region === undefined) {
    throw new ConfigError(
      `Cannot publish to SNS: expected a topic ARN (arn:aws:sns:REGION:ACCOUNT:NAME), current value is "${topicArn}"`,
    );
  }
  const { SNSClient: Client } = await import('@aws-sdk/client-sns');
  return new Client({
    region,
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: SNS_CONNECT_MS_MAX,
      requestTimeout: SNS_REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}

function attribute(value: string): { DataType: string; StringValue: string } {
  return { DataType: 'String', StringValue: cut(value, 256) };
}

/** The message of one alert. */
export function snsMessage(
  alert: OpsAlert,
  to: { readonly topicArn: string; readonly deliveryId: string },
): PublishCommandInput {
  return {
    TopicArn: to.topicArn,
    Subject: subjectOf(alert),
    Message: textOf(alert),
    MessageAttributes: {
      key: attribute(alert.key),
      state: attribute(alert.state),
      severity: attribute(alert.severity),
    },
    ...(to.topicArn.endsWith('.fifo')
      ? { MessageGroupId: hashOf(alert.key), MessageDeduplicationId: hashOf(to.deliveryId) }
      : {}),
  };
}

function subjectOf(alert: OpsAlert): string {
  const ascii = headline(alert)
    .replaceAll(/[^ -~]+/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
  return ascii.length <= SUBJECT_LENGTH_MAX ? ascii : `${ascii.slice(0, SUBJECT_LENGTH_MAX - 3)}...`;
}

function textOf(alert: OpsAlert): string {
  return [
    cut(headline(alert), 1_000),
    cut(alert.detail, DETAIL_LENGTH_MAX),
    ...(alert.workloads.length === 0 ? [] : [`Workloads: ${alert.workloads.slice(0, WORKLOADS_MAX).join(', ')}`]),
    `Since: ${new Date(alert.sinceMs).toISOString()}`,
    `What to do: ${alert.doc}`,
    `Key: ${alert.key}`,
  ].join('\n');
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

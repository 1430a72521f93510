/** Asynchronous invocations through the Lambda API. */
import type { InvokeLater } from './wake.ts';

/** A wake must not hold an invocation up: two attempts of this length [ms], then the schedule has to do. */
const ATTEMPT_MS_MAX = 1_000;

/** Invokes with `InvocationType: Event`: Lambda queues the payload and answers 202 at once. The SDK is loaded at the first wake. Rejects when it is refused. */
export function lambdaInvoker(aws: { readonly region: string; readonly endpoint: string | null }): InvokeLater {
  let loading: ReturnType<typeof load> | undefined;
  return async (functionName, payload) => {
    const { client, InvokeCommand } = await (loading ??= load(aws));
    const command = new InvokeCommand({
      FunctionName: functionName,
      InvocationType: 'Event',
      Payload: Buffer.from(JSON.stringify(payload)),
    });
    await client.send(command);
  };
}

async function load(aws: { readonly region: string; readonly endpoint: string | null }) {
  const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({
    region: aws.region,
    maxAttempts: 2,
    requestHandler: { connectionTimeout: ATTEMPT_MS_MAX, requestTimeout: ATTEMPT_MS_MAX, throwOnRequestTimeout: true },
    ...(aws.endpoint === null ? {} : { endpoint: aws.endpoint }),
  });
  return { client, InvokeCommand };
}

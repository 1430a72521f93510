/** Invocation events in the shapes that AWS sends, and a context with a settable rest of time. */
import type { Clock } from '../../lib/base/clock.ts';
import type { LambdaContext } from '../../lib/hosts/lambda/lambda.ts';
import type { CollectingWake } from '../../lib/hosts/lambda/wake.ts';

export type RecordSpec = {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset: number;
  readonly timestamp?: number;
  readonly key?: string;
  readonly value?: string;
  readonly headers?: readonly Readonly<Record<string, string>>[];
};

/** One record of a Kafka event: base64 key and value, headers as byte arrays. */
export function kafkaRecord(spec: RecordSpec): Record<string, unknown> {
  return {
    topic: spec.topic ?? 'inference-load',
    partition: spec.partition ?? 0,
    offset: spec.offset,
    timestamp: spec.timestamp ?? 1_763_920_800_000,
    timestampType: 'CREATE_TIME',
    key: Buffer.from(spec.key ?? 'llama-8b-chat').toString('base64'),
    value: Buffer.from(spec.value ?? '{}').toString('base64'),
    headers: (spec.headers ?? []).map((header) =>
      Object.fromEntries(Object.entries(header).map(([name, text]) => [name, [...Buffer.from(text)]])),
    ),
  };
}

/** A whole event, records grouped by `TOPIC-PARTITION` as Lambda does. */
export function kafkaEvent(
  source: 'msk' | 'selfManaged',
  records: readonly Readonly<Record<string, unknown>>[],
): Record<string, unknown> {
  const grouped: Record<string, unknown[]> = {};
  for (const record of records) {
    const key = `${String(record['topic'])}-${String(record['partition'])}`;
    (grouped[key] ??= []).push(record);
  }
  const bootstrapServers = 'b-1.demo.kafka.eu-west-1.amazonaws.com:9098,b-2.demo.kafka.eu-west-1.amazonaws.com:9098';
  return source === 'msk'
    ? {
        eventSource: 'aws:kafka',
        eventSourceArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/demo/0b1e4c1a-1f7e-4f0e-9d9d-3f0a2a1f9a11-2',
        bootstrapServers,
        records: grouped,
      }
    : { eventSource: 'SelfManagedKafka', bootstrapServers, records: grouped };
}

/** An API Gateway HTTP API event, payload version 2.0. */
export function httpEvent(
  route: string,
  options: { headers?: Readonly<Record<string, string>>; body?: string; query?: string } = {},
): Record<string, unknown> {
  const [method = '', rawPath = ''] = route.split(' ');
  return {
    version: '2.0',
    routeKey: route,
    rawPath,
    rawQueryString: options.query ?? '',
    headers: options.headers ?? {},
    requestContext: { http: { method, path: rawPath, sourceIp: '203.0.113.9' }, stage: '$default' },
    ...(options.body === undefined ? {} : { body: options.body }),
    isBase64Encoded: false,
  };
}

/** A context whose remaining time follows `clock`, like Lambda's. */
export function lambdaContext(clock: Clock, timeoutMs: number): LambdaContext {
  const endMs = clock.nowMs() + timeoutMs;
  return { getRemainingTimeInMillis: () => endMs - clock.nowMs() };
}

/** A wake that keeps what it was asked for. */
export function recordingWake(): CollectingWake & { readonly sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    evaluate: async (workloads) => void sent.push(`evaluate ${workloads.join(',')}`),
    actuate: async () => void sent.push('actuate'),
    notify: async () => void sent.push('notify'),
    actuateJobs: (jobs) => void sent.push(`jobs ${jobs.map((job) => job.id).join(',')}`),
    flush: async () => void sent.push('flush'),
  };
}

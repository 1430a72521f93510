import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { makeHooks, memoryHook } from '../../lib/alert-hooks/index.ts';
import { httpPoster, type PostRequest } from '../../lib/alert-hooks/http-post.ts';
import { pagerdutyEvent } from '../../lib/alert-hooks/pagerduty.ts';
import { slackMessage } from '../../lib/alert-hooks/slack.ts';
import { snsMessage } from '../../lib/alert-hooks/sns.ts';
import { systemClock, VirtualClock } from '../../lib/base/clock.ts';
import { ConfigError, TransientError } from '../../lib/base/errors.ts';
import { jsonLogger, silentLogger } from '../../lib/base/log.ts';
import { type AlertHookPolicy, fleetSchema, type SecretRef } from '../../lib/core/policy.ts';
import { makeCertificates } from '../../lib/local/certificates/certificates.ts';
import { alertHookConformance } from '../conformance/alert-hook.ts';
import { anAlert, startReceiver } from './support.ts';

const SECRET_A = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const SECRET_B = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const LOOPBACK = ['127.0.0.0/8'];

const env =
  (values: Readonly<Record<string, string>>) =>
  async (ref: SecretRef): Promise<string> =>
    'env' in ref ? (values[ref.env] ?? '') : '';

const fleetOf = (...alertHooks: readonly Record<string, unknown>[]): { spec: { alertHooks: AlertHookPolicy[] } } =>
  fleetSchema.parse({ apiVersion: 'penstock.dev/v1', kind: 'Fleet', metadata: { name: 'test' }, spec: { alertHooks } });

const WEBHOOK = {
  name: 'h',
  kind: 'webhook',
  urlFrom: { env: 'URL' },
  signingSecretFrom: { env: 'SECRET' },
  allowPrivate: LOOPBACK,
};
const SLACK = { name: 'h', kind: 'slack', urlFrom: { env: 'URL' }, allowPrivate: LOOPBACK };

const toLoopback = async (): Promise<{ address: string; family: number }[]> => [{ address: '127.0.0.1', family: 4 }];

const snsFailure = (code: string): string =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;

/** The hook named `h` of a policy, with the requests it would post. */
function recorded(policy: Record<string, unknown>, values: Record<string, string>) {
  const posted: PostRequest[] = [];
  const clock = new VirtualClock();
  const hooks = makeHooks(fleetOf(policy), {
    clock,
    log: silentLogger,
    resolveSecret: env(values),
    post: async (request) => void posted.push(request),
  });
  const hook = hooks.get('h');
  if (hook === undefined) throw new Error('No hook of that name');
  return { hook, posted, clock };
}

alertHookConformance('webhook', (url, post) => {
  const hooks = makeHooks(fleetOf(WEBHOOK), {
    clock: systemClock,
    log: silentLogger,
    resolveSecret: env({ URL: url, SECRET: SECRET_A }),
    post,
  });
  return hooks.get('h') ?? memoryHook();
});

alertHookConformance('slack', (url, post) => {
  const deps = { clock: systemClock, log: silentLogger, resolveSecret: env({ URL: url }), post };
  return makeHooks(fleetOf(SLACK), deps).get('h') ?? memoryHook();
});

alertHookConformance('pagerduty', (url, post) => {
  const policy = { name: 'h', kind: 'pagerduty', routingKeyFrom: { env: 'KEY' }, url, allowPrivate: LOOPBACK };
  const deps = { clock: systemClock, log: silentLogger, resolveSecret: env({ KEY: 'routing-key' }), post };
  return makeHooks(fleetOf(policy), deps).get('h') ?? memoryHook();
});

describe('webhook', () => {
  test('signs what it sends so that the reference library verifies it, and sends the alert as it is', async () => {
    const receiver = await startReceiver();
    const deps = {
      clock: systemClock,
      log: silentLogger,
      resolveSecret: env({ URL: `${receiver.url}/x\n`, SECRET: SECRET_A }),
    };
    await makeHooks(fleetOf(WEBHOOK), deps).get('h')?.deliver(anAlert(), { deliveryId: 'id.with.dots' });
    await receiver.close();
    const body = receiver.received[0]?.body ?? '';
    const headers = receiver.received[0]?.headers ?? {};
    expect(new Webhook(SECRET_A).verify(body, headers as Record<string, string>)).toEqual(anAlert());
    expect(headers['webhook-id']).toBe('id_with_dots');
    expect(() => new Webhook(SECRET_B).verify(body, headers as Record<string, string>)).toThrow();
    expect(() => new Webhook(SECRET_A).verify(`${body} `, headers as Record<string, string>)).toThrow();
  });

  test('keeps the id over attempts and renews the timestamp', async () => {
    const { hook, posted, clock } = recorded(WEBHOOK, { URL: 'https://x.example', SECRET: SECRET_A });
    await hook.deliver(anAlert(), { deliveryId: 'one' });
    await clock.advance(5_000);
    await hook.deliver(anAlert(), { deliveryId: 'one' });
    const [first, second] = posted.map((request) => request.headers);
    expect(second?.['webhook-id']).toBe(first?.['webhook-id']);
    expect(Number(second?.['webhook-timestamp']) - Number(first?.['webhook-timestamp'])).toBe(5);
    expect(second?.['webhook-signature']).not.toBe(first?.['webhook-signature']);
  });

  test('signs with every secret while one is rotated', async () => {
    const { hook, posted } = recorded(WEBHOOK, { URL: 'https://x.example', SECRET: `${SECRET_A}\n${SECRET_B} ` });
    await hook.deliver(anAlert(), { deliveryId: 'one' });
    expect(posted[0]?.headers['webhook-signature']?.split(' ')).toHaveLength(2);
  });

  test.each(['', 'not base64!', 'whsec_', 'whsec_c2hvcnQ=', `whsec_${Buffer.alloc(65).toString('base64')}`])(
    'refuses the secret %j without repeating it',
    async (secret) => {
      const { hook } = recorded(WEBHOOK, { URL: 'https://x.example', SECRET: secret });
      const error: unknown = await hook.deliver(anAlert(), { deliveryId: 'one' }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigError);
      if (secret.length > 6) expect(String(error)).not.toContain(secret);
    },
  );

  test('goes over TLS with the name checked, and refuses a certificate nobody vouches for', async () => {
    const { caPem, server: identity } = makeCertificates(Date.now());
    let requests = 0;
    const server = createHttpsServer({ cert: identity.certPem, key: identity.keyPem }, (_, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const send = (host: string, options: { caPem?: string } = {}): Promise<void> =>
      httpPoster({ clock: systemClock, resolve: toLoopback, ...options })({
        url: `https://${host}:${port}/`,
        headers: {},
        body: '{}',
        allowPrivate: LOOPBACK,
      });
    try {
      await send('localhost', { caPem });
      await send('localhost.', { caPem });
      await send('127.0.0.1', { caPem });
      expect(requests).toBe(3);
      await expect(send('localhost')).rejects.toBeInstanceOf(TransientError);
      await expect(send('other.example', { caPem })).rejects.toBeInstanceOf(TransientError);
      expect(requests).toBe(3);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('slack', () => {
  test('says what happened, what it is about and what to do, and mentions nobody', () => {
    const message = slackMessage(
      anAlert({ title: '<!channel> cannot get 2 > 1 nodes & more', doc: 'https://docs.example/x' }),
    );
    const text = JSON.stringify(message);
    expect(message.text).toBe('Critical: &lt;!channel&gt; cannot get 2 &gt; 1 nodes &amp; more');
    expect(text).not.toContain('<!');
    expect(text).toContain('2 of 8 nodes missing for 103 s.');
    expect(text).toContain('llama-8b-chat');
    expect(text).toContain('<https://docs.example/x|what to do>');
  });

  test('shows a document that is no link as text', () => {
    expect(JSON.stringify(slackMessage(anAlert()))).toContain('what to do: docs/failures.md#capacity-shortage');
  });

  test('keeps every block within the bounds of Slack for text of any length', () => {
    const long = '&'.repeat(100_000);
    const message = slackMessage(anAlert({ title: long, detail: long, key: long, doc: long, workloads: [long, long] }));
    for (const block of message.blocks as { text?: { text: string }; elements?: { text: string }[] }[]) {
      for (const text of [block.text?.text, ...(block.elements ?? []).map((element) => element.text)]) {
        if (text !== undefined) expect(text.length).toBeLessThanOrEqual(3_000);
      }
    }
  });
});

describe('pagerduty', () => {
  test('opens and resolves one incident per alert key', () => {
    const trigger = pagerdutyEvent(anAlert());
    const resolve = pagerdutyEvent(anAlert({ state: 'resolved' }));
    expect(trigger).toMatchObject({
      event_action: 'trigger',
      dedup_key: 'capacity-shortage/g5-od',
      payload: { severity: 'critical', class: 'capacity-shortage', component: 'llama-8b-chat' },
    });
    expect(resolve).toEqual({ event_action: 'resolve', dedup_key: 'capacity-shortage/g5-od' });
  });

  test('keeps long keys apart within 255 characters, and links only what can be opened', () => {
    const key = 'k'.repeat(300);
    const [one, other] = [pagerdutyEvent(anAlert({ key })), pagerdutyEvent(anAlert({ key: `${key}x` }))];
    expect(String(one.dedup_key).length).toBeLessThanOrEqual(255);
    expect(one.dedup_key).not.toBe(other.dedup_key);
    expect(one.links).toBeUndefined();
    expect(pagerdutyEvent(anAlert({ doc: 'https://docs.example/x' })).links).toEqual([
      { href: 'https://docs.example/x', text: 'What to do' },
    ]);
  });
});

describe('sns', () => {
  test('writes a subject of at most 100 ASCII characters on one line', () => {
    const to = { topicArn: 'arn:aws:sns:eu-west-1:123456789012:ops', deliveryId: 'one' };
    const subject = snsMessage(anAlert({ title: `💥 naïve\nmodel ${'x'.repeat(200)}` }), to).Subject ?? '';
    expect(subject).toMatch(/^Critical: na ve model x+\.\.\.$/);
    expect(subject.length).toBeLessThanOrEqual(100);
    expect(snsMessage(anAlert(), { ...to, topicArn: `${to.topicArn}.fifo` }).MessageDeduplicationId).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  test('publishes over the wire, and tells throttling from denial', async () => {
    const bodies: string[] = [];
    let answer = {
      status: 200,
      body: '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
    };
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(answer.status, { 'content-type': 'text/xml' }).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const before = { id: process.env.AWS_ACCESS_KEY_ID, key: process.env.AWS_SECRET_ACCESS_KEY };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
    const hook = makeHooks(fleetOf({ name: 'h', kind: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:ops' }), {
      clock: systemClock,
      log: silentLogger,
      resolveSecret: env({}),
      snsEndpoint: `http://127.0.0.1:${port}`,
    }).get('h');
    try {
      await hook?.deliver(anAlert(), { deliveryId: 'one' });
      const sent = new URLSearchParams(bodies[0]);
      expect(sent.get('TopicArn')).toBe('arn:aws:sns:eu-west-1:123456789012:ops');
      expect(sent.get('Message')).toContain('2 of 8 nodes missing');
      answer = { status: 403, body: snsFailure('AuthorizationError') };
      await expect(hook?.deliver(anAlert(), { deliveryId: 'two' })).rejects.toMatchObject({ code: 'denied' });
      answer = { status: 429, body: snsFailure('Throttled') };
      await expect(hook?.deliver(anAlert(), { deliveryId: 'three' })).rejects.toMatchObject({ code: 'transient' });
    } finally {
      for (const [name, value] of [
        ['AWS_ACCESS_KEY_ID', before.id],
        ['AWS_SECRET_ACCESS_KEY', before.key],
      ] as const) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('makeHooks', () => {
  test('makes every hook of the policy by its name', () => {
    const log = { name: 'l', kind: 'log' };
    const hooks = makeHooks(fleetOf({ ...WEBHOOK, name: 'w' }, { ...SLACK, name: 's' }, log), {
      clock: systemClock,
      log: silentLogger,
      resolveSecret: env({}),
    });
    expect([...hooks.keys()]).toEqual(['w', 's', 'l']);
  });

  test('logs alerts by severity and state', async () => {
    const lines: { level: string; key: string }[] = [];
    const hook = makeHooks(fleetOf({ name: 'h', kind: 'log' }), {
      clock: systemClock,
      log: jsonLogger({ level: 'debug', write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }),
      resolveSecret: env({}),
    }).get('h');
    await hook?.deliver(anAlert(), { deliveryId: 'one' });
    await hook?.deliver(anAlert({ severity: 'warning' }), { deliveryId: 'two' });
    await hook?.deliver(anAlert({ state: 'resolved' }), { deliveryId: 'three' });
    expect(lines.map((line) => line.level)).toEqual(['error', 'warn', 'info']);
    expect(lines[0]?.key).toBe('capacity-shortage/g5-od');
  });
});

import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { OpsAlert } from '../../../events/schema/index.ts';
import { systemClock } from '../../../lib/base/clock.ts';
import { startReceiver } from '../../../lib/cli/demo/servers/receiver.ts';
import type { Receiver } from '../../../lib/cli/demo/servers/receiver.ts';
import { until } from '../../support/until.ts';

const SECRET = `whsec_${Buffer.from('a secret of some length 1234').toString('base64')}`;
const OTHER = `whsec_${Buffer.from('another secret of length 123').toString('base64')}`;

const alert = (title = 'g5-od cannot get 2 nodes → waits'): OpsAlert => ({
  schema: 'penstock.ops-alert/1',
  key: 'capacity-shortage/g5-od',
  state: 'firing',
  severity: 'critical',
  sinceMs: 1,
  atMs: 2,
  title,
  workloads: [],
  detail: '',
  doc: '',
});

const open: Receiver[] = [];
async function receiver(): Promise<Receiver> {
  const started = await startReceiver(SECRET);
  open.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

type Signed = { readonly id: string; readonly body: string; readonly secret?: string; readonly at?: Date };

function headersOf({ id, body, secret = SECRET, at = new Date(systemClock.nowMs()) }: Signed): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

async function post(url: string, message: Signed, over: { headers?: Record<string, string>; body?: string } = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headersOf(message), ...over.headers },
    body: over.body ?? message.body,
  });
  return response.status;
}

describe('startReceiver', () => {
  test('accepts a message that is signed right, and keeps it', async () => {
    const it = await receiver();
    expect(await post(it.url, { id: 'm1', body: JSON.stringify(alert()) })).toBe(204);
    expect(it.received()).toEqual([alert()]);
    expect(it.rejected()).toBe(0);
  });

  test('counts the same id once, and different ids each, in the order of arrival', async () => {
    const it = await receiver();
    for (const id of ['m1', 'm2', 'm1', 'm1']) await post(it.url, { id, body: JSON.stringify(alert(id)) });
    expect(it.received().map(({ title }) => title)).toEqual(['m1', 'm2']);
  });

  test.each([
    ['another secret', { secret: OTHER }, {}],
    ['a body that was changed', {}, { body: '{"title":"nothing happened"}' }],
    ['another id than the signed one', {}, { headers: { 'webhook-id': 'm2' } }],
    ['no signature', {}, { headers: { 'webhook-signature': '' } }],
    ['a signature of an hour ago', { at: new Date(systemClock.nowMs() - 3_600_000) }, {}],
    ['a signed body that is no JSON', { body: 'not JSON' }, {}],
  ])('rejects %s', async (_name, message, over) => {
    const it = await receiver();
    expect(await post(it.url, { id: 'm1', body: JSON.stringify(alert()), ...message }, over)).toBe(400);
    expect(it.received()).toEqual([]);
    expect(it.rejected()).toBe(1);
  });

  test('reads a character that is cut between two packets', async () => {
    const it = await receiver();
    const body = JSON.stringify(alert('→'.repeat(10)));
    const bytes = Buffer.from(body);
    const cut = bytes.indexOf('→') + 1;
    const head = Object.entries({ ...headersOf({ id: 'm1', body }), 'content-length': String(bytes.length) })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const socket = connect(Number(new URL(it.url).port), '127.0.0.1');
    const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.setNoDelay(true);
    socket.write(`POST /alerts HTTP/1.1\r\nhost: x\r\n${head}\r\n`);
    socket.write(bytes.subarray(0, cut));
    await systemClock.sleep(50);
    socket.write(bytes.subarray(cut));
    expect(await answered).toMatch(/^HTTP\/1\.1 204 /);
    expect(it.received()).toEqual([alert('→'.repeat(10))]);
    socket.destroy();
  });

  test('survives a sender that hangs up in the middle of its body', async () => {
    const it = await receiver();
    const socket = connect(Number(new URL(it.url).port), '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.write('POST /alerts HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"title"');
    await systemClock.sleep(50);
    socket.destroy();
    await until('the rejection', async () => it.rejected() > 0);
    expect(it.rejected()).toBe(1);
    expect(await post(it.url, { id: 'm1', body: JSON.stringify(alert()) })).toBe(204);
  });

  test('does not keep a body beyond its bound', async () => {
    const it = await receiver();
    const body = JSON.stringify(alert('x'.repeat(1_000_000)));
    await post(it.url, { id: 'm1', body }).catch(() => 400);
    expect(it.received()).toEqual([]);
  });

  test('closes although a client keeps its connection open', async () => {
    const started = await receiver();
    const socket = connect(Number(new URL(started.url).port), '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    await started.close();
    await closed;
  });
});

import { createHash, createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { TOKEN_MS_MAX, eksTokenSource } from '../../../lib/clients/kubernetes/eks-token.ts';

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

function start(credentials: () => Promise<typeof keys & { sessionToken?: string }> = () => Promise.resolve(keys)) {
  const clock = new VirtualClock();
  let signings = 0;
  const source = eksTokenSource({
    cluster: 'prod',
    region: 'eu-west-1',
    clock,
    credentials: () => {
      signings++;
      return credentials();
    },
  });
  return { clock, source, signings: () => signings };
}

function urlOf(token: string): URL {
  expect(token.startsWith('k8s-aws-v1.')).toBe(true);
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString('utf8'));
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The signature of a presigned GET, from the published recipe (AWS Signature Version 4, query string). */
function signatureOf(url: URL): string {
  const query = [...url.searchParams]
    .filter(([key]) => key !== 'X-Amz-Signature')
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('&');
  const headers = `host:${url.host}\nx-k8s-aws-id:prod\n`;
  const canonical = ['GET', '/', query, headers, 'host;x-k8s-aws-id', sha256('')].join('\n');
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const scope = `${date.slice(0, 8)}/eu-west-1/sts/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const steps = [date.slice(0, 8), 'eu-west-1', 'sts', 'aws4_request', toSign];
  let key: Buffer = Buffer.from(`AWS4${keys.secretAccessKey}`);
  for (const step of steps) key = createHmac('sha256', key).update(step).digest();
  return key.toString('hex');
}

test('a token is a presigned GetCallerIdentity for one cluster, signed as the recipe says', async () => {
  const { source } = start();
  const url = urlOf(await source.token());
  expect(url.origin).toBe('https://sts.eu-west-1.amazonaws.com');
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
    'X-Amz-Date': '20251123T180000Z',
  });
  expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url));
});

test('temporary credentials put their session token into the URL', async () => {
  const { source } = start(() => Promise.resolve({ ...keys, sessionToken: 'session/+=' }));
  const url = urlOf(await source.token());
  expect(url.searchParams.get('X-Amz-Security-Token')).toBe('session/+=');
  expect(url.searchParams.get('X-Amz-Signature')).toBe(signatureOf(url));
});

test('a token serves for ten minutes, or until it was refused', async () => {
  const { source, clock, signings } = start();
  const first = await source.token();
  await clock.advance(TOKEN_MS_MAX - 1);
  expect(await source.token()).toBe(first);
  await clock.advance(1);
  const second = await source.token();
  expect(second).not.toBe(first);
  source.renew();
  await source.token();
  expect(signings()).toBe(3);
});

test('credentials that could not be had are asked for again', async () => {
  let broken = true;
  const { source } = start(() => (broken ? Promise.reject(new Error('no credentials')) : Promise.resolve(keys)));
  await expect(source.token()).rejects.toThrow('no credentials');
  broken = false;
  expect(await source.token()).toMatch(/^k8s-aws-v1\./);
});

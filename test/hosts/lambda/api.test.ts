import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { apiHandler } from '../../../lib/hosts/lambda/api.ts';
import type { HttpAnswer } from '../../../lib/hosts/lambda/api.ts';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { makeLive } from '../../../lib/loop/live/live.ts';
import { memoryStatusDeps } from '../../support/builders-loop.ts';
import { httpEvent, lambdaContext } from '../../support/lambda-events.ts';

const TOKEN = 'a-token-of-some-length';
const DIGEST = createHash('sha256').update(TOKEN).digest('hex');
const context = lambdaContext(new VirtualClock(), 10_000);

/** The store is out of reach: whoever gets past the token sees 503, nobody else sees anything of it. */
function api(statusTokenSha256: string | null = DIGEST) {
  return apiHandler(async () => ({ statusTokenSha256, deps: () => Promise.reject(new Error('Cannot reach Redis')) }));
}

const bearer = (value: string): { headers: Record<string, string> } => ({ headers: { authorization: value } });

describe('GET /healthz', () => {
  test('answers everybody, and says nothing else', async () => {
    const answer = await api()(httpEvent('GET /healthz'), context);
    expect(answer).toMatchObject({ statusCode: 200, body: 'ok\n' });
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('is not ready while the configuration cannot be read, and does not say why', async () => {
    const handler = apiHandler(() => Promise.reject(new Error('canary')));
    const answer = await handler(httpEvent('GET /healthz'), context);
    expect(answer).toMatchObject({ statusCode: 503, body: 'not ready\n' });
  });
});

describe('GET /status', () => {
  test('the token gets through', async () => {
    const answer = await api()(httpEvent('GET /status', bearer(`Bearer ${TOKEN}`)), context);
    expect(answer.statusCode).toBe(503);
  });

  test('the header may be written in any case, as clients do', async () => {
    const event = httpEvent('GET /status', { headers: { Authorization: `Bearer ${TOKEN}` } });
    expect((await api()(event, context)).statusCode).toBe(503);
  });

  test.each([
    ['no header', {}],
    ['an empty header', bearer('')],
    ['no token', bearer('Bearer ')],
    ['another token', bearer('Bearer another-token')],
    ['the token with a letter more', bearer(`Bearer ${TOKEN}x`)],
    ['the token with a letter less', bearer(`Bearer ${TOKEN.slice(0, -1)}`)],
    ['the token in capitals', bearer(`Bearer ${TOKEN.toUpperCase()}`)],
    ['the digest instead of the token', bearer(`Bearer ${DIGEST}`)],
    ['no scheme', bearer(TOKEN)],
    ['another scheme', bearer(`Basic ${TOKEN}`)],
    ['the token twice', bearer(`Bearer ${TOKEN} ${TOKEN}`)],
    ['two headers joined', bearer(`Bearer x, Bearer ${TOKEN}`)],
    ['a blank in front', bearer(` Bearer ${TOKEN}`)],
    ['a line break behind', bearer(`Bearer ${TOKEN}\n`)],
    ['a token that is too long', bearer(`Bearer ${'x'.repeat(600)}`)],
    ['the token in the query', { query: `access_token=${TOKEN}` }],
    ['the token in another header', { headers: { 'x-api-key': TOKEN } }],
  ])('%s gets 401', async (_what, options) => {
    const answer = await api()(httpEvent('GET /status', options), context);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toBe('unauthorized\n');
  });

  test('without a configured token nobody gets in: behind the internet that must not mean everybody', async () => {
    for (const options of [{}, bearer(`Bearer ${TOKEN}`), bearer(`Bearer ${'0'.repeat(64)}`)]) {
      expect((await api(null)(httpEvent('GET /status', options), context)).statusCode).toBe(401);
    }
  });
});

describe('the live page', () => {
  const deps = memoryStatusDeps();
  const live = makeLive({ deps: async () => deps, staleAfterMs: 150_000 });
  const handlerOf = (statusTokenSha256: string | null): ReturnType<typeof apiHandler> =>
    apiHandler(async () => ({ statusTokenSha256, deps: async () => deps, live }));

  const ask = (headers: Readonly<Record<string, string>>, query: string): Promise<HttpAnswer> =>
    handlerOf(DIGEST)(
      httpEvent('GET /live/fleet', { headers: { authorization: `Bearer ${TOKEN}`, ...headers }, query }),
      context,
    );

  test('is there for everybody and empty; what fills it needs the token, and nobody has it where none is configured', async () => {
    for (const digest of [DIGEST, null]) {
      const page = await handlerOf(digest)(httpEvent('GET /'), context);
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.body).not.toContain('llama');
    }
    for (const path of ['/live/fleet', '/live/history', '/live/explain']) {
      expect((await handlerOf(DIGEST)(httpEvent(`GET ${path}`), context)).statusCode).toBe(401);
      const given = await handlerOf(null)(httpEvent(`GET ${path}`, bearer(`Bearer ${TOKEN}`)), context);
      expect(given.statusCode).toBe(401);
    }
  });

  test('query and ETag get through', async () => {
    const found = await ask({}, 'search=llama&sort=name');
    expect(JSON.parse(found.body)).toMatchObject({ workloads: [{ workload: 'llama-8b-chat' }] });
    expect(JSON.parse((await ask({}, 'search=nobody')).body)).toMatchObject({ workloads: [] });
    const again = await ask({ 'If-None-Match': found.headers['etag'] ?? '' }, 'search=llama&sort=name');
    expect(again).toMatchObject({ statusCode: 304, body: '' });
    expect((await ask({}, 'sort=random')).statusCode).toBe(400);
  });
});

describe('everything else', () => {
  test.each([
    ['GET /live'],
    ['GET /status/'],
    ['GET /statu'],
    ['GET //status'],
    ['POST /status'],
    ['HEAD /status'],
    ['get /status'],
    ['DELETE /healthz'],
    ['GET /healthz/../status'],
    ['GET /constructor'],
    ['GET /__proto__'],
  ])('%s does not exist, with and without the token', async (route) => {
    for (const options of [{}, bearer(`Bearer ${TOKEN}`)]) {
      expect(await api()(httpEvent(route, options), context)).toMatchObject({ statusCode: 404, body: 'not found\n' });
    }
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [{}],
    [{ requestContext: null }],
    [{ rawPath: 3, requestContext: { http: [] } }],
  ])('an event like %j does not exist either', async (event) => {
    expect((await api()(event, context)).statusCode).toBe(404);
  });

  test('too many headers, too large a body or query are refused before anything is built', async () => {
    const handler = apiHandler(() => Promise.reject(new Error('must not be built')));
    const status = async (options: Parameters<typeof httpEvent>[1]): Promise<number> =>
      (await handler(httpEvent('GET /status', options), context)).statusCode;
    expect(await status({ headers: { 'x-large': 'x'.repeat(17_000) } })).toBe(431);
    expect(await status({ body: 'x'.repeat(2_000) })).toBe(413);
    expect(await status({ query: 'x'.repeat(2_000) })).toBe(413);
  });
});

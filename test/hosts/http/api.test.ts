import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { TransientError } from '../../../lib/base/errors.ts';
import { answerApi, routes } from '../../../lib/hosts/http/api.ts';
import type { ApiOptions, ApiRequest, ApiResponse } from '../../../lib/hosts/http/api.ts';
import { makeLive } from '../../../lib/loop/live/live.ts';
import { memoryStatusDeps } from '../../support/builders-loop.ts';

const TOKEN = 'correct-horse';
const DIGEST = createHash('sha256').update(TOKEN).digest('hex');

function ask(request: Partial<ApiRequest>, options: Partial<ApiOptions> = {}): Promise<ApiResponse> {
  return answerApi(
    { method: 'GET', path: '/status', authorization: undefined, ...request },
    {
      deps: async () => memoryStatusDeps(),
      statusTokenSha256: DIGEST,
      metricsText: async () => 'penstock_decisions_total 4\n',
      live: makeLive({ deps: options.deps ?? (async () => memoryStatusDeps()), staleAfterMs: 10_000 }),
      ...options,
    },
  );
}

const outOfReach = (): Promise<never> => Promise.reject(new TransientError('Cannot reach Redis'));

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'get', ''];
const PATHS = ['/healthz', '/status', '/metrics', '/', '/live/fleet', '/live/history'];

describe('default deny', () => {
  test.each(METHODS.flatMap((method) => PATHS.map((path) => [method, path] as const)))(
    '%s %s is answered only when it is listed',
    async (method, path) => {
      const { status } = await ask({ method, path, authorization: `Bearer ${TOKEN}` });
      expect(status).toBe(method === 'GET' ? 200 : 404);
    },
  );

  test('the table has seven routes, of which two are open', () => {
    expect(Object.entries(routes).map(([name, { auth }]) => [name, auth])).toEqual([
      ['GET /healthz', 'open'],
      ['GET /status', 'token'],
      ['GET /metrics', 'token'],
      ['GET /', 'open'],
      ['GET /live/fleet', 'token'],
      ['GET /live/history', 'token'],
      ['GET /live/explain', 'token'],
    ]);
  });

  test.each([
    '/live',
    '/live/',
    '/live/fleet/',
    '/index.html',
    '//',
    '',
    '/Status',
    '/status/',
    '//status',
    '/status?x=1',
    '/./status',
    '/healthz/../status',
    '/%73tatus',
    '/__proto__',
    '/constructor',
    '/toString',
    '/hasOwnProperty',
    '*',
  ])('the path "%s" is unknown, with and without a token', async (path) => {
    for (const authorization of [undefined, `Bearer ${TOKEN}`]) {
      const answer = await ask({ path, authorization });
      expect(answer).toMatchObject({ status: 404, body: 'not found\n' });
    }
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'the method "%s" with an empty path is unknown',
    async (method) => {
      expect((await ask({ method, path: '' })).status).toBe(404);
    },
  );
});

describe('the token', () => {
  test.each([
    ['none', undefined],
    ['empty', ''],
    ['without a scheme', TOKEN],
    ['of another scheme', `Basic ${TOKEN}`],
    ['with nothing after the scheme', 'Bearer '],
    ['with two blanks', `Bearer  ${TOKEN}`],
    ['with a blank behind', `Bearer ${TOKEN} `],
    ['with a line break behind', `Bearer ${TOKEN}\n`],
    ['wrong', 'Bearer wrong-horse'],
    ['the digest itself', `Bearer ${DIGEST}`],
    ['too long', `Bearer ${'x'.repeat(513)}`],
    ['not ASCII', 'Bearer tökén'],
  ])('%s is refused, and nothing is told', async (_name, authorization) => {
    for (const path of ['/status', '/metrics', '/live/fleet', '/live/history', '/live/explain']) {
      const answer = await ask({ path, authorization });
      expect(answer).toMatchObject({ status: 401, body: 'unauthorized\n' });
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
  });

  test.each(['Bearer', 'bearer', 'BEARER'])('right, after "%s", is let in', async (scheme) => {
    expect((await ask({ authorization: `${scheme} ${TOKEN}` })).status).toBe(200);
  });

  test('a wrong one costs no look at the store', async () => {
    let looked = 0;
    const deps = async (): Promise<ReturnType<typeof memoryStatusDeps>> => (looked++, memoryStatusDeps());
    await ask({ authorization: 'Bearer wrong-horse' }, { deps });
    expect(looked).toBe(0);
  });

  test('is not asked for where none is configured', async () => {
    expect((await ask({}, { statusTokenSha256: null })).status).toBe(200);
  });

  test.each(['', 'not-hex', 'abcd'])('a configured digest that is none ("%s") lets nobody in', async (digest) => {
    expect((await ask({ authorization: `Bearer ${TOKEN}` }, { statusTokenSha256: digest })).status).toBe(401);
  });
});

describe('answers', () => {
  test('healthz says nothing but ok, also while the store is out of reach', async () => {
    expect(await ask({ path: '/healthz' }, { deps: outOfReach })).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('status is JSON of what the store holds', async () => {
    const answer = await ask({ authorization: `Bearer ${TOKEN}` });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.body)).toMatchObject({
      workloads: [{ workload: 'llama-8b-chat', wanted: null }],
      outbox: 0,
      jobs: 0,
    });
  });

  test('metrics are text, and a route that does not exist where the host keeps none', async () => {
    const request = { path: '/metrics', authorization: `Bearer ${TOKEN}` };
    expect(await ask(request)).toMatchObject({ status: 200, body: 'penstock_decisions_total 4\n' });
    const { metricsText: _, ...without } = {
      deps: async () => memoryStatusDeps(),
      statusTokenSha256: DIGEST,
      metricsText: undefined,
    };
    expect((await answerApi({ method: 'GET', ...request }, without)).status).toBe(404);
  });

  test.each([
    ['the store', { deps: outOfReach }, '/status'],
    ['the metrics', { metricsText: outOfReach }, '/metrics'],
    [
      'a part of the store',
      {
        deps: async () => {
          const deps = memoryStatusDeps();
          return { ...deps, queue: { ...deps.queue, depth: outOfReach } };
        },
      },
      '/status',
    ],
  ])('are 503 with one line when %s cannot be read', async (_name, options, path) => {
    const answer = await ask({ path, authorization: `Bearer ${TOKEN}` }, options);
    expect(answer).toMatchObject({ status: 503, body: '{"error":"Cannot reach Redis"}\n' });
  });

  test.each([
    ['200', { path: '/healthz' }],
    ['200', { authorization: `Bearer ${TOKEN}` }],
    ['401', {}],
    ['404', { path: '/nothing' }],
  ])('%s for %j carry the headers that keep browsers from guessing, framing, caching', async (status, request) => {
    const answer = await ask(request);
    expect(String(answer.status)).toBe(status);
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'",
      'content-type': expect.stringMatching(/^(text\/plain; charset=utf-8|application\/json)$/),
    });
  });
});

describe('the live page', () => {
  const authorization = `Bearer ${TOKEN}`;

  test('is open, says nothing of the installation, and may run only what is written in it', async () => {
    const answer = await ask({ path: '/' }, { deps: outOfReach });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; /);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' });
    expect(answer.body).not.toContain('llama');
  });

  test('and its routes do not exist where the host has none', async () => {
    for (const path of ['/', '/live/fleet', '/live/history', '/live/explain']) {
      const { live: _, ...without } = {
        deps: async () => memoryStatusDeps(),
        statusTokenSha256: DIGEST,
        live: undefined,
      };
      expect((await answerApi({ method: 'GET', path, authorization }, without)).status).toBe(404);
    }
  });

  test('is told the same again in no bytes', async () => {
    const deps = memoryStatusDeps();
    const request = { path: '/live/fleet', query: 'sort=name', authorization };
    const first = await ask(request, { deps: async () => deps });
    const { etag = '' } = first.headers;
    expect(JSON.parse(first.body)).toMatchObject({ workloads: [{ workload: 'llama-8b-chat' }] });
    const again = await ask({ ...request, ifNoneMatch: etag }, { deps: async () => deps });
    expect(again).toMatchObject({ status: 304, body: '', headers: { etag } });
    expect((await ask({ ...request, ifNoneMatch: '"another"' }, { deps: async () => deps })).status).toBe(200);
    expect((await ask({ ...request, ifNoneMatch: etag, authorization: 'Bearer x' })).status).toBe(401);
  });

  test.each([
    ['show=everything', 'show'],
    ['show=__proto__', 'show'],
    ['sort=random', 'sort'],
    ['page=-1', 'page'],
    ['page=1e3', 'page'],
    ['page=1000000', 'page'],
    [`search=${'x'.repeat(101)}`, 'search'],
  ])('refuses the query %j without repeating it', async (query, name) => {
    for (const path of ['/live/fleet', '/live/history']) {
      const answer = await ask({ path, query, authorization });
      expect(answer.status).toBe(400);
      expect(answer.body).toMatch(new RegExp(`^{"error":"Cannot read \\\\"${name}\\\\" of the query: expected `));
      expect(answer.body.length).toBeLessThan(200);
    }
  });

  test('explains a workload, says what there is not, and wants to be asked for something', async () => {
    const explain = (query: string): Promise<ApiResponse> => ask({ path: '/live/explain', query, authorization });
    expect(await explain('of=llama-8b-chat')).toMatchObject({ status: 404 });
    expect((await explain(`of=${'x'.repeat(250)}`)).body.length).toBeLessThan(600);
    for (const query of ['', 'of=', `of=${'x'.repeat(254)}`]) expect((await explain(query)).status).toBe(400);
    expect((await ask({ path: '/live/explain', query: 'of=x', authorization }, { deps: outOfReach })).status).toBe(503);
  });
});

describe('a name that is not of this machine', () => {
  const LOCAL = ['localhost', 'LOCALHOST:8484', '127.0.0.1', '127.77.0.3:8484', '[::1]:8484', undefined];
  const FOREIGN = [
    'evil.example',
    'evil.example:8484',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '',
  ];

  test.each(LOCAL)('no token: Host %s is served', async (host) => {
    expect((await ask({ host }, { statusTokenSha256: null })).status).toBe(200);
  });

  test.each(FOREIGN)('no token: Host %s is refused, so that no web site reads the answer as its own', async (host) => {
    for (const path of ['/status', '/metrics', '/live/fleet']) {
      expect(await ask({ path, host }, { statusTokenSha256: null })).toMatchObject({
        status: 403,
        body: expect.stringContaining('PENSTOCK_STATUS_TOKEN_SHA256'),
      });
    }
    expect((await ask({ path: '/healthz', host }, { statusTokenSha256: null })).status).toBe(200);
  });

  test.each(FOREIGN)('with the token: Host %s is served', async (host) => {
    expect((await ask({ host, authorization: `Bearer ${TOKEN}` })).status).toBe(200);
  });
});

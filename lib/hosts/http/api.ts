/** The read-only HTTP API, the same in the process host and behind Lambda: default deny, every route has an auth class. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf, NotFoundError } from '../../base/errors.ts';
import type { Live } from '../../loop/live/live.ts';
import { readStatus } from '../../loop/status.ts';
import type { StatusDeps } from '../../loop/status.ts';
import { livePage } from './live-page/html.ts';
import { BadQueryError, readChoice, readSubject } from './live-query.ts';

export type ApiRequest = {
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
  readonly authorization: string | undefined;
  /** Without the question mark; taken only by the routes of the live page. */
  readonly query?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
  /** The Host header, where the host has a listener of its own. */
  readonly host?: string | undefined;
};

export type ApiResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type ApiOptions = {
  readonly deps: () => Promise<StatusDeps>;
  /** Hex SHA-256 of the bearer token; null: only local callers can reach it, no token asked. */
  readonly statusTokenSha256: string | null;
  /** Prometheus text, where the host keeps metrics. */
  readonly metricsText?: () => Promise<string>;
  /** What the live page shows; left out: there is none. */
  readonly live?: Live;
};

type Route = {
  readonly auth: 'open' | 'token';
  readonly answer: (options: ApiOptions, request: ApiRequest) => Promise<ApiResponse>;
};

/** Every route there is. The open ones say nothing of the installation: that the process answers, and a page that is empty until its script may read. */
export const routes: Readonly<Record<string, Route>> = {
  'GET /healthz': { auth: 'open', answer: () => Promise.resolve(text(200, 'ok\n')) },
  'GET /status': { auth: 'token', answer: async (options) => json(200, await readStatus(await options.deps())) },
  'GET /metrics': {
    auth: 'token',
    answer: async ({ metricsText }) =>
      metricsText === undefined ? text(404, 'not found\n') : text(200, await metricsText()),
  },
  'GET /': { auth: 'open', answer: async ({ live }) => (live === undefined ? text(404, 'not found\n') : page()) },
  'GET /live/fleet': { auth: 'token', answer: answerLive((live, query) => live.view(readChoice(query))) },
  'GET /live/history': { auth: 'token', answer: answerLive((live, query) => live.history(readChoice(query))) },
  'GET /live/explain': { auth: 'token', answer: answerLive((live, query) => live.explain(readSubject(query))) },
};

/** JSON that need not be sent again while it is the same. 400 for a query that cannot be read, 404 for what is not there. */
function answerLive(read: (live: Live, query: string) => Promise<unknown>): Route['answer'] {
  return async ({ live }, { query = '', ifNoneMatch }) => {
    if (live === undefined) return text(404, 'not found\n');
    try {
      const answer = json(200, await read(live, query));
      const etag = `"${createHash('sha256').update(answer.body).digest('base64url').slice(0, 27)}"`;
      const isKnown = ifNoneMatch === etag;
      return {
        ...answer,
        status: isKnown ? 304 : 200,
        body: isKnown ? '' : answer.body,
        headers: { ...answer.headers, etag },
      };
    } catch (error) {
      if (error instanceof BadQueryError) return json(400, { error: error.message });
      if (error instanceof NotFoundError) return json(404, { error: error.message.slice(0, ERROR_LENGTH_MAX) });
      throw error;
    }
  };
}

/** An error may name every workload there is. */
const ERROR_LENGTH_MAX = 500;

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'",
};

/** Answers one request; never throws. 401 without a valid token, 403 where none is asked and the Host is not of this machine, 404 for what is not listed, 503 when the store is out of reach. */
export async function answerApi(request: ApiRequest, options: ApiOptions): Promise<ApiResponse> {
  const name = `${request.method} ${request.path}`;
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined) return text(404, 'not found\n');
  if (route.auth === 'token' && !mayRead(request.authorization, options.statusTokenSha256)) {
    const refused = text(401, 'unauthorized\n');
    return { ...refused, headers: { ...refused.headers, 'www-authenticate': 'Bearer' } };
  }
  if (route.auth === 'token' && options.statusTokenSha256 === null && !isLocalName(request.host)) {
    return text(
      403,
      'expected a Host of this machine (localhost, 127.0.0.1, [::1]), or PENSTOCK_STATUS_TOKEN_SHA256\n',
    );
  }
  try {
    return await route.answer(options, request);
  } catch (error) {
    return json(503, { error: messageOf(error) });
  }
}

/** Compares digests of equal length in constant time; a digest that is none lets nobody in. */
function mayRead(authorization: string | undefined, digestHex: string | null): boolean {
  if (digestHex === null) return true;
  // The scheme's name is case-insensitive (RFC 9110, 11.1).
  const token = /^bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return false;
  const given = createHash('sha256').update(token).digest();
  const expected = Buffer.from(digestHex, 'hex');
  return expected.length === given.length && timingSafeEqual(given, expected);
}

/**
 * Whether a request that needs no token means this machine by its name, too. A page of some other site may have its own name resolve to 127.0.0.1, and would
 * read the answer as its own (DNS rebinding); a browser says in Host what name it asked for.
 */
function isLocalName(host: string | undefined): boolean {
  return host === undefined || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}

function text(status: number, body: string): ApiResponse {
  return { status, headers: { ...SAFE_HEADERS, 'content-type': 'text/plain; charset=utf-8' }, body };
}

function page(): ApiResponse {
  const { html, contentSecurityPolicy } = livePage();
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': contentSecurityPolicy };
  return { status: 200, headers: { ...SAFE_HEADERS, ...headers, 'referrer-policy': 'no-referrer' }, body: html };
}

function json(status: number, value: unknown): ApiResponse {
  return {
    status,
    headers: { ...SAFE_HEADERS, 'content-type': 'application/json' },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** The read-only HTTP API, the same in the process host and behind Lambda: default deny, every route has an auth class. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf } from '../base/errors.ts';
import { readStatus } from '../loop/status.ts';
import type { StatusDeps } from '../loop/status.ts';

export type ApiRequest = {
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
  readonly authorization: string | undefined;
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
};

type Route = { readonly auth: 'open' | 'token'; readonly answer: (options: ApiOptions) => Promise<ApiResponse> };

/** Every route there is. `/healthz` says nothing but that the process answers. */
export const routes: Readonly<Record<string, Route>> = {
  'GET /healthz': { auth: 'open', answer: () => Promise.resolve(text(200, 'ok\n')) },
  'GET /status': { auth: 'token', answer: async (options) => json(200, await readStatus(await options.deps())) },
  'GET /metrics': {
    auth: 'token',
    answer: async ({ metricsText }) =>
      metricsText === undefined ? text(404, 'not found\n') : text(200, await metricsText()),
  },
};

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'",
};

/** Answers one request; never throws. 401 without a valid token, 404 for what is not listed, 503 when the store is out of reach. */
export async function answerApi(request: ApiRequest, options: ApiOptions): Promise<ApiResponse> {
  const name = `${request.method} ${request.path}`;
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
  if (route === undefined) return text(404, 'not found\n');
  if (route.auth === 'token' && !mayRead(request.authorization, options.statusTokenSha256)) {
    const refused = text(401, 'unauthorized\n');
    return { ...refused, headers: { ...refused.headers, 'www-authenticate': 'Bearer' } };
  }
  try {
    return await route.answer(options);
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

function text(status: number, body: string): ApiResponse {
  return { status, headers: { ...SAFE_HEADERS, 'content-type': 'text/plain; charset=utf-8' }, body };
}

function json(status: number, value: unknown): ApiResponse {
  return {
    status,
    headers: { ...SAFE_HEADERS, 'content-type': 'application/json' },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** The one way alerts leave over HTTP: to checked addresses only, once, bounded in time and size. */
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Clock } from '../base/clock.ts';
import { ConfigError, DeniedError, messageOf, TransientError, type PenstockError } from '../base/errors.ts';
import { addressRules } from './address-check.ts';

export type ResolvedAddress = { readonly address: string; readonly family: number };
/** Resolves a name to all of its addresses. */
export type ResolveName = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export type PostRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Private ranges (CIDR) that are receivers on purpose. */
  readonly allowPrivate: readonly string[];
};

/**
 * Sends one POST. Resolves on 2xx. Throws TransientError (408, 425, 429, 5xx, timeout, connection; with Retry-After), DeniedError (401, 403), ConfigError
 * (other status, redirect, refused URL or address). Errors name the host, never the rest of the URL, and never what the receiver answered.
 */
export type HttpPost = (request: PostRequest) => Promise<void>;

export type HttpPostOptions = {
  readonly clock: Clock;
  readonly resolve?: ResolveName;
  /** From the first look-up to the last byte [ms]. */
  readonly deadlineMs?: number;
  /** PEM of a private certificate authority. */
  readonly caPem?: string;
};

/** The lower bound that the Standard Webhooks specification recommends: a receiver that needs longer should queue. */
const DEADLINE_MS_MAX = 15_000;

/** Of an answer only the status counts; so much of the rest is read to leave the connection clean. */
const RESPONSE_BYTES_MAX = 65_536;
/** Once the status is there, the rest of the answer gets this long [ms]. */
const REST_MS_MAX = 1_000;

const PORT_HTTPS = 443;
/** Below this are mail, shells and name servers: no webhook receiver on the public Internet listens there. */
const PORT_MIN_OTHER = 1_024;

/** Makes the poster. It keeps no connection open and follows no proxy settings. */
export function httpPoster(options: HttpPostOptions): HttpPost {
  return async (request) => {
    const url = checkedUrl(request.url);
    const ended = new AbortController();
    const deadlineMs = options.deadlineMs ?? DEADLINE_MS_MAX;
    const late = options.clock.sleep(deadlineMs, ended.signal).then(() => {
      throw new TransientError(
        `Cannot deliver to "${url.hostname}": expected an answer within ${deadlineMs} ms, current value is none`,
      );
    });
    try {
      await Promise.race([deliver(url, request, { options, signal: ended.signal }), late]);
    } finally {
      ended.abort();
    }
  };
}

/** An absolute http(s) URL without credentials. Throws ConfigError that does not repeat the URL: it may hold a secret. */
function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw urlError('not a URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw urlError(`a URL of scheme "${url.protocol}"`);
  if (url.username !== '' || url.password !== '') throw urlError('a URL with a user or password');
  return url;
}

function urlError(current: string): ConfigError {
  return new ConfigError(
    `Cannot deliver an alert: expected an https URL without user or password, current value is ${current}`,
  );
}

type Delivery = { readonly options: HttpPostOptions; readonly signal: AbortSignal };

async function deliver(url: URL, request: PostRequest, delivery: Delivery): Promise<void> {
  const addresses = await checkedAddresses(url, request, delivery.options.resolve ?? resolveAll);
  const response = await send(url, request, { ...delivery, addresses });
  const outcome = outcomeOf(url, response, delivery.options.clock.nowMs());
  await discard(response, delivery.options.clock);
  if (outcome !== undefined) throw outcome;
}

/** Every address of the name, all of them fit to be connected to. */
async function checkedAddresses(
  url: URL,
  request: PostRequest,
  resolve: ResolveName,
): Promise<readonly ResolvedAddress[]> {
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  const rules = addressRules(request.allowPrivate);
  const addresses = ipaddr.isValid(host)
    ? [{ address: host, family: host.includes(':') ? 6 : 4 }]
    : await resolved(host, resolve);
  const refuse = (what: string): never => {
    throw new ConfigError(`Cannot deliver to "${url.hostname}": expected ${what}`);
  };
  const port = url.port === '' ? PORT_HTTPS : Number(url.port);
  for (const { address } of addresses) {
    const verdict = rules.judge(address);
    if (typeof verdict === 'object')
      return refuse(`a public address or one in allowPrivate, current value is ${address} (${verdict.refused})`);
    if (verdict === 'allowed') continue;
    if (url.protocol !== 'https:')
      return refuse('https, current value is http (plain http only to addresses in allowPrivate)');
    if (port !== PORT_HTTPS && port < PORT_MIN_OTHER)
      return refuse(`port ${PORT_HTTPS} or one above ${PORT_MIN_OTHER - 1}, current value is ${port}`);
  }
  return addresses;
}

async function resolved(host: string, resolve: ResolveName): Promise<readonly ResolvedAddress[]> {
  const failed = (reason: string, cause?: unknown): TransientError =>
    new TransientError(`Cannot deliver to "${host}": expected the name to resolve, current value is ${reason}`, {
      cause,
    });
  let addresses: readonly ResolvedAddress[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    throw failed(messageOf(error), error);
  }
  if (addresses.length === 0) throw failed('no address');
  return addresses;
}

const resolveAll: ResolveName = (hostname) => lookup(hostname, { all: true, verbatim: true });

function send(
  url: URL,
  request: PostRequest,
  { options, signal, addresses }: Delivery & { readonly addresses: readonly ResolvedAddress[] },
): Promise<IncomingMessage> {
  const isHttps = url.protocol === 'https:';
  const settings: RequestOptions & { readonly ca?: string; readonly servername?: string } = {
    method: 'POST',
    headers: { 'user-agent': 'penstock', ...request.headers, 'content-length': Buffer.byteLength(request.body) },
    // Agents of our own: no kept connections, none of the process-wide proxy settings.
    agent: isHttps ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
    lookup: only(addresses),
    signal,
    ...(isHttps && options.caPem !== undefined ? { ca: options.caPem } : {}),
    ...(isHttps && !ipaddr.isValid(url.hostname.replaceAll(/^\[|\]$/g, ''))
      ? { servername: url.hostname.replace(/\.$/, '') }
      : {}),
  };
  return new Promise((resolve, reject) => {
    const outgoing = isHttps ? httpsRequest(url, settings, resolve) : httpRequest(url, settings, resolve);
    outgoing.on('error', (error) => {
      reject(
        new TransientError(
          `Cannot deliver to "${url.hostname}": expected a connection, current value is "${messageOf(error)}"`,
          { cause: error },
        ),
      );
    });
    outgoing.end(request.body);
  });
}

/** Answers with the addresses that were checked: a second look-up could say something else. */
function only(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

function outcomeOf(url: URL, response: IncomingMessage, nowMs: number): PenstockError | undefined {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return undefined;
  const text = `Cannot deliver to "${url.hostname}": expected a 2xx status, current value is ${status}`;
  if (status === 401 || status === 403) return new DeniedError(text);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = retryAfter(response.headers['retry-after'], nowMs);
    return new TransientError(text, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  return new ConfigError(status >= 300 && status < 400 ? `${text} (redirects are not followed)` : text);
}

/** Retry-After as seconds or as a date [ms from now]; undefined when it is neither. */
function retryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Reads and forgets the rest of the answer, as far as it is short. */
async function discard(response: IncomingMessage, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const read = new Promise<void>((resolve) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > RESPONSE_BYTES_MAX) resolve();
    });
    response
      .on('close', resolve)
      .on('end', resolve)
      .on('error', () => resolve());
  });
  await Promise.race([read, clock.sleep(REST_MS_MAX, ended.signal)]);
  ended.abort();
  response.destroy();
}

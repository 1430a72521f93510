/** JSON over HTTP/1.1, to a URL or a unix socket: bounded in time and size, failures as our errors. */
import { Buffer } from 'node:buffer';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { DeniedError, TransientError } from '../base/errors.ts';
import type { PenstockError } from '../base/errors.ts';
import { thrownOf } from './thrown.ts';

export type HttpEndpoint = {
  /** `http:` or `https:`, with or without a path that comes before every other. */
  readonly url: URL;
  /** A unix socket to connect to; the URL then only names the host. */
  readonly socketPath?: string;
  /** PEM: a private authority, and who we are. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
};

export type HttpCall = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query, starting with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body?: string;
  /** From the look-up to the last byte [ms], default {@link HTTP_MS_MAX}. */
  readonly timeoutMs?: number;
  /** Aborts when so many ms have passed; default `AbortSignal.timeout`. */
  readonly deadlineOf?: ((timeoutMs: number) => AbortSignal) | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
};

/** Three of these fit into one actuation step of 3 s; an orchestrator that takes longer to look up one object is not healthy. */
export const HTTP_MS_MAX = 900;

/** 5,000 tasks of 3 kB with as much history again; more than that is not an answer to our question [bytes]. */
export const HTTP_BYTES_MAX = 32 * 2 ** 20;

/** What TLS says when one side does not believe the other. Waiting does not help. */
const UNTRUSTED =
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL_[A-Z0-9_]*(ALERT|UNKNOWN_CA|WRONG_VERSION)/;

/**
 * Sends one request; `what` completes `Cannot …`. Every request has its own connection: a kept one that the server just closed would make a write look
 * failed that was never sent, and there are only a few calls per step. Redirects are answers like others. Throws TransientError (network, timeout, too
 * long an answer) and DeniedError (TLS: one side does not trust the other).
 */
export async function sendHttp(endpoint: HttpEndpoint, what: string, call: HttpCall): Promise<HttpAnswer> {
  const timeoutMs = call.timeoutMs ?? HTTP_MS_MAX;
  const timeout = call.deadlineOf?.(timeoutMs) ?? AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(endpoint, call, timeout);
    return { status: response.statusCode ?? 0, headers: response.headers, text: await bodyOf(response) };
  } catch (error) {
    throw timeout.aborted ? unanswered(what, `none within ${timeoutMs} ms`, error) : networkError(what, error);
  }
}

function send(endpoint: HttpEndpoint, call: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, socketPath, tls } = endpoint;
  const isHttps = url.protocol === 'https:';
  const options: RequestOptions & { readonly ca?: string; readonly cert?: string; readonly key?: string } = {
    method: call.method,
    path: `${url.pathname.replace(/\/$/, '')}${call.path}`,
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    ...(url.port === '' ? {} : { port: url.port }),
    ...(socketPath === undefined ? {} : { socketPath }),
    headers: {
      accept: 'application/json',
      'user-agent': 'penstock',
      ...call.headers,
      ...(call.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(call.body) }),
    },
    // Agents of our own: no kept connections, none of the process-wide settings.
    agent: isHttps ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
    signal,
    ...tls,
  };
  return new Promise((resolve, reject) => {
    const outgoing = isHttps ? httpsRequest(options, resolve) : httpRequest(options, resolve);
    outgoing.on('error', reject);
    outgoing.end(call.body);
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > HTTP_BYTES_MAX) {
      response.destroy();
      throw new Error(`more than ${HTTP_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function networkError(what: string, error: unknown): PenstockError {
  const { name, code, message } = thrownOf(error);
  const found = message === '' ? code || name : message;
  if (!UNTRUSTED.test(code)) return unanswered(what, found, error);
  const text = `Cannot ${what}: expected certificates that both sides trust, current value is ${found}`;
  return new DeniedError(text, { cause: error });
}

function unanswered(what: string, found: string, cause: unknown): TransientError {
  return new TransientError(`Cannot ${what}: expected an answer, current value is ${found}`, { cause });
}

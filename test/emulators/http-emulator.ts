/** What both emulators share: a server on 127.0.0.1 or a unix socket, plain or TLS, that keeps its requests and fails on demand. */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { HttpEndpoint } from '../../lib/clients/http-json.ts';

export type Answer = {
  readonly status: number;
  /** An object becomes JSON; undefined: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Asked = {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  /** What was answered; undefined while nothing was. */
  status?: number;
};

export type Fault =
  /** Answers instead of the emulator; the request has no effect. */
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The request takes effect, the answer never comes. */
  | { readonly kind: 'lost' }
  /** Nothing happens and nobody answers. */
  | { readonly kind: 'hang' };

export type FaultRule = { readonly method?: string; readonly path?: RegExp; readonly times?: number } & Fault;

export type ServerOptions = {
  /** A unix socket instead of a port. */
  readonly socketPath?: string;
  /** PEM. With `ca`, clients must show a certificate of it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
};

export type Emulator = {
  readonly endpoint: HttpEndpoint;
  /** Requests that arrived, oldest first. */
  readonly requests: Asked[];
  /** In force until used up (default: for good); the newest rule that fits counts. */
  fail(rule: FaultRule): void;
  heal(): void;
  /** Something that happens just before the next request that fits is worked on. */
  before(method: string, action: () => void): void;
  close(): Promise<void>;
};

export async function startEmulator(answer: (asked: Asked) => Answer, options: ServerOptions = {}): Promise<Emulator> {
  const requests: Asked[] = [];
  const rules: { rule: FaultRule; left: number }[] = [];
  const actions: { method: string; action: () => void }[] = [];
  const open = new Set<ServerResponse>();

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    open.add(response);
    response.on('close', () => open.delete(response));
    const asked = await read(request);
    requests.push(asked);
    const index = actions.findIndex((one) => one.method === asked.method);
    if (index !== -1) actions.splice(index, 1)[0]?.action();
    const due = rules.findLast((one) => one.left > 0 && fits(one.rule, asked));
    if (due !== undefined) due.left--;
    if (due?.rule.kind === 'hang') return;
    const made = due?.rule.kind === 'answer' ? due.rule.answer : answer(asked);
    if (due?.rule.kind === 'lost') return void request.socket.destroy();
    asked.status = made.status;
    write(response, made);
  };
  const server = serverOf((request, response) => void handle(request, response), options);
  await new Promise<void>((resolve) => {
    if (options.socketPath === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(options.socketPath, resolve);
  });
  return {
    endpoint: endpointOf(server, options),
    requests,
    fail: (rule) => void rules.push({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }),
    heal: () => void rules.splice(0),
    before: (method, action) => void actions.push({ method, action }),
    close: async () => {
      for (const response of open) response.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serverOf(listener: RequestListener, { tls }: ServerOptions): Server {
  if (tls === undefined) return createServer(listener);
  const mutual = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ ...tls, ...mutual }, listener);
}

function endpointOf(server: Server, { socketPath, tls }: ServerOptions): HttpEndpoint {
  if (socketPath !== undefined) return { url: new URL('http://localhost'), socketPath };
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`) };
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const url = new URL(request.url ?? '/', 'http://emulator');
  return { method: request.method ?? '', url, body: Buffer.concat(chunks).toString(), headers: request.headers };
}

function fits(rule: FaultRule, asked: Asked): boolean {
  return (rule.method ?? asked.method) === asked.method && (rule.path?.test(asked.url.pathname) ?? true);
}

function write(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
  response.end(body === undefined ? undefined : isText ? body : `${JSON.stringify(body)}\n`);
}

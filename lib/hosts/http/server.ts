/** Serves the HTTP API in the process host. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { ConfigError, messageOf } from '../../base/errors.ts';
import { answerApi } from './api.ts';
import type { ApiOptions } from './api.ts';

/** A slow client may hold a socket so long, not longer [ms]. */
const REQUEST_MS_MAX = 10_000;
const HEADER_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 256;

export type HttpServer = { readonly port: number; close(): Promise<void> };

/** Listens on `host:port` (port 0: any free one). `requestMsMax`: time for one request to arrive [ms], default 10 s. Rejects with ConfigError when the port is taken or not ours to use. */
export async function serveApi(
  listen: { readonly host: string; readonly port: number; readonly requestMsMax?: number },
  options: ApiOptions,
): Promise<HttpServer> {
  const requestMsMax = listen.requestMsMax ?? REQUEST_MS_MAX;
  const server: Server = createServer(
    {
      requestTimeout: requestMsMax,
      headersTimeout: requestMsMax,
      // Node's default looks only every 30 s, so that a slow client could stay for 40.
      connectionsCheckingInterval: Math.min(1_000, requestMsMax),
      maxHeaderSize: HEADER_BYTES_MAX,
      keepAliveTimeout: 5_000,
    },
    (request, response) => {
      const url = request.url ?? '/';
      const mark = url.indexOf('?');
      const path = mark < 0 ? url : url.slice(0, mark);
      const query = mark < 0 ? '' : url.slice(mark + 1);
      const { authorization, host, 'if-none-match': ifNoneMatch } = request.headers;
      // Nothing here reads a body.
      request.resume();
      void answerApi({ method: request.method ?? '', path, query, authorization, ifNoneMatch, host }, options).then(
        (answer) => {
          response.writeHead(answer.status, answer.headers);
          response.end(answer.body);
        },
      );
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(listen, cause)));
    server.listen(listen.port, listen.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : listen.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function cannotListen({ host, port }: { readonly host: string; readonly port: number }, cause: Error): ConfigError {
  const text = `Cannot serve "${host}:${port}": expected a free port (PENSTOCK_HTTP_HOST, PENSTOCK_HTTP_PORT)`;
  return new ConfigError(`${text}, current value is ${messageOf(cause)}`, { cause });
}

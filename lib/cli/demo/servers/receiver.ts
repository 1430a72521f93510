/** A local alert receiver: checks the Standard Webhooks signature of every message, as a real one would. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { OpsAlert } from '../../../../events/schema/index.ts';

export type Receiver = {
  readonly url: string;
  /** Distinct messages with a valid signature, in the order of arrival. */
  received(): readonly OpsAlert[];
  /** Messages whose signature did not hold. */
  rejected(): number;
  close(): Promise<void>;
};

const BODY_BYTES_MAX = 65_536;

/** Listens on a free loopback port. `secret`: `whsec_…`. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const webhook = new Webhook(secret);
  const alerts = new Map<string, OpsAlert>();
  let rejected = 0;
  const server = createServer((request, response) => {
    const accept = (body: string): void => {
      webhook.verify(body, headersOf(request));
      alerts.set(String(request.headers['webhook-id']), JSON.parse(body) as OpsAlert);
    };
    // A sender that hangs up in the middle of its body has sent nothing valid, either.
    void readBody(request)
      .then(accept)
      .then(
        () => response.writeHead(204).end(),
        () => {
          rejected += 1;
          response.writeHead(400).end();
        },
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    received: () => [...alerts.values()],
    rejected: () => rejected,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  // A character may be cut between two chunks.
  request.setEncoding('utf8');
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > BODY_BYTES_MAX) break;
  }
  return body;
}

function headersOf(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

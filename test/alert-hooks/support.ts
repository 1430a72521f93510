/** Builders and local receivers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OpsAlert } from '../../lib/core/types.ts';

export function anAlert(overrides: Partial<OpsAlert> = {}): OpsAlert {
  return {
    schema: 'penstock.ops-alert/1',
    key: 'capacity-shortage/g5-od',
    state: 'firing',
    severity: 'critical',
    sinceMs: 1_763_920_700_000,
    atMs: 1_763_920_803_120,
    title: 'g5-od cannot get 2 nodes',
    workloads: ['llama-8b-chat'],
    decision: 'd_4f1c000000000000',
    detail: '2 of 8 nodes missing for 103 s.',
    doc: 'docs/failures.md#capacity-shortage',
    ...overrides,
  };
}

export type Received = { readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string };
export type Receiver = {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  close(): Promise<void>;
};

export type Answer = (response: ServerResponse, request: Received) => void;

/** A receiver on 127.0.0.1 that records every request and then answers as told. */
export async function startReceiver(
  answer: Answer = (response) => void response.writeHead(200).end('ok'),
): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      answer(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

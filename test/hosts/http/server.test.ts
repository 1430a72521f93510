import { request } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { serveApi } from '../../../lib/hosts/http/server.ts';
import type { HttpServer } from '../../../lib/hosts/http/server.ts';
import { memoryStatusDeps } from '../../support/builders-loop.ts';

const open: HttpServer[] = [];

async function serve(listen: { requestMsMax?: number; port?: number } = {}): Promise<HttpServer> {
  const server = await serveApi(
    { host: '127.0.0.1', port: 0, ...listen },
    { deps: async () => memoryStatusDeps(), statusTokenSha256: null },
  );
  open.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

/** Resolves with everything the server sent when it has closed the connection. */
function untilClosed(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

function get(
  port: number,
  path = '/healthz',
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers }, (message) => {
      let body = '';
      message.on('data', (chunk) => (body += String(chunk)));
      message.on('end', () => resolve({ status: message.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('serveApi', () => {
  test('on port 0 takes a free port, and says which', async () => {
    const [one, two] = [await serve(), await serve()];
    expect(one.port).toBeGreaterThan(0);
    expect(two.port).not.toBe(one.port);
    expect(await get(one.port)).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test('rejects when the port is taken', async () => {
    const { port } = await serve();
    await expect(serve({ port })).rejects.toThrow('EADDRINUSE');
  });

  test('leaves the query out of the path, and passes the status on', async () => {
    const { port } = await serve();
    expect((await get(port, '/status?token=x')).status).toBe(200);
    expect((await get(port, '/nothing')).status).toBe(404);
    expect((await get(port, 'http://elsewhere.example/status')).status).toBe(404);
  });

  test('a web site whose name stands for this machine reads nothing', async () => {
    const { port } = await serve();
    expect(await get(port, '/status')).toMatchObject({ status: 200 });
    expect(await get(port, '/status', { host: 'evil.example' })).toMatchObject({ status: 403 });
  });

  test('refuses headers beyond 16 KB', async () => {
    const { port } = await serve();
    const socket = connect(port, '127.0.0.1');
    const answer = untilClosed(socket);
    socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-padding: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('cuts a client that sends its headers too slowly', async () => {
    const { port } = await serve({ requestMsMax: 100 });
    const socket = connect(port, '127.0.0.1');
    const answer = untilClosed(socket);
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ');
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('cuts a client that never ends its body', async () => {
    const { port } = await serve({ requestMsMax: 100 });
    const socket = connect(port, '127.0.0.1');
    const answer = untilClosed(socket);
    socket.write('POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nx');
    expect(await answer).toMatch(/^HTTP\/1\.1 (404|408) /);
  });

  test('closes at once although a client keeps its connection open', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1');
    const closed = untilClosed(socket);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await answered;
    await server.close();
    const answer = await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('keep-alive');
    await expect(get(server.port)).rejects.toThrow('ECONNREFUSED');
  });

  test('closes while a request is only half sent', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const answer = untilClosed(socket);
    socket.write('GET /healthz HTTP/1.1\r\n');
    await server.close();
    expect(await answer).toBe('');
  });
});

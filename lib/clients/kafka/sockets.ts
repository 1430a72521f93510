/** Sockets for kafkajs: they can be cut off for good, and can hand fetched batches over undecoded. */
import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs';
import { messageOf } from '../../base/errors.ts';
import { FETCH_API_KEY, wrapFetchResponse } from './fetch-response.ts';
import { frameReader } from './frames.ts';

/** The sockets of one kafkajs client. */
export type KafkaSockets = { readonly factory: ISocketFactory; cut(): void };

/** Below the idle timeouts of NAT gateways and load balancers (350 s on AWS). */
const KEEP_ALIVE_MS = 60_000;

/** Makes the socket factory of one kafkajs client. */
export function openSockets(options: { readonly rawBatches: boolean }): KafkaSockets {
  const open = new Set<net.Socket>();
  let isCut = false;
  const factory: ISocketFactory = (args) => {
    // kafkajs turns a throw into a connection error, and its bounded retries then end.
    if (isCut) throw new Error('this Kafka client was stopped');
    const socket = connect(args);
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (options.rawBatches) wrapBatches(socket);
    return socket;
  };
  const cut = (): void => {
    isCut = true;
    // An error, because kafkajs does not listen to `close`: its pending requests would wait for their timeouts.
    for (const socket of open) {
      if (socket.writableEnded) socket.destroy();
      else socket.destroy(new Error('this Kafka client was stopped'));
    }
  };
  return { factory, cut };
}

function connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): net.Socket {
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  // kafkajs passes `null` where TLS is off, although its types say otherwise.
  const options = ssl as tls.ConnectionOptions | null | undefined;
  const socket = options
    ? tls.connect({ host, port, ...servername, ...options }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  return socket;
}

/** Rewrites fetch answers on their way from the socket to kafkajs. */
function wrapBatches(socket: net.Socket): void {
  const fetchVersions = new Map<number, number>();
  const write = socket.write.bind(socket) as (data: Uint8Array, encoding: BufferEncoding) => boolean;
  const on = socket.on.bind(socket) as (event: string, listener: (...args: unknown[]) => void) => net.Socket;

  // kafkajs writes one whole request at a time: size, API key, API version, correlation id.
  socket.write = ((data: Buffer, encoding: BufferEncoding) => {
    if (data.length >= 12 && data.readInt16BE(4) === FETCH_API_KEY) {
      fetchVersions.set(data.readInt32BE(8), data.readInt16BE(6));
    }
    return write(data, encoding);
  }) as typeof socket.write;

  socket.on = ((event: string, listener: (...args: unknown[]) => void) => {
    if (event !== 'data') return on(event, listener);
    const read = frameReader((frame) => {
      const correlationId = frame.length >= 8 ? frame.readInt32BE(4) : -1;
      const version = fetchVersions.get(correlationId);
      fetchVersions.delete(correlationId);
      if (version === undefined) return listener(frame);
      for (const segment of wrapFetchResponse(frame, version)) listener(segment);
    });
    return on('data', (chunk) => {
      try {
        read(chunk as Buffer);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
  }) as typeof socket.on;
}

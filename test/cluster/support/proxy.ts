/** A proxy on 127.0.0.1 in front of an API server: passes bytes on, late, or not at all. TLS goes through it untouched. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export type Proxy = {
  /** Stands in for the server's URL. */
  readonly url: string;
  /** How late what is sent to the server and back arrives [ms]; from now on. */
  delayMs: { request: number; answer: number };
  /** True: connections stay open and nothing comes through them any more, in either direction, as behind a firewall that has forgotten them. What is swallowed is lost. */
  isSilent: boolean;
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>;
};

/** Starts one before `server`, without delay. */
export async function startProxy(server: string): Promise<Proxy> {
  const target = new URL(server);
  const sockets = new Set<Socket>();
  const proxy = { delayMs: { request: 0, answer: 0 }, isSilent: false };
  const listener = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Either side may hang up at any time: that is what this is for.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    // A connection that has lost bytes is of no use to anybody, whatever comes later.
    const passes = { isLost: false };
    const keepsOn = (): boolean => !(passes.isLost ||= proxy.isSilent);
    passOn(client, upstream, { delayMs: () => proxy.delayMs.request, keepsOn });
    passOn(upstream, client, { delayMs: () => proxy.delayMs.answer, keepsOn });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return Object.assign(proxy, {
    url: `${target.protocol}//127.0.0.1:${port}`,
    cut: async (): Promise<void> => {
      const isClosed = once(listener, 'close');
      listener.close();
      for (const socket of sockets) socket.destroy();
      await isClosed;
    },
  });
}

type Passing = { readonly delayMs: () => number; readonly keepsOn: () => boolean };

function passOn(from: Duplex, to: Duplex, { delayMs, keepsOn }: Passing): void {
  from.on('data', (chunk: Buffer) => {
    if (!keepsOn()) return;
    const pass = (): void => {
      if (!to.destroyed) to.write(chunk);
    };
    const waitMs = delayMs();
    if (waitMs === 0) pass();
    else setTimeout(pass, waitMs).unref();
  });
}

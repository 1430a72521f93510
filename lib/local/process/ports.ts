/** Ports nobody uses, for servers that must be told their port before they start. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { TransientError } from '../../base/errors.ts';

export const LOOPBACK = '127.0.0.1';

/** Below the ranges from which Linux (32768+) and macOS (49152+) take the local ports of outgoing connections: a port
 *  found here stays free until the server binds it, and between a kill and the restart. */
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;

/** Half the range would have to be taken for this many misses to be likely by chance. */
const TRIES_MAX = 64;

/** Returns `count` different TCP ports that are free on 127.0.0.1 now. Throws TransientError when it finds none. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > TRIES_MAX + count) {
      throw new TransientError(
        `Cannot find a free port: expected one from ${PORT_MIN} to ${PORT_MAX}, current value is none`,
      );
    }
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen({ host: LOOPBACK, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

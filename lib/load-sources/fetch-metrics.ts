/** One GET of a metrics page, bounded in time and size. */
import { Buffer } from 'node:buffer';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { messageOf, TransientError } from '../base/errors.ts';
import { linkedSignal } from '../base/linked-signal.ts';

/** A busy vLLM with many models writes some 200 kB. */
const BODY_BYTES_MAX = 4 * 2 ** 20;

export type FetchLimits = {
  /** For everything, the last byte included [ms]. */
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
  /** Aborts when so many ms have passed; default `AbortSignal.timeout`. */
  readonly deadlineOf?: ((timeoutMs: number) => AbortSignal) | undefined;
};

/**
 * The text of the page. Each scrape has its own connection: servers close idle ones at about our period, and a race for one would look like a
 * failing pod. Redirects are not followed. Throws TransientError whose message is the reason alone.
 */
export async function fetchMetrics(url: string, { timeoutMs, signal, deadlineOf }: FetchLimits): Promise<string> {
  const timeout = deadlineOf?.(timeoutMs) ?? AbortSignal.timeout(timeoutMs);
  const linked = linkedSignal(signal);
  timeout.addEventListener('abort', linked.abort, { once: true });
  try {
    const response = await get(url, linked.signal);
    return await bodyOf(response);
  } catch (error) {
    if (signal.aborted) throw new TransientError('stopped', { cause: error });
    if (timeout.aborted) throw new TransientError(`no complete answer within ${timeoutMs} ms`, { cause: error });
    throw error instanceof TransientError ? error : new TransientError(messageOf(error), { cause: error });
  } finally {
    timeout.removeEventListener('abort', linked.abort);
    linked.release();
  }
}

function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'text/plain;version=0.0.4,*/*;q=0.1',
      'user-agent': 'penstock-bridge',
      connection: 'close',
    };
    const sent = request(url, { agent: false, headers, signal }, resolve);
    sent.on('error', reject);
    sent.end();
  });
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) {
    response.destroy();
    throw new TransientError(`answered with status ${response.statusCode ?? 'none'}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      response.destroy();
      throw new TransientError(`answered with more than ${BODY_BYTES_MAX} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

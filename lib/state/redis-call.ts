/** Calls to Redis with our errors, and scripts of one key. */
import { createHash } from 'node:crypto';
import { DeniedError, messageOf, TransientError } from '../base/errors.ts';
import type { RedisClient } from '../clients/redis.ts';

/** A script that touches one key and writes with at most one command, or whose parts may be torn apart without harm. */
export type Script = { readonly text: string; readonly sha: string };

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

export type Call = {
  /** For the message of an error: `apply`, `read` … */
  readonly act: string;
  /** The thing it is about. */
  readonly of: string;
};

/** Runs one call. Throws DeniedError when Redis refuses this user, TransientError on everything else: then it is not known whether it was done. */
export async function call<T>(what: Call, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const message = messageOf(error);
    const text = `Cannot ${what.act} "${what.of}": expected an answer of Redis, current value is ${message}`;
    if (/\b(WRONGPASS|NOAUTH|NOPERM)\b/.test(message)) throw new DeniedError(text, { cause: error });
    throw new TransientError(text, { cause: error });
  }
}

/** Runs a script on its key, loading it when the server does not know it (any more). */
export async function runScript(
  client: RedisClient,
  of: { readonly script: Script; readonly key: string; readonly args: readonly string[] },
): Promise<unknown> {
  try {
    return await client.evalsha(of.script.sha, 1, of.key, ...of.args);
  } catch (error) {
    if (!messageOf(error).includes('NOSCRIPT')) throw error;
    return client.eval(of.script.text, 1, of.key, ...of.args);
  }
}

/** Documents in Redis: one string per document, its version in the first line. */
import { TransientError } from '../base/errors.ts';
import type { Documents, Versioned } from './contract.ts';
import { call, runScript, script } from './redis-call.ts';
import type { RedisParts } from './redis-parts.ts';
import { versionSource } from './versions.ts';

/** KEYS: the string. ARGV: expected version (empty: does not exist), new text. */
const COMPARE_AND_SET = script(`
local stored = redis.call('GET', KEYS[1])
local version = stored and string.match(stored, '^[^\\n]*') or ''
if version ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`);

/**
 * Documents of one kind. `kind` is part of every key. A document that is no JSON throws TransientError when it is read; with `unreadable` it reads as that
 * value and may be written over: for what can be learned anew.
 */
export function redisDocuments<T>(
  parts: RedisParts,
  kind: string,
  options: { readonly unreadable?: T } = {},
): Documents<T> {
  const { client } = parts;
  const nextVersion = versionSource();
  const keyOf = (id: string): string => `${parts.prefix}${kind}:${id}`;

  const read = async (id: string): Promise<Versioned<T> | undefined> => {
    const text = await call({ act: `read ${kind} of`, of: id }, () => client.get(keyOf(id)));
    if (text === null) return undefined;
    try {
      return parseDocument<T>(text, `${kind}:${id}`);
    } catch (error) {
      if (options.unreadable === undefined) throw error;
      // The script compares what stands before the first line's end.
      return { version: text.split('\n', 1)[0] ?? '', value: options.unreadable };
    }
  };

  return {
    read,
    readMany: async (ids) => {
      const found = new Map<string, Versioned<T>>();
      const all = await Promise.all(ids.map(async (id) => [id, await read(id)] as const));
      for (const [id, document] of all) if (document !== undefined) found.set(id, document);
      return found;
    },
    compareAndSet: async (id, value, expected) => {
      const args = [expected ?? '', `${nextVersion()}\n${JSON.stringify(value)}`];
      const written = await call({ act: `write ${kind} of`, of: id }, () =>
        runScript(client, { script: COMPARE_AND_SET, key: keyOf(id), args }),
      );
      return written === 1;
    },
    remove: async (id) => {
      await call({ act: `remove ${kind} of`, of: id }, () => client.del(keyOf(id)));
    },
  };
}

function parseDocument<T>(text: string, name: string): Versioned<T> {
  const end = text.indexOf('\n');
  try {
    if (end > 0) return { version: text.slice(0, end), value: JSON.parse(text.slice(end + 1)) as T };
  } catch (error) {
    throw unreadable(name, error);
  }
  throw unreadable(name, undefined);
}

/** Not ours to repair: whoever wrote it, or an operator, decides. Until then its reader holds. */
function unreadable(name: string, cause: unknown): TransientError {
  return new TransientError(`Cannot read "${name}": expected a version and JSON, current value is something else`, {
    cause,
  });
}

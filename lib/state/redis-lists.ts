/** Ledger and outbox in Redis. */
import type { ScalingDecision } from '../core/types.ts';
import {
  type DecisionLedger,
  LEDGER_LENGTH_MAX,
  type Outbox,
  OUTBOX_LENGTH_MAX,
  type OutboxMessage,
} from './contract.ts';
import { outboxFull } from './outbox-full.ts';
import { call, runScript, script } from './redis-call.ts';
import type { RedisParts } from './redis-parts.ts';

/** How long a decision's id can be looked up [s]: 30 days, longer than a quiet workload's ledger is asked for. */
const LOOKUP_SEC = 30 * 86_400;

/** KEYS: the list. ARGV: entry, length. */
const RECORD = script(`
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
return 1
`);

/** A list of decisions per workload, newest first, and one small key per decision id that names the workload. */
export function redisLedger(parts: RedisParts): DecisionLedger {
  const { client, prefix } = parts;
  const listKey = (workload: string): string => `${prefix}ledger:${workload}`;
  const lookupKey = (id: string): string => `${prefix}decision:${id}`;

  const latest = async (workload: string, count: number): Promise<ScalingDecision[]> => {
    const texts = await call({ act: 'read decisions of', of: workload }, () =>
      client.lrange(listKey(workload), 0, count - 1),
    );
    return texts.map((text) => JSON.parse(text) as ScalingDecision);
  };

  return {
    record: async (decision) => {
      const { id, workload } = decision;
      await call({ act: 'record decision', of: id }, () => client.set(lookupKey(id), workload, 'EX', LOOKUP_SEC));
      const args = [JSON.stringify(decision), String(LEDGER_LENGTH_MAX)];
      await call({ act: 'record decision', of: id }, () =>
        runScript(client, { script: RECORD, key: listKey(workload), args }),
      );
    },
    latest: async (workload, count) => (count < 1 ? [] : latest(workload, count)),
    find: async (id) => {
      const workload = await call({ act: 'find decision', of: id }, () => client.get(lookupKey(id)));
      if (workload === null) return undefined;
      return (await latest(workload, LEDGER_LENGTH_MAX)).find((decision) => decision.id === id);
    },
  };
}

/** KEYS: the stream. ARGV: length limit, messages. Zero when they would not fit. A torn put is put again: its batch was not counted as done. */
const PUT = script(`
if redis.call('XLEN', KEYS[1]) + #ARGV - 1 > tonumber(ARGV[1]) then return 0 end
for i = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'm', ARGV[i]) end
return 1
`);

/** A stream of messages, oldest first. */
export function redisOutbox(parts: RedisParts): Outbox {
  const { client } = parts;
  const key = `${parts.prefix}outbox`;
  return {
    put: async (messages) => {
      if (messages.length === 0) return;
      if (messages.length > OUTBOX_LENGTH_MAX) throw outboxFull(messages.length);
      const args = [String(OUTBOX_LENGTH_MAX), ...messages.map((message) => JSON.stringify(message))];
      const isPut = await call({ act: 'put into', of: 'outbox' }, () => runScript(client, { script: PUT, key, args }));
      if (isPut !== 1) throw outboxFull(messages.length);
    },
    peek: async (count) => {
      const entries = await call({ act: 'read', of: 'outbox' }, () => client.xrange(key, '-', '+', 'COUNT', count));
      return entries.map(([id, fields]) => ({ id, message: JSON.parse(fields[1] ?? '') as OutboxMessage }));
    },
    acknowledge: async (ids) => {
      if (ids.length > 0) await call({ act: 'acknowledge in', of: 'outbox' }, () => client.xdel(key, ...ids));
    },
    size: () => call({ act: 'measure', of: 'outbox' }, () => client.xlen(key)),
  };
}

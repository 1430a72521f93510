/** kafkajs's log lines as ours. */
import kafkajs, { type logCreator } from 'kafkajs';
import type { LogFields, Logger } from '../../base/log.ts';

/** Fields that are worth a log line and can hold no secret and no payload. */
const FIELDS = [
  'broker',
  'clientId',
  'groupId',
  'memberId',
  'topic',
  'partition',
  'error',
  'retryCount',
  'retryTime',
] as const;

/** Two lines per broker and attempt while a broker is away: whoever called tells it once. */
const ATTEMPT = /^(?:Connection (?:error|timeout)|Failed to connect to (?:seed )?broker)/;

/**
 * Writes kafkajs's lines to `log`, errors as `info` (single attempts to connect as `debug`): what is an error to kafkajs (each refused attempt, a rebalance) is retried by it or by
 * us, and the final outcome is reported by whoever called.
 */
export function kafkaLogCreator(log: Logger): logCreator {
  return () => (entry) => {
    const message = `kafka client: ${entry.log.message}`;
    if (entry.level === kafkajs.logLevel.ERROR && !ATTEMPT.test(entry.log.message))
      log.info(message, fieldsOf(entry.log));
    else log.debug(message, fieldsOf(entry.log));
  };
}

function fieldsOf(entry: Readonly<Record<string, unknown>>): LogFields {
  const fields: Record<string, unknown> = {};
  for (const name of FIELDS) {
    const value = entry[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  return fields;
}

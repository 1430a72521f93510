/** Servers that run already and are only named: same shape, but nobody here may end them. */
import { ConfigError } from '../base/errors.ts';
import { askKafka } from './kafka/ask.ts';
import { askRedis } from './redis/ask.ts';
import type { KafkaHandle, RedisHandle, ServerHandle } from './types.ts';

/** Ports that a name without one means. */
const KAFKA_PORT = 9092;
const REDIS_PORT = 6379;

/** A handle of a running broker without security (`host:port`, at least one). Throws ConfigError when none answers.
 *  The protocol does not tell a broker's version. */
export async function existingKafka(brokers: readonly string[]): Promise<KafkaHandle> {
  const name = `Kafka at ${brokers.join(',')}`;
  await orConfigError(name, askKafka(brokers));
  const { hostname, port } = new URL(`kafka://${brokers[0]}`);
  const place = { host: hostname, port: Number(port || KAFKA_PORT) };
  return { ...place, brokers, security: undefined, kind: 'kafka', version: 'unknown', ...untouchable(name) };
}

/** A handle of a running Redis or Valkey (`redis://…` or `rediss://…`). Throws ConfigError when it does not answer. */
export async function existingRedis(url: string): Promise<RedisHandle> {
  if (!URL.canParse(url)) {
    throw new ConfigError('Cannot use "the Redis URL": expected redis://HOST:PORT, current value is not a URL');
  }
  const { hostname, port } = new URL(url);
  const place = { host: hostname, port: Number(port || REDIS_PORT) };
  const name = `Redis at ${place.host}:${place.port}`;
  return { ...place, url, ...(await orConfigError(name, askRedis(url))), ...untouchable(name) };
}

function untouchable(name: string): Pick<ServerHandle, 'pid' | 'stop' | 'kill' | 'restart'> {
  const refuse = (act: string) => async (): Promise<never> => {
    throw new ConfigError(
      `Cannot ${act} "${name}": expected a server started here, current value is one that was named`,
    );
  };
  return { pid: undefined, stop: async () => {}, kill: refuse('kill'), restart: refuse('restart') };
}

async function orConfigError<T>(name: string, answer: Promise<T>): Promise<T> {
  return answer.catch((cause: unknown) => {
    throw new ConfigError(`Cannot use "${name}": expected an answer, current value is none`, { cause });
  });
}

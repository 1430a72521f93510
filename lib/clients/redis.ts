/** Redis connections: addresses, timeouts, reconnects. Made once per process and shared by adapters. */
import { Cluster, Redis } from 'ioredis';
import { ConfigError, messageOf } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

export type RedisClient = Redis | Cluster;

export type RedisClientOptions = {
  /** `redis://` or `rediss://` (TLS), with user, password and database number where needed. */
  readonly url: string;
  readonly log: Logger;
  /** The address is a node of a Redis Cluster. */
  readonly cluster?: boolean;
  /** Shown by CLIENT LIST; letters, digits, "-" and "_". */
  readonly name?: string;
  /** [ms], default {@link COMMAND_TIMEOUT_MS}. Blocking commands need null. */
  readonly commandTimeoutMs?: number | null;
  /** What a queue demands beyond this: its commands may block, and wait through an outage. */
  readonly settings?: ConnectionSettings;
  /** PEM of an authority that is not in the system's list. */
  readonly caPem?: string;
};

export type ConnectionSettings = {
  /** null: wait for ever. */
  readonly maxRetriesPerRequest: number | null;
  /** [ms] */
  readonly connectTimeout: number;
  /** Wait before connecting again [ms]. */
  readonly retryStrategy: (attempt: number) => number;
};

/** A command that takes longer counts as lost: the caller holds and tries again, its own tick goes on [ms]. */
export const COMMAND_TIMEOUT_MS = 1_000;

/** A socket that is silent for so long while commands wait is half-open: it is closed and opened anew [ms]. */
const SOCKET_TIMEOUT_MS = 5_000;

/** A new connection that takes longer is given up [ms]. */
const CONNECT_TIMEOUT_MS = 3_000;

/** Reconnects wait 100 ms more each time, up to this, so that a Redis that is back is found within 2 s [ms]. */
const RECONNECT_MS_MAX = 2_000;

/** A client that connects with its first command, and goes on trying for ever while commands fail fast. Throws ConfigError on an address that is none. */
export function openRedis(options: RedisClientOptions): RedisClient {
  const { host, port, retryStrategy, ...shared } = optionsOf(options);
  const client = options.cluster === true ? openCluster(options) : new Redis({ host, port, retryStrategy, ...shared });
  reportErrors(client, options);
  return client;
}

function openCluster(options: RedisClientOptions): Cluster {
  const { host, port, retryStrategy, ...shared } = optionsOf(options);
  const cluster = new Cluster([{ host, port }], {
    redisOptions: shared,
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    // Managed clusters name their nodes by host names that must match their certificate.
    dnsLookup: (address, callback) => callback(null, address),
  });
  const { commandTimeout } = shared;
  if (commandTimeout === undefined) return cluster;
  // A node's timeout does not run while the cluster is looking for that node, which can be for ever.
  const send = cluster.sendCommand.bind(cluster);
  cluster.sendCommand = (command, ...rest) => {
    command.setTimeout(commandTimeout);
    return send(command, ...rest);
  };
  return cluster;
}

const DEFAULT_PORT = 6379;

// The type is inferred: ioredis wants fewer options for the nodes of a cluster.
// oxlint-disable-next-line typescript/explicit-function-return-type
function optionsOf(options: RedisClientOptions) {
  const url = parseUrl(options.url);
  const isTls = url.protocol === 'rediss:';
  const commandTimeoutMs = options.commandTimeoutMs === undefined ? COMMAND_TIMEOUT_MS : options.commandTimeoutMs;
  return {
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 ? { db: databaseOf(url) } : {}),
    ...(isTls ? { tls: options.caPem === undefined ? {} : { ca: options.caPem } } : {}),
    ...(options.name === undefined ? {} : { connectionName: options.name }),
    ...(commandTimeoutMs === null ? {} : { commandTimeout: commandTimeoutMs, socketTimeout: SOCKET_TIMEOUT_MS }),
    // Understood by every server, and replies keep one shape.
    protocol: 2 as const,
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    // A write without an answer is never sent twice behind the caller's back: the caller finds out by reading.
    autoResendUnfulfilledCommands: false,
    // Off: ioredis threw outside of any promise on a pipeline with a very large command. Node joins the writes of one turn all the same.
    enableAutoPipelining: false,
    retryStrategy: reconnectMs,
    ...options.settings,
  };
}

function reconnectMs(attempt: number): number {
  return Math.min(RECONNECT_MS_MAX, attempt * 100);
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    // The address may hold a password: only its scheme is shown.
    const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0] ?? 'no scheme';
    throw new ConfigError(
      `Cannot use the Redis address: expected redis://HOST:PORT or rediss://HOST:PORT, current value has ${scheme}`,
    );
  }
  return url;
}

function databaseOf(url: URL): number {
  const text = url.pathname.slice(1);
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new ConfigError(
    `Cannot use the Redis address of "${url.host}": expected a database number, current value is ${text}`,
  );
}

const lastFailures = new WeakMap<RedisClient, string>();

/** Why the connection failed last, in the words of the network or of Redis; null when it never did since it was ready. */
export function lastFailureOf(client: RedisClient): string | null {
  return lastFailures.get(client) ?? null;
}

/** One line per change, not per attempt: a Redis that is down for an hour is tried 2,000 times. */
function reportErrors(client: RedisClient, options: RedisClientOptions): void {
  const { host } = parseUrl(options.url);
  let last = '';
  client.on('error', (error: unknown) => {
    const message = messageOf(error);
    lastFailures.set(client, message);
    if (message === last) return;
    last = message;
    options.log.warn('connection to Redis failed, trying on', { host, error: message });
  });
  client.on('ready', () => {
    if (last !== '') options.log.info('connection to Redis came back', { host });
    last = '';
    lastFailures.delete(client);
  });
}

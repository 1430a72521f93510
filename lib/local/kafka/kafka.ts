/** A real Apache Kafka broker (KRaft, one node) on this machine, for the demo and for tests. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { ConfigError, TransientError } from '../../base/errors.ts';
import { exists } from '../fetch/cache.ts';
import { lastWords, run } from '../process/command.ts';
import { seconds } from '../fetch/fetch.ts';
import { askKafka } from './ask.ts';
import { brokerCommand, formatCommand, keepArchive, LOG4J_PROPERTIES } from './java.ts';
import { installKafka, type KafkaInstallation } from './jars.ts';
import { makeSecurity, scramArguments } from './security.ts';
import { launch, lifeOf, logFileOf, onFreePorts, type StartOptions } from '../process/launch.ts';
import { LOOPBACK } from '../process/ports.ts';
import { brokerSettings, propertiesText } from './server-properties.ts';
import type { Supervised } from '../process/supervise.ts';
import type { KafkaHandle, KafkaSecurity } from '../types.ts';

export type StartKafkaOptions = StartOptions & {
  /** Settings of the broker that win over the defaults (`server.properties` names). */
  readonly settings?: Readonly<Record<string, string>>;
  /** Adds TLS and SASL listeners and returns in `handle.security` what clients need. Only with an empty data folder. */
  readonly security?: boolean;
};

/** 1-3 s on a quiet machine, 9 s on a busy one, and up to 6 s more after a kill [ms]. */
const READY_MS_MAX = 90_000;
/** A clean stop takes 0.3 s, and 2 s when the class archive is written; a busy machine needs several times that [ms]. */
const STOP_MS_MAX = 30_000;
/** Preparing a data folder takes 0.4-0.8 s [ms]. */
const FORMAT_MS_MAX = 60_000;

/** Finds or fetches Java and Kafka, starts a broker on 127.0.0.1 and waits until it answers metadata requests. Throws
 *  ConfigError in one line when there is no way to get it, TransientError when it does not start. */
export async function startKafka(options: StartKafkaOptions): Promise<KafkaHandle> {
  const { clock = systemClock, dataDir, progress, signal } = options;
  if (options.security === true && (await exists(formattedFile(dataDir)))) {
    throw new ConfigError(`Cannot add users to "${dataDir}": expected an empty data folder, current value is in use`);
  }
  const installation = await installKafka({ cacheDir: options.cacheDir, clock, progress, signal });
  await mkdir(dataDir, { recursive: true });
  const startMs = clock.monotonicMs();
  const handle = await onFreePorts({ port: options.port, count: 5 }, (ports) =>
    startOn(ports, { ...options, clock, installation }),
  );
  const spent = seconds(clock.monotonicMs() - startMs);
  progress(`Kafka ${handle.version} is ready on ${LOOPBACK}:${handle.port} after ${spent}`);
  return handle;
}

type Context = StartKafkaOptions & { readonly clock: Clock; readonly installation: KafkaInstallation };

async function startOn(ports: readonly number[], context: Context): Promise<KafkaHandle> {
  const { clock, dataDir, installation } = context;
  const [plain = 0, controller = 0, saslPlaintext = 0, ssl = 0, saslSsl = 0] = ports;
  const security =
    context.security === true
      ? await makeSecurity(dataDir, { ports: { saslPlaintext, ssl, saslSsl }, nowMs: clock.nowMs() })
      : undefined;
  const files = {
    dataDir,
    settingsFile: join(dataDir, 'server.properties'),
    logSettingsFile: join(dataDir, 'log4j2.properties'),
  };
  const settings = { ports: { plain, controller }, dataDir, security: security?.broker, settings: context.settings };
  await writeFile(files.settingsFile, propertiesText(brokerSettings(settings)), { mode: 0o600 });
  await writeFile(files.logSettingsFile, LOG4J_PROPERTIES);
  if (!(await exists(formattedFile(dataDir)))) {
    const more = security === undefined ? [] : scramArguments(security.broker);
    await format(await formatCommand(installation, { ...files, clusterId: newClusterId(), more }), context);
  }
  const start = async () => startBroker(await brokerCommand(installation, files), { ...context, port: plain });
  const { process, answer } = await start();
  return handleOf(process, {
    start: async () => (await start()).process,
    stopped: () => keepArchive(installation, dataDir),
    port: plain,
    version: answer,
    security: security?.client,
  });
}

function startBroker(command: readonly string[], context: Context & { port: number }) {
  const { clock, dataDir, signal, port } = context;
  const ask = async (): Promise<string> => {
    await askKafka([`${LOOPBACK}:${port}`]);
    return reportedVersion(await readFile(logFileOf(dataDir), 'utf8'));
  };
  const bounds = { readyMs: READY_MS_MAX, stopMs: STOP_MS_MAX };
  return launch({ name: 'Kafka', command, dataDir, ask, ...bounds, clock, signal });
}

/** The version in the last `Kafka version: …` line of a broker's log, the last thing it does when it starts. */
export function reportedVersion(log: string): string {
  const version = [...log.matchAll(/Kafka version: (\S+)/g)].at(-1)?.[1];
  if (version === undefined)
    throw new TransientError('Cannot read "server.log": expected the version, current value is none');
  return version;
}

async function format(command: readonly string[], { signal }: Context): Promise<void> {
  const { code, output } = await run(command, { timeoutMs: FORMAT_MS_MAX, signal });
  signal?.throwIfAborted();
  if (code !== 0) {
    throw new TransientError(
      `Cannot format "Kafka data": expected code 0, current value is ${code}: ${lastWords(output)}`,
    );
  }
}

const formattedFile = (dataDir: string): string => join(dataDir, 'data', 'meta.properties');

/** A UUID as Kafka writes it; a leading dash would be read as an option. */
const newClusterId = (): string => randomBytes(16).toString('base64url').replace(/^-/, 'A');

type About = {
  readonly start: () => Promise<Supervised>;
  readonly stopped: () => Promise<void>;
  readonly port: number;
  readonly version: string;
  readonly security: KafkaSecurity | undefined;
};

function handleOf(process: Supervised, about: About): KafkaHandle {
  const life = lifeOf(process, about);
  return {
    host: LOOPBACK,
    port: about.port,
    brokers: [`${LOOPBACK}:${about.port}`],
    kind: 'apache-kafka',
    version: about.version,
    security: about.security,
    get pid() {
      return life.pid();
    },
    stop: life.stop,
    kill: life.kill,
    restart: life.restart,
  };
}

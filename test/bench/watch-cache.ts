/**
 * The watch cache with a large cluster: start-up and memory. Made-up objects of the size of real ones are served by a process of its own, in pages and with
 * watches; the view runs in another. `--cluster real`: a real API server on a real etcd has the same objects (a quarter of an hour at most until they are there; 4 GB of memory, 2 GB of disk).
 * Run: npm run bench -- watch-cache [--cluster real] [--nodes N] [--pods N] [--workloads N] [--changes PER_SEC] [--seconds N] [--json].
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { TransientError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { kubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
import type { Snapshot } from '../../lib/core/types.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { machine, quantile } from './rig.ts';
import { serveRealCluster } from './watch-cache-real.ts';
import { NODE_POOL, serveLargeCluster } from './watch-cache-server.ts';

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'all' },
    server: { type: 'string', default: '' },
    kubeconfig: { type: 'string', default: '' },
    cluster: { type: 'string', default: 'made-up' },
    nodes: { type: 'string', default: '5000' },
    pods: { type: 'string', default: '50000' },
    workloads: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const size = { nodes: Number(values.nodes), pods: Number(values.pods), workloads: Number(values.workloads) };
/** As the process host looks. */
const LOOK_EVERY_MS = 2_000;
const SAMPLE_EVERY_MS = 100;

if (values.role === 'server') await serve();
else if (values.role === 'client') await measure();
else await runBoth();

async function runBoth(): Promise<void> {
  const server = start('server', []);
  const [{ url = '', kubeconfig = '', podBytes, nodeBytes, ...about }] = (await once(server, 'message')) as [Served];
  process.stderr.write(`${size.nodes} nodes of ${nodeBytes} bytes, ${size.pods} pods of ${podBytes} bytes\n`);
  const client = start('client', kubeconfig === '' ? ['--server', url] : ['--kubeconfig', kubeconfig]);
  const failed = once(client, 'exit').then(([code]) => {
    server.kill();
    throw new Error(`the client ended with ${String(code)}`);
  });
  const [figures] = (await Promise.race([once(client, 'message'), failed])) as [Record<string, unknown>];
  failed.catch(() => {});
  server.kill();
  const all = { ...size, podBytes, nodeBytes, ...about, ...figures, loadavg: loadavg()[0], machine: machine() };
  process.stdout.write(`${JSON.stringify(all, null, values.json ? undefined : 2)}\n`);
}

function start(role: string, more: readonly string[]): ChildProcess {
  const args = Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' && name !== 'role' ? [`--${name}`, value] : [],
  );
  const execArgv = ['--expose-gc', '--enable-source-maps'];
  return fork(fileURLToPath(import.meta.url), [...args, '--role', role, ...more], { execArgv });
}

type Served = { readonly podBytes: number; readonly nodeBytes: number } & Partial<Record<'url' | 'kubeconfig', string>>;

async function serve(): Promise<void> {
  const cluster = { ...size, changesPerSec: Number(values.changes) };
  const served: Served = await (values.cluster === 'real' ? serveRealCluster(cluster) : serveLargeCluster(cluster));
  process.send?.(served);
}

async function measure(): Promise<void> {
  const { server, kubeconfig: text } = values;
  const connection = text === '' ? ({ kind: 'server', server } as const) : ({ kind: 'kubeconfigText', text } as const);
  const kubernetes = kubernetesClient(connection, { clock: systemClock });
  const workloads = Array.from({ length: size.workloads }, (_, index) =>
    workloadPolicy({ target: { namespace: 'inference', name: `model-${index}` } }, `model-${index}`),
  );
  const provider = { kind: 'karpenterNodePool', nodePool: NODE_POOL };
  const nodeGroups = [groupPolicy({ ownership: 'observe', provider, nodes: { min: 0, max: 1_000 } }, 'pool')];
  const log = { ...silentLogger, info: tell, debug: tell, warn: tell };
  const view = kubernetesWatchedView({ kubernetes, clock: systemClock, log, random: Math.random });
  const empty = afterCollection();
  const top = { rssMb: 0 };
  const sampling = setInterval(() => {
    top.rssMb = Math.max(top.rssMb, mbOf(process.memoryUsage.rss()));
  }, SAMPLE_EVERY_MS);
  const startMs = performance.now();
  const cpuStart = process.cpuUsage();
  const { targets, nodeGroups: groups } = await firstLook(() => view.observe({ workloads, nodeGroups }));
  const startedSec = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuStart);
  const seen = Object.values(targets).filter((target) => target.kind === 'observed' && target.ready > 0).length;
  const group = groups['pool'];
  const startRssMb = top.rssMb;
  const full = afterCollection();
  const looksMs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const endMs = performance.now() + Number(values.seconds) * 1000;
  const ages: number[] = [];
  while (performance.now() < endMs) {
    const lookMs = performance.now();
    const { atMs, asOfMs = atMs } = await view.observe({ workloads, nodeGroups });
    ages.push((atMs - asOfMs) / 1000);
    looksMs.push(performance.now() - lookMs);
    await systemClock.sleep(LOOK_EVERY_MS);
  }
  const cpu = process.cpuUsage(cpuBefore);
  clearInterval(sampling);
  const changed = afterCollection();
  process.send?.({
    workloadsSeen: seen,
    nodesSeen: group?.kind === 'observed' ? group.nodes.length : 0,
    startedSec: round(startedSec),
    startedCpuSec: round((user + system) / 1e6),
    overEmptyMb: { heap: round(full.heapMb - empty.heapMb), rss: round(full.rssMb - empty.rssMb) },
    afterChangesMb: { heap: round(changed.heapMb - empty.heapMb), rss: round(changed.rssMb - empty.rssMb) },
    rssMaxMb: { start: round(startRssMb), changes: round(top.rssMb), empty: round(empty.rssMb) },
    lookMs: { p50: round(quantile(looksMs, 0.5)), max: round(Math.max(...looksMs)) },
    provenAgeSecMax: round(Math.max(...ages)),
    cpuShareOfOneCore: round((cpu.user + cpu.system) / 1e6 / Number(values.seconds)),
  });
  await view.close();
  process.disconnect();
}

/** What the view says while it starts; an API server that is too busy shows here. */
function tell(message: string, fields: object = {}): void {
  process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${message} ${JSON.stringify(fields)}\n`);
}

/** A busy machine may take longer than the view waits. */
async function firstLook(observe: () => Promise<Snapshot>): Promise<Snapshot> {
  for (;;) {
    try {
      return await observe();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      // A refusal that is known already comes without any waiting: nothing else would have its turn.
      await systemClock.sleep(SAMPLE_EVERY_MS);
    }
  }
}

function afterCollection(): { readonly heapMb: number; readonly rssMb: number } {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { heapMb: mbOf(heapUsed), rssMb: mbOf(rss) };
}

/** MiB. */
function mbOf(bytes: number): number {
  return bytes / 2 ** 20;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

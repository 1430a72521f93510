/**
 * A real Kubernetes control plane on this machine: how long it takes to start, and what happens when after a patch of the scale subresource, as a watcher of
 * its pods sees it. kwok plays the nodes and makes pods Ready at once, so this is the control plane's own share: no image, no model.
 * Builds the control plane first where it was not built yet. Run: npm run bench -- cluster [--json].
 */
import { loadavg } from 'node:os';
import { KubeConfig, Watch, type V1Pod } from '@kubernetes/client-node';
import { systemClock } from '../../lib/base/clock.ts';
import { ConflictError } from '../../lib/base/errors.ts';
import { silentLogger } from '../../lib/base/log.ts';
import { PACE } from '../../lib/clients/kubernetes/pace.ts';
import type { KubernetesClient } from '../../lib/clients/kubernetes/client.ts';
import { kubernetesWatchedView } from '../../lib/cluster-view/kubernetes-watched.ts';
import { kubernetesScale } from '../../lib/targets/kubernetes-scale.ts';
import { ownControlPlane } from '../cluster/support/control-plane.ts';
import { openNamespace, type TestNamespace } from '../cluster/support/namespace.ts';
import { groupPolicy, workloadPolicy } from '../core/builders.ts';
import { until } from '../support/until.ts';

/** Patches with a free GPU, and nodes that join for a waiting pod. */
const ROUNDS = 20;
/** For which the watched view is left alone [ms], looked at every two seconds as by the process host. */
const QUIET_MS = 120_000;
const LOOK_EVERY_MS = 2_000;
/** Of the first node. */
const GPUS = 2;

/** Times after the patch was sent [ms], by what was seen. */
type Round = Readonly<Record<string, number>>;

const startMs = performance.now();
const controlPlane = await ownControlPlane();
const startedMs = performance.now() - startMs;
process.env['PENSTOCK_TEST_CLUSTER'] = 'own';
const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(controlPlane.kubeconfigFile);
const site = await openNamespace('bench', kubeConfig);
const target = kubernetesScale(site.client());
const engine = { kind: 'Deployment', namespace: site.namespace, name: 'engine' };
try {
  await site.addNode({ gpus: GPUS });
  await site.createDeployment('engine', 1);
  await readyPods(site, 1);
  const free = await rounds(() => growAndShrink(site));
  await target.scale(engine, { replicas: GPUS, expected: await target.read(engine), planSeq: 1 });
  await readyPods(site, GPUS);
  const joins = await rounds((round) => joinNode(site, round));
  const quiet = await quietView(site);
  report({ version: controlPlane.version, startedMs, loadavg: loadavg()[0] ?? 0, free, joins, quiet });
} finally {
  await site.close();
  await controlPlane.stop();
}

async function rounds(run: (round: number) => Promise<Round>): Promise<Round[]> {
  const all: Round[] = [];
  for (let count = 0; count < ROUNDS; count++) all.push(await run(count));
  return all;
}

/** One replica more on a free GPU, and one less. */
async function growAndShrink(at: TestNamespace): Promise<Round> {
  const up = await scaleWatched(at, { replicas: 2, isOver: (seen) => seen.has('ready') });
  const down = await scaleWatched(at, { replicas: 1, isOver: (seen) => seen.has('gone') });
  await readyPods(at, 1);
  return { ...up, 'shrink answered': down['answered'] ?? NaN, 'shrink gone': down['gone'] ?? NaN };
}

/** One replica more than GPUs: it waits until a node joins. Nodes and replicas stay, so that every round begins alike. */
async function joinNode(at: TestNamespace, round: number): Promise<Round> {
  const replicas = GPUS + 1 + round;
  const patched = await scaleWatched(at, { replicas, isOver: (seen) => seen.has('unschedulable') });
  const fromMs = performance.now();
  await at.createNode();
  await readyPods(at, replicas);
  return {
    'without a GPU: unschedulable': patched['unschedulable'] ?? NaN,
    'node created to its pod Ready': performance.now() - fromMs,
  };
}

type Quiet = Readonly<Record<'watches' | 'checks' | 'lists' | 'provenAgeSecMax', number>>;

/** Requests a minute of the view while nothing happens, and how old what it shows gets. */
async function quietView(at: TestNamespace): Promise<Quiet> {
  const client = at.client();
  const counts = { watches: 0, checks: 0, lists: 0 };
  const kubernetes: KubernetesClient = {
    ...client,
    getJson: (what, request, limits) => {
      counts[request.query['limit'] === 1 ? 'checks' : 'lists'] += 1;
      return client.getJson(what, request, limits);
    },
    lines: (...asked) => {
      counts.watches += 1;
      return client.lines(...asked);
    },
  };
  const view = kubernetesWatchedView({ kubernetes, clock: systemClock, log: silentLogger, random: Math.random });
  const workloads = [workloadPolicy({ target: { namespace: at.namespace, name: 'engine' } }, 'engine')];
  const nodeGroups = [
    groupPolicy({ ownership: 'observe', provider: { kind: 'karpenterNodePool', nodePool: 'none' } }, 'none'),
  ];
  let provenAgeSecMax = 0;
  const look = async (): Promise<void> => {
    const { atMs, asOfMs = atMs } = await view.observe({ workloads, nodeGroups });
    provenAgeSecMax = Math.max(provenAgeSecMax, (atMs - asOfMs) / 1000);
  };
  await look();
  // Its first watches are short.
  await systemClock.sleep(PACE.watchSec * 1000);
  for (const kind of ['watches', 'checks', 'lists'] as const) counts[kind] = 0;
  for (let passedMs = 0; passedMs < QUIET_MS; passedMs += LOOK_EVERY_MS) {
    await systemClock.sleep(LOOK_EVERY_MS);
    await look();
  }
  await view.close();
  return {
    watches: perMinute(counts.watches),
    checks: perMinute(counts.checks),
    lists: perMinute(counts.lists),
    provenAgeSecMax: Math.round(provenAgeSecMax * 10) / 10,
  };
}

/** Of what was counted in the quiet time. */
function perMinute(count: number): number {
  return Math.round((count / (QUIET_MS / 60_000)) * 10) / 10;
}

type Watched = { readonly replicas: number; readonly isOver: (seen: ReadonlyMap<string, number>) => boolean };

async function scaleWatched(at: TestNamespace, { replicas, isOver }: Watched): Promise<Round> {
  const { namespace } = at;
  const { metadata, items } = await at.core.listNamespacedPod({ namespace });
  const known = new Set(items.map((pod) => pod.metadata?.uid));
  const seen = new Map<string, number>();
  let fromMs = 0;
  const note = (what: string): void => {
    if (!seen.has(what)) seen.set(what, performance.now() - fromMs);
  };
  const onEvent = (type: string, pod: V1Pod): void => {
    if (type === 'DELETED') return note('gone');
    if (known.has(pod.metadata?.uid)) return;
    note('created');
    for (const what of statesOf(pod)) note(what);
  };
  const from = { resourceVersion: metadata?.resourceVersion };
  const watch = await new Watch(kubeConfig).watch(`/api/v1/namespaces/${namespace}/pods`, from, onEvent, () => {});
  const isPatched = async (): Promise<boolean> => {
    const expected = await target.read(engine);
    fromMs = performance.now();
    try {
      await target.scale(engine, { replicas, expected, planSeq: 1 });
      return true;
    } catch (error) {
      // A status write of the round before came between: not what is measured.
      if (error instanceof ConflictError) return false;
      throw error;
    }
  };
  await until('a patch that nobody came between', isPatched);
  note('answered');
  await until('the end of the round', async () => isOver(seen));
  watch.abort();
  return Object.fromEntries(seen);
}

function statesOf(pod: V1Pod): string[] {
  const { conditions = [] } = pod.status ?? {};
  const isReady = conditions.some((one) => one.type === 'Ready' && one.status === 'True');
  return [
    ...(conditions.some((one) => one.reason === 'Unschedulable') ? ['unschedulable'] : []),
    ...(pod.spec?.nodeName === undefined ? [] : ['scheduled']),
    ...(isReady ? ['ready'] : []),
  ];
}

async function readyPods(at: TestNamespace, count: number): Promise<void> {
  await until(`${count} Ready pods and nothing going on`, async () => {
    const { metadata, status } = await at.apps.readNamespacedDeployment({ namespace: at.namespace, name: 'engine' });
    const { items } = await at.core.listNamespacedPod({ namespace: at.namespace });
    const isSeen = status?.observedGeneration === metadata?.generation;
    return isSeen && status?.readyReplicas === count && status.replicas === count && items.length === count;
  });
}

type Figures = {
  readonly version: string;
  readonly startedMs: number;
  readonly loadavg: number;
  readonly free: readonly Round[];
  readonly joins: readonly Round[];
  readonly quiet: Quiet;
};

function report(figures: Figures): void {
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    return;
  }
  const { version, startedMs: started, loadavg: load, free, joins, quiet } = figures;
  const lines = [
    `Kubernetes ${version}, started in ${(started / 1000).toFixed(1)} s; load average ${load.toFixed(1)}; ${ROUNDS} rounds; [ms] after the patch was sent`,
    '| what | p50 | p90 | max |',
    '|---|---|---|---|',
    ...table(free),
    ...table(joins),
    `The watched view with nothing to do, a minute: ${quiet.watches} watches, ${quiet.checks} lists of one object, ${quiet.lists} other lists; proven as of at most ${quiet.provenAgeSecMax} s ago`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function table(all: readonly Round[]): string[] {
  const names = [...new Set(all.flatMap((round) => Object.keys(round)))];
  return names.map((name) => {
    const values = all.map((round) => round[name]).filter((value) => value !== undefined);
    const sorted = values.toSorted((a, b) => a - b);
    const at = (ratio: number): string => (sorted[Math.ceil(ratio * sorted.length) - 1] ?? NaN).toFixed(0);
    return `| ${name} | ${at(0.5)} | ${at(0.9)} | ${at(1)} |`;
  });
}

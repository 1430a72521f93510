/**
 * Calls to the Kubernetes and AWS APIs: a minute in which every workload reports and nothing changes, and the calls of a resize. The controller is a process
 * of its own; the simulated API servers count. Run: npm run bench -- api-calls [--workloads N] [--namespaces N] [--groups N] [--minutes N] [--resizes N] [--json].
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../../lib/base/clock.ts';
import { DEFAULT_TOPICS } from '../../lib/loop/deps.ts';
import type { LoggedRequest } from '../../lib/simulator/cluster-server/requests-log.ts';
import { machine, startRig, until } from './rig.ts';

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: '1000' },
    namespaces: { type: 'string', default: '1' },
    groups: { type: 'string', default: '0' },
    minutes: { type: 'string', default: '2' },
    resizes: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const [workloads, namespaces, groups] = [Number(values.workloads), Number(values.namespaces), Number(values.groups)];
/** Every workload reports once in this time [ms]. */
const PERIOD_MS = 10_000;
/** A resize is over, with all that is read after it, when so much time has passed [ms]. */
const SETTLE_MS = 6_000;
const IN_FLIGHT_QUIET = 4;
const IN_FLIGHT_BUSY = 40;

const names = Array.from({ length: workloads }, (_, index) => `model-${index}`);
const namespaceOf = (index: number): string => `serving-${index % namespaces}`;
const groupNames = Array.from({ length: Math.max(1, groups) }, (_, index) => `group-${index}`);

const rig = await startRig(
  {
    world: {
      cluster: 'bench',
      deployments: names.map((name, index) => ({ name, namespace: namespaceOf(index), replicas: 1, gpusPerPod: 0 })),
      nodeGroups: groupNames.map((name) => ({ name, desiredSize: 1 })),
    },
    policies: [...names.map(policyOf), ...groupNames.slice(0, groups).map(groupPolicyOf)].join('---\n'),
    partitions: 4,
  },
  // oxlint-disable-next-line node/no-process-env -- a benchmark is its own host
  process.env,
);

try {
  const producer = rig.stream.producer();
  const busy = new Set<string>();
  const report = (): Promise<void> =>
    producer.send(
      names.map((name) => ({ topic: DEFAULT_TOPICS.inferenceLoad, key: name, value: eventOf(name, busy.has(name)) })),
    );
  const reporting = new AbortController();
  const reports = (async () => {
    while (!reporting.signal.aborted) {
      await report();
      await systemClock.sleep(PERIOD_MS, reporting.signal);
    }
  })();
  process.stderr.write('the load is steady…\n');
  await systemClock.sleep(2 * PERIOD_MS);
  rig.cluster.requests.clear();
  const minutes = Number(values.minutes);
  await systemClock.sleep(minutes * 60_000);
  const quiet = rig.cluster.requests.all().slice();
  const bytes = await bytesOf(quiet);

  process.stderr.write('one workload after another grows…\n');
  const resized = names.slice(0, Number(values.resizes));
  rig.cluster.requests.clear();
  for (const name of resized) {
    busy.add(name);
    await producer.send([{ topic: DEFAULT_TOPICS.inferenceLoad, key: name, value: eventOf(name, true) }]);
    await until(() => rig.cluster.requests.of('patch deployments/scale').some((one) => isAbout(one, name)));
  }
  await systemClock.sleep(SETTLE_MS);
  const ofResizes = rig.cluster.requests.all().filter((one) => resized.some((name) => isAbout(one, name)));
  reporting.abort();
  await reports;
  await producer.close();

  const perMinute = countsOf(quiet, minutes);
  const figures = {
    workloads,
    namespaces,
    nodeGroups: groups,
    callsPerMinute: round([...perMinute.values()].reduce((sum, count) => sum + count, 0)),
    byOperation: Object.fromEntries(perMinute),
    writesWithNothingToDo: quiet.filter((one) => one.service === 'kubernetes' && one.method !== 'GET').length,
    megabytesPerMinute: round(bytes / minutes / 1e6),
    resizes: resized.length,
    callsPerResize: Object.fromEntries(countsOf(ofResizes, resized.length)),
    machine: machine(),
  };
  process.stdout.write(`${JSON.stringify(figures, null, values.json ? undefined : 2)}\n`);
} finally {
  await rig.close();
}

/** Requests of the object of this name, or of its pods. */
function isAbout({ path }: LoggedRequest, name: string): boolean {
  return path.split('/').some((part) => part === name || part.startsWith(`${name}-`));
}

/** By operation, divided by `by`. */
function countsOf(requests: readonly LoggedRequest[], by: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { operation } of requests) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return new Map([...counts].map(([operation, count]) => [operation, round(count / by)]));
}

/** What the lists among these requests weigh as JSON: each list is fetched once, whole, and counted as often as it was begun. Pages are the controller's. */
async function bytesOf(requests: readonly LoggedRequest[]): Promise<number> {
  const { kubernetesUrl, token } = rig.cluster;
  let bytes = 0;
  for (const operation of ['list pods', 'list nodes', 'list deployments', 'list horizontalpodautoscalers']) {
    const paths = new Map<string, number>();
    for (const one of requests.filter((request) => request.operation === operation)) {
      paths.set(one.path, (paths.get(one.path) ?? 0) + 1);
    }
    for (const [path, count] of paths) {
      const answer = await fetch(`${kubernetesUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const text = await answer.text();
      const items = (JSON.parse(text) as { items?: readonly unknown[] }).items?.length ?? 0;
      bytes += (Buffer.byteLength(text) * count) / Math.max(1, Math.ceil(items / 500));
    }
  }
  return bytes;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function policyOf(name: string, index: number): string {
  return `apiVersion: penstock.dev/v1
kind: ScalingPolicy
metadata: { name: ${name} }
spec:
  mode: act
  target: { namespace: ${namespaceOf(index)}, name: ${name} }
  replicas: { max: 6 }
  signals: [{ kind: inFlight, perReplica: 8 }]
  nodeGroups: [${groupNames.slice(0, groups).join(', ')}]
`;
}

function groupPolicyOf(name: string): string {
  return `apiVersion: penstock.dev/v1
kind: NodeGroupPolicy
metadata: { name: ${name} }
spec:
  provider: { kind: eksNodeGroup, cluster: bench, nodeGroup: ${name} }
  nodes: { max: 10 }
  shape: { instanceType: g5.xlarge, gpus: { nvidia.com/gpu: 1 }, usdPerHour: 1.006 }
`;
}

function eventOf(workload: string, isBusy: boolean): string {
  const nowMs = systemClock.nowMs();
  return JSON.stringify({
    schema: 'penstock.inference-load/1',
    workload,
    source: 'gateway/bench',
    intervalStartMs: nowMs - PERIOD_MS,
    intervalEndMs: nowMs,
    inFlight: isBusy ? IN_FLIGHT_BUSY : IN_FLIGHT_QUIET,
    queued: 0,
  });
}

/** What Marathon says about apps and their tasks: one look per app, and the deployments under way. */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { countOf, listOf, recordOf, textOf, timeMsOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import { isScalingOnly, listDeployments, readApp } from '../clients/marathon-apps.ts';
import type { MarathonApp, MarathonDeployment } from '../clients/marathon-apps.ts';
import type { MarathonClient } from '../clients/marathon.ts';
import type { ScalingPolicy } from '../core/policy.ts';
import { marathonAppId } from '../core/target-names.ts';
import type { GpuCounts, PodObservation, TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import { attempt, refuseNothing } from './parts.ts';
import type { Part } from './parts.ts';

/** Looks under way at once: Marathon answers each from one thread. */
const LOOKS_MAX = 5;

/** Tasks in these states are over; Marathon forgets them soon. */
const OVER = /^TASK_(FINISHED|FAILED|KILLED|ERROR|GONE|DROPPED)/;

/** Seconds between SIGTERM and SIGKILL when the app does not say. */
const KILL_GRACE_SEC = 3;

/** Node groups hold Kubernetes pods: they are missing here. */
export function marathonView(options: { readonly client: MarathonClient; readonly clock: Clock }): ClusterView {
  return {
    observe: async ({ workloads, nodeGroups }) => {
      const atMs = options.clock.nowMs();
      const apps = await lookAt(options.client, workloads);
      const deployments = await deploymentsOf(options.client, apps);
      const missing = { kind: 'missing', reason: 'Marathon has no node groups' } as const;
      const snapshot = {
        atMs,
        targets: Object.fromEntries(
          [...apps].map(([policy, app]) => [policy.metadata.name, observation(policy, { app, deployments })]),
        ),
        nodeGroups: Object.fromEntries(nodeGroups.map((policy) => [policy.metadata.name, missing])),
      };
      refuseNothing(snapshot);
      return snapshot;
    },
    close: async () => {},
  };
}

async function lookAt(
  client: MarathonClient,
  workloads: readonly ScalingPolicy[],
): Promise<ReadonlyMap<ScalingPolicy, Part<MarathonApp>>> {
  const looks = new Map<ScalingPolicy, Part<MarathonApp>>();
  const waiting = [...workloads];
  const worker = async (): Promise<void> => {
    for (let policy = waiting.shift(); policy !== undefined; policy = waiting.shift()) {
      const id = marathonAppId(policy.spec.target);
      looks.set(policy, await attempt(() => readApp(client, id, { what: `observe MarathonApp "${id}"`, tasks: true })));
    }
  };
  await Promise.all(Array.from({ length: LOOKS_MAX }, worker));
  return looks;
}

/** Asked for only when an app is being changed: whether it is scaled or replaced, the app itself does not say. */
async function deploymentsOf(
  client: MarathonClient,
  apps: ReadonlyMap<ScalingPolicy, Part<MarathonApp>>,
): Promise<Part<readonly MarathonDeployment[]>> {
  const isAny = [...apps.values()].some((app) => app.ok && app.value.deployments.length > 0);
  if (!isAny) return { ok: true, value: [] };
  return attempt(() => listDeployments(client, 'list the deployments of Marathon'));
}

function observation(
  policy: ScalingPolicy,
  { app, deployments }: { readonly app: Part<MarathonApp>; readonly deployments: Part<readonly MarathonDeployment[]> },
): TargetObservation {
  if (!app.ok) return { kind: 'missing', reason: app.reason };
  const { id, instances, version, versionMs, raw } = app.value;
  if (!deployments.ok && app.value.deployments.length > 0) return { kind: 'missing', reason: deployments.reason };
  const current = deployments.ok ? deployments.value.filter((one) => app.value.deployments.includes(one.id)) : [];
  try {
    const pods = listOf(raw['tasks'])
      .map(recordOf)
      .filter(isAlive)
      .map((task) => taskObservation(task, raw));
    return {
      kind: 'observed',
      replicas: instances,
      ready: pods.filter((pod) => pod.ready && !pod.terminating).length,
      generation: versionMs,
      resourceVersion: version,
      gpusPerReplica: policy.spec.gpusPerReplica ?? gpusOf(raw),
      pods,
      rolloutInProgress: current.some((one) => !isScalingOnly(one, id)),
      scaledBy: null,
    };
  } catch (error) {
    return { kind: 'missing', reason: messageOf(error) };
  }
}

function isAlive(task: JsonRecord): boolean {
  return !OVER.test(textOf(task['state']));
}

/** Ready: running, and alive by every health check that the app has. Tasks that still wait for an offer are not in the list. */
function taskObservation(task: JsonRecord, app: JsonRecord): PodObservation {
  const state = textOf(task['state']);
  const checks = listOf(app['healthChecks']).length;
  const results = listOf(task['healthCheckResults']).map(recordOf);
  const isHealthy = checks === 0 || (results.length >= checks && results.every((one) => one['alive'] === true));
  return {
    name: textOf(task['id']),
    nodeName: textOf(task['host']) || null,
    ready: state === 'TASK_RUNNING' && isHealthy,
    createdMs: timeMsOf(task['stagedAt']) ?? timeMsOf(task['startedAt']) ?? 0,
    unschedulable: false,
    terminating: state === 'TASK_KILLING',
    terminationGraceSec: countOf(app['taskKillGracePeriodSeconds']) ?? KILL_GRACE_SEC,
    ip: textOf(recordOf(listOf(task['ipAddresses'])[0])['ipAddress']) || null,
  };
}

/** Mesos knows GPUs of NVIDIA only, and whole ones. */
function gpusOf(app: JsonRecord): GpuCounts {
  const gpus = countOf(app['gpus']) ?? 0;
  return gpus > 0 ? { 'nvidia.com/gpu': gpus } : {};
}

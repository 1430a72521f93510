/** What a Swarm manager says about services and their tasks: two lists, joined here. */
import type { Clock } from '../base/clock.ts';
import { NotFoundError, messageOf } from '../base/errors.ts';
import { listServices, listTasks, serviceOf } from '../clients/docker-engine-services.ts';
import type { SwarmService } from '../clients/docker-engine-services.ts';
import type { DockerEngine } from '../clients/docker-engine.ts';
import { recordOf, textOf } from '../clients/json-values.ts';
import type { JsonRecord } from '../clients/json-values.ts';
import type { NodeGroupPolicy, ScalingPolicy } from '../core/policy.ts';
import { swarmServiceName } from '../core/target-names.ts';
import type { TargetObservation } from '../core/types.ts';
import type { ClusterView } from './contract.ts';
import { attempt, refuseNothing } from './parts.ts';
import type { Part } from './parts.ts';
import { gpusOfTask, isOver, taskObservation } from './swarm-tasks.ts';

/** Labels by which other autoscalers of Swarm are told to own a service. */
const OTHER_SCALERS = ['swarm.autoscaler', 'swarm.autoscale', 'orbiter'];

/** An update that has not replaced every task, or gave up on the way. */
const ROLLING = new Set(['updating', 'paused', 'rollback_started', 'rollback_paused']);

/** A service that goes between the two lists fails the second: once more from the start. */
const TRIES_MAX = 2;

type Seen = {
  readonly services: ReadonlyMap<string, JsonRecord>;
  readonly tasks: ReadonlyMap<string, readonly JsonRecord[]>;
};

/** One list of services and one of tasks (per 100 services) per observation. Node groups hold Kubernetes pods: they are missing here. */
export function swarmView(options: { readonly engine: DockerEngine; readonly clock: Clock }): ClusterView {
  return {
    observe: async ({ workloads, nodeGroups }) => {
      const atMs = options.clock.nowMs();
      const seen = await attempt(() => look(options.engine, workloads));
      const snapshot = {
        atMs,
        targets: Object.fromEntries(workloads.map((policy) => [policy.metadata.name, observation(policy, seen)])),
        nodeGroups: missingGroups(nodeGroups),
      };
      refuseNothing(snapshot);
      return snapshot;
    },
    close: async () => {},
  };
}

async function look(engine: DockerEngine, workloads: readonly ScalingPolicy[]): Promise<Seen> {
  if (workloads.length === 0) return { services: new Map(), tasks: new Map() };
  for (let tries = 1; ; tries++) {
    const services = await listServices(engine, 'list the services of the Swarm');
    const names = workloads.map((policy) => swarmServiceName(policy.spec.target));
    const ids = names.map((name) => textOf(services.get(name)?.['ID'])).filter((id) => id !== '');
    try {
      const tasks = await listTasks(engine, ids, 'list the tasks of the Swarm');
      return { services, tasks: byService(tasks) };
    } catch (error) {
      if (!(error instanceof NotFoundError) || tries === TRIES_MAX) throw error;
    }
  }
}

function byService(tasks: readonly JsonRecord[]): ReadonlyMap<string, readonly JsonRecord[]> {
  const groups = new Map<string, JsonRecord[]>();
  for (const task of tasks) {
    const id = textOf(task['ServiceID']);
    const others = groups.get(id);
    if (others === undefined) groups.set(id, [task]);
    else others.push(task);
  }
  return groups;
}

function observation(policy: ScalingPolicy, seen: Part<Seen>): TargetObservation {
  if (!seen.ok) return { kind: 'missing', reason: seen.reason };
  const name = swarmServiceName(policy.spec.target);
  const raw = seen.value.services.get(name);
  if (raw === undefined) return { kind: 'missing', reason: `SwarmService "${name}" does not exist` };
  try {
    const service = serviceOf(raw, `observe SwarmService "${name}"`);
    return observedService(policy, service, seen.value.tasks.get(service.id) ?? []);
  } catch (error) {
    return { kind: 'missing', reason: messageOf(error) };
  }
}

/** `ready` counts tasks that run and are to go on running; with a health check Swarm says so only of healthy ones. */
function observedService(
  policy: ScalingPolicy,
  service: SwarmService,
  tasks: readonly JsonRecord[],
): TargetObservation {
  const template = recordOf(service.spec['TaskTemplate']);
  const pods = tasks.filter((task) => !isOver(task)).map((task) => taskObservation(task, { service: service.name }));
  const labels = recordOf(service.spec['Labels']);
  const scaler = OTHER_SCALERS.find((label) => labels[label] === 'true');
  return {
    kind: 'observed',
    replicas: service.replicas,
    ready: pods.filter((pod) => pod.ready && !pod.terminating).length,
    generation: service.generation,
    resourceVersion: service.index,
    gpusPerReplica: policy.spec.gpusPerReplica ?? gpusOfTask(template),
    pods,
    rolloutInProgress: ROLLING.has(service.updateState),
    scaledBy: scaler === undefined ? null : `label ${scaler}`,
  };
}

function missingGroups(nodeGroups: readonly NodeGroupPolicy[]) {
  const missing = { kind: 'missing', reason: 'a Swarm has no node groups' } as const;
  return Object.fromEntries(nodeGroups.map((policy) => [policy.metadata.name, missing]));
}

/** A real Swarm to try things on: its address in `PENSTOCK_TEST_SWARM`, as `PENSTOCK_DOCKER_HOST` has it. Services are made anew and removed again. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../lib/base/clock.ts';
import { dockerEngine } from '../../lib/clients/docker-engine.ts';
import type { DockerEngine } from '../../lib/clients/docker-engine.ts';
import { sendHttp } from '../../lib/clients/http-json.ts';
import type { HttpEndpoint } from '../../lib/clients/http-json.ts';
import { listTasks, readService } from '../../lib/clients/docker-engine-services.ts';
import { listOf, recordOf, textOf } from '../../lib/clients/json-values.ts';

export const SWARM_ADDRESS = process.env['PENSTOCK_TEST_SWARM'];
/** Must hold `/bin/sleep`; the engine pulls it when it is not there. */
const IMAGE = process.env['PENSTOCK_TEST_SWARM_IMAGE'] ?? 'busybox:stable';

/** Longer than a manager takes for its own write [ms]. */
const SETTLE_MS = 150;

/** All services are of this stack, so that what a killed run leaves behind is easily found. */
const STACK = 'penstock-test';

export type RealService = {
  readonly engine: DockerEngine;
  readonly ref: { readonly kind: 'SwarmService'; readonly namespace: string; readonly name: string };
  /** `docker service scale`, or any other change of the spec, as somebody else. */
  update(change: (spec: Record<string, unknown>) => Record<string, unknown>): Promise<void>;
  /** State and desired state of the tasks that are not over, and their ids. */
  tasks(): Promise<
    readonly { readonly id: string; readonly state: string; readonly desired: string; readonly error: string }[]
  >;
  remove(): Promise<void>;
};

/** `reservation`: generic resources of a task. `limits`: ulimits, digit by digit. */
export async function createService(of: {
  readonly replicas: number;
  readonly reservation?: { readonly kind: string; readonly value: number };
  readonly ulimits?: string;
}): Promise<RealService> {
  const endpoint = endpointOf(SWARM_ADDRESS ?? '');
  const engine = dockerEngine(endpoint, { timeoutMs: 5_000 });
  const name = `llama-${randomBytes(4).toString('hex')}`;
  const full = `${STACK}_${name}`;
  const { kind, value } = of.reservation ?? {};
  const reserved = kind === undefined ? [] : [{ DiscreteResourceSpec: { Kind: kind, Value: value } }];
  const spec = {
    Name: full,
    Labels: { 'com.docker.stack.namespace': STACK },
    TaskTemplate: {
      ContainerSpec: { Image: IMAGE, Command: ['/bin/sleep', '100000'], StopGracePeriod: 1e9, Ulimits: 'ULIMITS' },
      Resources: { Reservations: { GenericResources: reserved } },
      Networks: [{ Target: 'host' }],
    },
    Mode: { Replicated: { Replicas: of.replicas } },
  };
  const body = JSON.stringify(spec).replace('"ULIMITS"', of.ulimits ?? '[]');
  const created = await sendHttp(endpoint, 'create', {
    method: 'POST',
    path: '/v1.41/services/create',
    body,
    timeoutMs: 5_000,
  });
  if (created.status !== 201) throw new Error(`the Swarm did not create a service: ${created.status} ${created.text}`);
  await settled(engine, full);
  return {
    engine,
    ref: { kind: 'SwarmService', namespace: STACK, name },
    update: async (change) => {
      const service = await readService(engine, full, 'read');
      const path = `/services/${service.id}/update?version=${service.index}`;
      await engine.call('update', { method: 'POST', path, body: change(service.spec) });
    },
    tasks: async () => {
      const service = await readService(engine, full, 'read');
      const over = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);
      return listOf(await listTasks(engine, [service.id], 'list'))
        .map(recordOf)
        .map((task) => ({ task, status: recordOf(task['Status']) }))
        .filter(({ status }) => !over.has(textOf(status['State'])))
        .map(({ task, status }) => ({
          id: textOf(task['ID']),
          state: textOf(status['State']),
          desired: textOf(task['DesiredState']),
          error: textOf(status['Err']),
        }));
    },
    remove: async () => {
      await sendHttp(endpoint, 'remove', { method: 'DELETE', path: `/v1.41/services/${full}`, timeoutMs: 5_000 });
    },
  };
}

/** The manager writes a new service once more when it has given it its networks. */
async function settled(engine: DockerEngine, name: string): Promise<void> {
  for (let before = ''; ;) {
    const { index } = await readService(engine, name, 'read');
    if (index === before) return;
    before = index;
    await systemClock.sleep(SETTLE_MS);
  }
}

function endpointOf(address: string): HttpEndpoint {
  const url = new URL(address);
  if (url.protocol === 'unix:') return { url: new URL('http://docker'), socketPath: decodeURIComponent(url.pathname) };
  return { url };
}

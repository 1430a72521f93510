/** The Swarm part of the Docker Engine API, as documented: services with their version index, rolling updates, tasks on nodes with generic resources. */
import { startEmulator } from './http-emulator.ts';
import type { Answer, Asked, Emulator, ServerOptions } from './http-emulator.ts';

type Spec = {
  Name: string;
  Labels: Record<string, string>;
  TaskTemplate: {
    ContainerSpec: Record<string, unknown>;
    Resources: { Reservations: { GenericResources: { DiscreteResourceSpec: { Kind: string; Value: number } }[] } };
    ForceUpdate: number;
  };
  Mode: { Replicated?: { Replicas: number }; Global?: object };
  UpdateConfig: Record<string, unknown>;
};

export type Service = {
  ID: string;
  Version: { Index: number };
  CreatedAt: string;
  UpdatedAt: string;
  Spec: Spec;
  PreviousSpec?: Spec;
  UpdateStatus?: { State: string; StartedAt: string; Message: string };
};

export type Task = {
  ID: string;
  Version: { Index: number };
  CreatedAt: string;
  Spec: Spec['TaskTemplate'];
  ServiceID: string;
  Slot: number;
  NodeID?: string;
  Status: { Timestamp: string; State: string; Message: string; Err?: string };
  DesiredState: string;
  NetworksAttachments?: { Network: { Spec: { Name: string; Ingress?: boolean } }; Addresses: string[] }[];
};

export type SwarmOptions = ServerOptions & {
  /** GPUs per node; their ids are `node-0`, `node-1`, … */
  readonly nodes?: readonly number[];
  /** How the engine calls its GPUs. */
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly nowMs?: () => number;
};

export type Swarm = Emulator & {
  /** Creates a replicated service whose tasks each reserve `gpus`. */
  create(name: string, of: { readonly replicas: number; readonly gpus?: number; readonly stack?: string }): Service;
  service(name: string): Service;
  /** Tasks that are not over. */
  tasks(name: string): readonly Task[];
  task(id: string): Task;
  /** `docker service scale`, as somebody else. */
  scale(name: string, replicas: number): void;
  /** A write beside the spec: the manager notes how an update goes. */
  note(name: string, state: string): void;
  /** `docker service update --force`: a rolling update begins. */
  rollout(name: string): void;
  remove(name: string): void;
  /** New tasks stay in `starting` until they are released. */
  holdStarts: boolean;
  release(): void;
  /** Version of the engine behind the address. */
  apiVersion: string;
};

const API_MIN = '1.24';
const ACTIVE = ['new', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting', 'running'];

function error(status: number, message: string): Answer {
  return { status, body: { message } };
}

function missing(text: string): Answer {
  return error(404, `service ${text} not found`);
}

function gpusOf(spec: Spec['TaskTemplate']): number {
  return spec.Resources.Reservations.GenericResources[0]?.DiscreteResourceSpec.Value ?? 0;
}

function minor(version: string): number {
  return Number(version.split('.')[1]);
}

export async function startSwarm(options: SwarmOptions = {}): Promise<Swarm> {
  const services = new Map<string, Service>();
  const all: Task[] = [];
  const nodes = (options.nodes ?? [8, 8]).map((gpus, index) => ({ id: `node-${index}`, gpus }));
  const kind = options.kind ?? 'NVIDIA-GPU';
  let index = 1000;
  let ids = 0;
  const now = (): string => new Date(options.nowMs?.() ?? Date.now()).toISOString();
  const newId = (): string => `${(++ids).toString(36).padStart(4, '0')}qz7w0f5m1x9c3v8b2n6k4`;
  const byName = (name: string): Service | undefined => [...services.values()].find((one) => one.Spec.Name === name);

  const touch = (service: Service): void => {
    service.Version = { Index: ++index };
    service.UpdatedAt = now();
  };
  const active = (service: Service): Task[] =>
    all.filter((task) => task.ServiceID === service.ID && ACTIVE.includes(task.Status.State));
  const place = (task: Task): void => {
    const room = nodes.find(({ id, gpus }) => {
      const used = all.filter((one) => one.NodeID === id && ACTIVE.includes(one.Status.State));
      return gpus - used.reduce((sum, one) => sum + gpusOf(one.Spec), 0) >= gpusOf(task.Spec);
    });
    if (room === undefined) {
      const Err = `no suitable node (insufficient resources on ${nodes.length} nodes)`;
      task.Status = { Timestamp: now(), State: 'pending', Message: 'pending task scheduling', Err };
      return;
    }
    task.NodeID = room.id;
    const Networks = [
      { Network: { Spec: { Name: 'ingress', Ingress: true } }, Addresses: [`10.0.0.${ids}/24`] },
      { Network: { Spec: { Name: 'inference' } }, Addresses: [`10.0.9.${ids}/24`] },
    ];
    task.NetworksAttachments = Networks;
    task.Status = { Timestamp: now(), State: swarm.holdStarts ? 'starting' : 'running', Message: 'started' };
  };
  /** What the orchestrator does after every change of a service. */
  const reconcile = (service: Service): void => {
    const wanted = service.Spec.Mode.Replicated?.Replicas ?? 0;
    const running = active(service).filter((task) => task.DesiredState === 'running');
    for (const task of running.toSorted((a, b) => b.Slot - a.Slot).slice(0, Math.max(0, running.length - wanted))) {
      task.DesiredState = 'remove';
      if (!swarm.holdStarts) task.Status = { ...task.Status, State: 'shutdown' };
    }
    for (let count = running.length; count < wanted; count++) {
      const task: Task = {
        ID: newId(),
        Version: { Index: ++index },
        CreatedAt: now(),
        Spec: service.Spec.TaskTemplate,
        ServiceID: service.ID,
        Slot: count + 1,
        Status: { Timestamp: now(), State: 'pending', Message: '' },
        DesiredState: 'running',
      };
      all.push(task);
      place(task);
    }
  };
  const found = (name: string): Service => {
    const service = byName(name);
    if (service === undefined) throw new Error(`the Swarm has no service ${name}`);
    return service;
  };
  const write = (service: Service, spec: Spec): void => {
    service.PreviousSpec = service.Spec;
    const isRolling = JSON.stringify(spec.TaskTemplate) !== JSON.stringify(service.Spec.TaskTemplate);
    service.Spec = spec;
    touch(service);
    if (isRolling) service.UpdateStatus = { State: 'updating', StartedAt: now(), Message: 'update in progress' };
    else delete service.UpdateStatus;
    reconcile(service);
  };

  /** Full id, then name, then the beginning of an id: in this order. */
  const lookUp = (text: string): Service | undefined =>
    services.get(text) ?? byName(text) ?? [...services.values()].find((one) => one.ID.startsWith(text));

  const update = (text: string, asked: Asked): Answer => {
    const version = asked.url.searchParams.get('version') ?? '';
    if (!/^\d+$/.test(version))
      return error(
        400,
        `invalid service version '${version}': strconv.ParseUint: parsing "${version}": invalid syntax`,
      );
    const spec = JSON.parse(asked.body) as Spec;
    const service = lookUp(text);
    if (service === undefined) return missing(text);
    const replicas = spec.Mode?.Replicated?.Replicas;
    if (replicas !== undefined && replicas < 0) {
      return error(
        400,
        `json: cannot unmarshal number ${replicas} into Go struct field ReplicatedService.Mode.Replicated.Replicas of type uint64`,
      );
    }
    if (spec.TaskTemplate?.ContainerSpec === undefined) return error(400, 'mismatched Runtime and *Spec fields');
    if (spec.Name !== service.Spec.Name) {
      return error(501, 'rpc error: code = Unimplemented desc = renaming services is not supported');
    }
    if ((spec.Mode.Replicated === undefined) !== (service.Spec.Mode.Replicated === undefined)) {
      return error(501, 'rpc error: code = Unimplemented desc = service mode change is not allowed');
    }
    if (Number(version) !== service.Version.Index) {
      return error(500, 'rpc error: code = Unknown desc = update out of sequence');
    }
    write(service, spec);
    return { status: 200, body: { Warnings: null } };
  };
  const listTasks = (asked: Asked): Answer => {
    const filters = JSON.parse(asked.url.searchParams.get('filters') ?? '{}') as { service?: string[] };
    const wanted = filters.service?.map((text) => ({ text, service: lookUp(text) }));
    const lost = wanted?.find((one) => one.service === undefined);
    if (lost !== undefined) return missing(lost.text);
    const ownedBy = new Set(wanted?.map((one) => one.service?.ID));
    return { status: 200, body: wanted === undefined ? all : all.filter((task) => ownedBy.has(task.ServiceID)) };
  };
  const route = (asked: Asked): Answer => {
    if (asked.url.pathname === '/_ping') return { status: 200, body: 'OK' };
    const [, version = '', path = ''] = /^\/v(\d+\.\d+)(\/.*)$/.exec(asked.url.pathname) ?? [];
    if (version === '') return error(404, 'page not found');
    if (minor(version) > minor(swarm.apiVersion)) {
      return error(400, `client version ${version} is too new. Maximum supported API version is ${swarm.apiVersion}`);
    }
    if (minor(version) < minor(API_MIN)) {
      return error(400, `client version ${version} is too old. Minimum supported API version is ${API_MIN}`);
    }
    const [, name = '', action] = /^\/services\/([^/]+)(\/update)?$/.exec(path) ?? [];
    const text = decodeURIComponent(name);
    if (asked.method === 'GET' && path === '/services') return { status: 200, body: [...services.values()] };
    if (asked.method === 'GET' && path === '/tasks') return listTasks(asked);
    if (asked.method === 'POST' && action === '/update') return update(text, asked);
    if (asked.method !== 'GET' || text === '') return error(404, 'page not found');
    const service = lookUp(text);
    return service === undefined ? missing(text) : { status: 200, body: service };
  };
  const emulator = await startEmulator((asked) => {
    const answer = route(asked);
    const headers = {
      'Api-Version': swarm.apiVersion,
      Ostype: 'linux',
      Server: 'Docker (emulated)',
      ...answer.headers,
    };
    return { ...answer, headers };
  }, options);

  const swarm: Swarm = Object.assign(emulator, {
    holdStarts: false,
    apiVersion: options.apiVersion ?? '1.47',
    create: (name: string, of: { replicas: number; gpus?: number; stack?: string }): Service => {
      const gpus = of.gpus ?? 1;
      const service: Service = {
        ID: newId(),
        Version: { Index: ++index },
        CreatedAt: now(),
        UpdatedAt: now(),
        Spec: {
          Name: name,
          Labels: of.stack === undefined ? {} : { 'com.docker.stack.namespace': of.stack },
          TaskTemplate: {
            ContainerSpec: { Image: 'vllm/vllm-openai:v0.9.0@sha256:1f', StopGracePeriod: 30_000_000_000 },
            Resources: {
              Reservations: {
                GenericResources: gpus === 0 ? [] : [{ DiscreteResourceSpec: { Kind: kind, Value: gpus } }],
              },
            },
            ForceUpdate: 0,
          },
          Mode: { Replicated: { Replicas: of.replicas } },
          UpdateConfig: { Parallelism: 1, FailureAction: 'pause', MaxFailureRatio: 0, Order: 'stop-first' },
        },
      };
      services.set(service.ID, service);
      reconcile(service);
      return service;
    },
    service: found,
    tasks: (name: string) => active(found(name)),
    task: (id: string): Task => {
      const task = all.find((one) => one.ID === id);
      if (task === undefined) throw new Error(`the Swarm has no task ${id}`);
      return task;
    },
    scale: (name: string, replicas: number) => {
      const service = found(name);
      write(service, { ...service.Spec, Mode: { Replicated: { Replicas: replicas } } });
    },
    note: (name: string, State: string) => {
      const service = found(name);
      service.UpdateStatus = { State, StartedAt: now(), Message: `update ${State}` };
      touch(service);
    },
    rollout: (name: string) => {
      const service = found(name);
      const TaskTemplate = { ...service.Spec.TaskTemplate, ForceUpdate: service.Spec.TaskTemplate.ForceUpdate + 1 };
      write(service, { ...service.Spec, TaskTemplate });
    },
    remove: (name: string) => void services.delete(found(name).ID),
    release: () => {
      for (const task of all) {
        if (task.Status.State === 'starting') task.Status = { ...task.Status, State: 'running' };
        if (task.DesiredState === 'remove') task.Status = { ...task.Status, State: 'shutdown' };
      }
    },
  });
  return swarm;
}

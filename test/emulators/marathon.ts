/** The part of Marathon's API that resizing needs, as documented: apps with versions, deployments that lock them, tasks with health checks. */
import { startEmulator } from './http-emulator.ts';
import type { Answer, Asked, Emulator, ServerOptions } from './http-emulator.ts';

export type App = {
  id: string;
  instances: number;
  gpus: number;
  cpus: number;
  healthChecks: object[];
  taskKillGracePeriodSeconds?: number;
  version: string;
  versionInfo: { lastScalingAt: string; lastConfigChangeAt: string };
};

export type MarathonTask = {
  id: string;
  appId: string;
  host: string;
  state: string;
  stagedAt: string;
  startedAt?: string;
  version: string;
  ipAddresses: { ipAddress: string; protocol: string }[];
  healthCheckResults: { alive: boolean; taskId: string }[];
};

export type Deployment = {
  id: string;
  version: string;
  affectedApps: string[];
  steps: { actions: { action: string; app: string }[] }[];
  currentActions: { action: string; app: string }[];
  currentStep: number;
  totalSteps: number;
};

export type MarathonOptions = ServerOptions & {
  /** GPUs that Mesos can offer (default: as many as are asked for). */
  readonly gpus?: number;
  /** Expected `Authorization` header; without it everybody may do everything. */
  readonly authorization?: string;
  /** Deployments end at once and tasks are healthy at once (default true). */
  readonly instant?: boolean;
  readonly nowMs?: () => number;
};

export type Marathon = Emulator & {
  create(id: string, of: { readonly instances: number; readonly gpus?: number }): App;
  app(id: string): App;
  tasks(id: string): readonly MarathonTask[];
  readonly deployments: readonly Deployment[];
  /** Another client scales, without force. */
  scale(id: string, instances: number): void;
  /** Another client restarts the app: a rolling restart begins. */
  restart(id: string): void;
  remove(id: string): void;
  /** Staged tasks start and are healthy; deployments whose wish is fulfilled end. */
  settle(): void;
  /** The header that is accepted from now on. */
  authorization: string | undefined;
  instant: boolean;
};

function error(status: number, message: string, more: object = {}): Answer {
  return { status, body: { message, ...more } };
}

function unknownApp(id: string): Answer {
  return error(404, `App '${id}' does not exist`);
}

function invalid(path: string, text: string): Answer {
  return error(422, 'Object is not valid', { details: [{ path, errors: [text] }] });
}

export async function startMarathon(options: MarathonOptions = {}): Promise<Marathon> {
  const apps = new Map<string, App>();
  const tasks: MarathonTask[] = [];
  const deployments: Deployment[] = [];
  let ids = 0;
  let lastMs = 0;
  /** Versions are times, and no two are the same. */
  const newVersion = (): string => {
    lastMs = Math.max(lastMs + 1, options.nowMs?.() ?? Date.now());
    return new Date(lastMs).toISOString();
  };
  const tasksOf = (id: string): MarathonTask[] => tasks.filter((task) => task.appId === id);
  const gpusUsed = (): number => tasks.reduce((sum, task) => sum + (apps.get(task.appId)?.gpus ?? 0), 0);

  const start = (app: App): void => {
    const id = `${app.id.slice(1).replaceAll('/', '_')}.${++ids}`;
    tasks.push({
      id,
      appId: app.id,
      host: `agent-${ids % 2}`,
      state: 'TASK_STAGING',
      stagedAt: newVersion(),
      version: app.version,
      ipAddresses: [{ ipAddress: `10.1.0.${ids}`, protocol: 'IPv4' }],
      healthCheckResults: [],
    });
  };
  const reconcile = (app: App): void => {
    while (tasksOf(app.id).length > app.instances)
      tasks.splice(
        tasks.findLastIndex((one) => one.appId === app.id),
        1,
      );
    while (tasksOf(app.id).length < app.instances && gpusUsed() + app.gpus <= (options.gpus ?? Infinity)) start(app);
  };
  const settle = (): void => {
    for (const task of tasks) {
      task.state = 'TASK_RUNNING';
      task.startedAt ??= newVersion();
      task.healthCheckResults = [{ alive: true, taskId: task.id }];
    }
    const open = deployments.filter((one) =>
      one.affectedApps.some((id) => tasksOf(id).length !== (apps.get(id)?.instances ?? 0)),
    );
    deployments.splice(0, deployments.length, ...open);
  };
  const deploy = (app: App, action: string): Deployment => {
    const actions = [{ action, app: app.id }];
    const deployment = {
      id: `9a7c0e64-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
      version: app.version,
      affectedApps: [app.id],
      steps: [{ actions }],
      currentActions: actions,
      currentStep: 1,
      totalSteps: 1,
    };
    deployments.push(deployment);
    reconcile(app);
    if (marathon.instant) settle();
    return deployment;
  };
  const change = (app: App, instances: number): Deployment => {
    app.instances = instances;
    app.version = newVersion();
    app.versionInfo.lastScalingAt = app.version;
    return deploy(app, 'ScaleApplication');
  };
  const locks = (id: string): Deployment[] => deployments.filter((one) => one.affectedApps.includes(id));

  const show = (app: App, embed: readonly string[]): Answer => {
    const mine = tasksOf(app.id);
    const running = mine.filter((task) => task.state === 'TASK_RUNNING');
    const counts = {
      tasksStaged: mine.length - running.length,
      tasksRunning: running.length,
      tasksHealthy: running.filter((task) => task.healthCheckResults.every((one) => one.alive)).length,
      tasksUnhealthy: 0,
    };
    const parts = {
      ...(embed.includes('app.counts') ? counts : {}),
      ...(embed.includes('app.deployments') ? { deployments: locks(app.id).map(({ id }) => ({ id })) } : {}),
      ...(embed.includes('app.tasks') ? { tasks: mine } : {}),
    };
    return { status: 200, body: { app: { ...app, ...parts } } };
  };
  const put = (id: string, asked: Asked): Answer => {
    let body: { instances?: unknown };
    try {
      body = JSON.parse(asked.body) as { instances?: unknown };
    } catch {
      return error(400, 'Invalid JSON', { details: [] });
    }
    const { instances } = body;
    if (typeof instances !== 'number' || !Number.isInteger(instances)) {
      return error(400, 'Invalid JSON', { details: [{ path: '/instances', errors: ['error.expected.jsnumber'] }] });
    }
    if (instances < 0) return invalid('/instances', `got ${instances}, expected 0 or more`);
    const app = apps.get(id);
    // Marathon would create it; with nothing but a number of instances that is not a valid app.
    if (app === undefined)
      return invalid('/', 'AppDefinition must either contain one of cmd or args, and/or a container.');
    const locked = locks(id);
    if (locked.length > 0 && asked.url.searchParams.get('force') !== 'true') {
      return error(
        409,
        "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
        { deployments: locked.map((one) => ({ id: one.id })) },
      );
    }
    for (const one of locked) deployments.splice(deployments.indexOf(one), 1);
    const deployment = change(app, instances);
    return { status: 200, body: { version: deployment.version, deploymentId: deployment.id } };
  };
  const cancel = (id: string, asked: Asked): Answer => {
    const index = deployments.findIndex((one) => one.id === id);
    if (index === -1) return error(404, `DeploymentPlan ${id} does not exist`);
    if (asked.url.searchParams.get('force') !== 'true') throw new Error('nobody here asks for a rollback');
    deployments.splice(index, 1);
    return { status: 202 };
  };
  const route = (asked: Asked): Answer => {
    if (marathon.authorization !== undefined && asked.headers.authorization !== marathon.authorization) {
      const headers = { 'WWW-Authenticate': 'Basic realm="Mesosphere"' };
      return { status: 401, body: { message: 'Invalid username or password.' }, headers };
    }
    const path = decodeURIComponent(asked.url.pathname);
    if (asked.method === 'GET' && path === '/v2/deployments') return { status: 200, body: deployments };
    const [, deployment] = /^\/v2\/deployments\/([^/]+)$/.exec(path) ?? [];
    if (asked.method === 'DELETE' && deployment !== undefined) return cancel(deployment, asked);
    const [, id] = /^\/v2\/apps(\/.+)$/.exec(path) ?? [];
    if (id === undefined) return error(404, 'HTTP 404 Not Found');
    if (asked.method === 'PUT') return put(id, asked);
    const app = apps.get(id);
    return app === undefined ? unknownApp(id) : show(app, asked.url.searchParams.getAll('embed'));
  };

  const found = (id: string): App => {
    const app = apps.get(id);
    if (app === undefined) throw new Error(`Marathon has no app ${id}`);
    return app;
  };
  const emulator = await startEmulator(route, options);
  const marathon: Marathon = Object.assign(emulator, {
    authorization: options.authorization,
    instant: options.instant ?? true,
    deployments,
    settle,
    create: (id: string, of: { instances: number; gpus?: number }): App => {
      const version = newVersion();
      const versionInfo = { lastScalingAt: version, lastConfigChangeAt: version };
      const healthChecks = [{ protocol: 'MESOS_HTTP', path: '/health' }];
      const app: App = { id, instances: of.instances, gpus: of.gpus ?? 1, cpus: 8, healthChecks, version, versionInfo };
      apps.set(id, app);
      reconcile(app);
      settle();
      return app;
    },
    app: found,
    tasks: tasksOf,
    scale: (id: string, instances: number) => void change(found(id), instances),
    restart: (id: string) => {
      const app = found(id);
      app.version = newVersion();
      app.versionInfo.lastConfigChangeAt = app.version;
      deploy(app, 'RestartApplication');
    },
    remove: (id: string) => void apps.delete(id),
  });
  return marathon;
}

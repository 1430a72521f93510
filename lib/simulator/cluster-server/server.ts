/** Puts a world behind HTTP, so that the official Kubernetes and AWS clients drive it. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import type { Logger } from '../../base/log.ts';
import type { World } from '../world/world.ts';
import { serveAws } from './aws/host.ts';
import { createFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { readRequest } from './http.ts';
import type { ApiRequest } from './http.ts';
import type { Identity } from './kubernetes/access.ts';
import { createStore } from './kubernetes/read/store.ts';
import type { Watcher } from './kubernetes/read/watch.ts';
import { refuseLargeBody, serveKubernetes } from './kubernetes/host.ts';
import { createRequestsLog } from './requests-log.ts';
import type { RequestsLog } from './requests-log.ts';

export type ClusterServerOptions = {
  readonly world: World;
  readonly clock: Clock;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Ports of the two APIs; default 0: free ones. */
  readonly port?: number;
  readonly awsPort?: number;
  /** Bearer token → who that is; a Map may grow later. Default: {@link ADMIN_TOKEN} may do everything. */
  readonly tokens?: Readonly<Record<string, Identity>> | ReadonlyMap<string, Identity>;
  /** Events kept for resuming watches; older resource versions get 410. Default 10,000. */
  readonly watchHistory?: number;
  /** How often watches that allow it get a bookmark. Default 60 s, about what a real server does. */
  readonly bookmarkIntervalSec?: number;
  /** How often the world follows the clock between requests. Default 20 ms. */
  readonly tickMs?: number;
  /** Told when the simulator itself fails; default nobody. */
  readonly logger?: Logger;
};

export type ClusterServer = {
  readonly kubernetesUrl: string;
  /** Endpoint of EKS and Auto Scaling. */
  readonly awsUrl: string;
  /** The first token of the table. */
  readonly token: string;
  /** For `KubeConfig.loadFromOptions`. */
  readonly kubeconfig: ReturnType<typeof kubeconfigOf>;
  readonly requests: RequestsLog;
  readonly faults: Faults;
  /** Brings the world to the clock's time now (requests and the ticker do it too). */
  sync(): void;
  /** Cuts every open watch, as a restarting API server does. */
  dropWatches(): void;
  /** Ends both servers and every connection. */
  close(): Promise<void>;
};

/** The token that works when no table is given. */
const ADMIN_TOKEN = 'simulator-admin';

/** Starts the Kubernetes API and the AWS APIs of `options.world`. */
export async function startClusterServer(options: ClusterServerOptions): Promise<ClusterServer> {
  const { world, clock, host = '127.0.0.1' } = options;
  const tokens = tokenTable(options.tokens ?? { [ADMIN_TOKEN]: { user: 'admin', rules: 'admin' } });
  const store = createStore(world, options.watchHistory ?? 10_000);
  const gate = { clock, faults: createFaults(world.state.settings.seed), log: createRequestsLog() };
  const watchers = new Set<Watcher>();
  const sync = (): void => world.advanceTo(clock.nowMs());
  const kubernetes = {
    world,
    store,
    gate,
    watchers,
    tokens,
    bookmarkIntervalMs: (options.bookmarkIntervalSec ?? 60) * 1000,
  };
  const hosting = { sync, logger: options.logger ?? silentLogger };
  const kubernetesServer = serverOf(hosting, (request, response) => serveKubernetes(kubernetes, request, response));
  const kubernetesUrl = await listen(kubernetesServer, { host, port: options.port ?? 0 });
  const aws = { world, gate, kubernetesUrl };
  const awsServer = serverOf(hosting, (request, response) => serveAws(aws, request, response));
  const awsUrl = await listen(awsServer, { host, port: options.awsPort ?? 0 });
  const token = [...tokens.keys()][0] ?? '';
  const stopped = new AbortController();
  const ticking = tick({ clock, world, sync, watchers, tickMs: options.tickMs ?? 20, signal: stopped.signal });
  return {
    kubernetesUrl,
    awsUrl,
    token,
    kubeconfig: kubeconfigOf(kubernetesUrl, token),
    requests: gate.log,
    faults: gate.faults,
    sync,
    dropWatches: () => closeAll(watchers),
    close: async () => {
      stopped.abort();
      store.close();
      await Promise.all([ticking, closeServer(kubernetesServer), closeServer(awsServer)]);
    },
  };
}

function tokenTable(
  tokens: Readonly<Record<string, Identity>> | ReadonlyMap<string, Identity>,
): ReadonlyMap<string, Identity> {
  return tokens instanceof Map ? tokens : new Map(Object.entries(tokens));
}

type Serve = (request: ApiRequest, response: ServerResponse) => Promise<void>;

type Hosting = { readonly sync: () => void; readonly logger: Logger };

/** In a real cluster leaders and nodes renew their leases all the time, so that versions rise also while nothing else changes [ms]. */
const LEASE_MS = 2_000;

// Longer than any client keeps an idle connection, so that none is closed under a request on its way.
const KEEP_ALIVE_MS = 65_000;

function serverOf({ sync, logger }: Hosting, serve: Serve): Server {
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readRequest(message);
    if (request === undefined) return refuseLargeBody(response);
    sync();
    await serve(request, response);
    sync();
  };
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (message, response) => {
    handle(message, response).catch((error: unknown) => {
      // A bug of the simulator must not look like an answer of the cluster: cut the connection.
      logger.error('Simulated API failed', { path: message.url, error: messageOf(error) });
      response.destroy();
    });
  });
}

type Ticking = {
  readonly clock: Clock;
  readonly world: World;
  readonly sync: () => void;
  readonly watchers: ReadonlySet<Watcher>;
  readonly tickMs: number;
  readonly signal: AbortSignal;
};

async function tick({ clock, world, sync, watchers, tickMs, signal }: Ticking): Promise<void> {
  let leaseMs = clock.nowMs();
  while (!signal.aborted) {
    await clock.sleep(tickMs, signal);
    if (signal.aborted) return;
    sync();
    if (clock.nowMs() - leaseMs >= LEASE_MS) {
      leaseMs = clock.nowMs();
      world.state.version += 1;
    }
    for (const watcher of watchers) watcher.tick(clock.nowMs());
  }
}

function closeAll(watchers: ReadonlySet<Watcher>): void {
  for (const watcher of watchers) watcher.close();
}

function listen(server: Server, at: { readonly host: string; readonly port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      const { port } = server.address() as AddressInfo;
      resolve(`http://${at.host}:${port}`);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function kubeconfigOf(server: string, token: string) {
  return {
    // The official client speaks plain HTTP only with this.
    clusters: [{ name: 'simulator', server, skipTLSVerify: true }],
    users: [{ name: 'simulator', token }],
    contexts: [{ name: 'simulator', cluster: 'simulator', user: 'simulator' }],
    currentContext: 'simulator',
  };
}

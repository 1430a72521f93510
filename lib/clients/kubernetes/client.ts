/** One connection to a Kubernetes API server: typed APIs, deadlines, fresh credentials, our errors. */
import type { Clock } from '../../base/clock.ts';
import { ConfigError, messageOf } from '../../base/errors.ts';
import { linkedSignal } from '../../base/linked-signal.ts';
import { isUnauthorized, kubernetesError } from './errors.ts';
import { eksTokenSource } from './eks-token.ts';
import type { TokenSource } from './eks-token.ts';
import type { AwsCredentials } from '../aws/identity.ts';
import {
  AppsV1Api,
  AutoscalingV2Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  Observable,
  PatchStrategy,
  setHeaderMiddleware,
} from './facade.ts';
import type { ConfigurationOptions, RequestContext } from './facade.ts';
import { ownWrites } from './own-writes.ts';
import type { OwnWrites } from './own-writes.ts';
import { rawJson, rawLines } from './raw.ts';
import type { RawRequest } from './raw.ts';

/** How to reach the cluster and who we are there. */
export type KubernetesConnection =
  /** A kubeconfig file; its current context unless `context` names another. */
  | { readonly kind: 'kubeconfigFile'; readonly path: string; readonly context?: string }
  | { readonly kind: 'kubeconfigText'; readonly text: string; readonly context?: string }
  /** The service account of the pod we run in. */
  | { readonly kind: 'inCluster' }
  /** `http:` servers are for tests and the demo. `caData` is base64 of PEM, as in a kubeconfig. */
  | { readonly kind: 'server'; readonly server: string; readonly caData?: string; readonly token?: string }
  /** An EKS cluster by endpoint and CA, with tokens signed from AWS credentials (the default chain when left out). */
  | {
      readonly kind: 'eks';
      readonly server: string;
      readonly caData?: string;
      readonly cluster: string;
      readonly region: string;
      readonly credentials?: () => Promise<AwsCredentials>;
    };

export type KubernetesClientOptions = {
  readonly clock: Clock;
  /** Deadline of one request [ms], default {@link REQUEST_MS_MAX}. */
  readonly requestMsMax?: number;
  /** Aborts when so many ms have passed; default `AbortSignal.timeout`. */
  readonly deadlineOf?: (requestMs: number) => AbortSignal;
};

/** Passed on to a generated API call. */
export type CallOptions = ConfigurationOptions;

export type KubernetesClient = {
  readonly apps: AppsV1Api;
  /** Pods, evictions and nodes. */
  readonly core: CoreV1Api;
  readonly autoscaling: AutoscalingV2Api;
  /** Any other kind, by group, version and plural. */
  readonly custom: CustomObjectsApi;
  /**
   * Runs one call within its deadline, with fresh credentials (once more after a 401 when they can be renewed).
   * `what` completes `Cannot …`. Throws NotFoundError, DeniedError, ConflictError, TransientError, ConfigError.
   */
  call<T>(
    what: string,
    request: (options: CallOptions) => Promise<T>,
    limits?: { readonly requestMsMax?: number },
  ): Promise<T>;
  /** The parsed answer of a GET, without typed models; ended early by `signal`. Deadline, credentials and errors as in `call`. */
  getJson(
    what: string,
    request: RawRequest,
    limits?: { readonly requestMsMax?: number; readonly signal?: AbortSignal },
  ): Promise<unknown>;
  /** The lines of the answer of a GET as they come, the first of them empty, until the server ends it or `signal` aborts. Credentials and errors as in `call`; no deadline. */
  lines(what: string, request: RawRequest, signal: AbortSignal): AsyncGenerator<string>;
  /** Versions that writes through this client made. */
  readonly ownWrites: OwnWrites;
  close(): Promise<void>;
};

/** Two of these fit into one actuation step of 3 s; an API server that takes longer is not healthy. */
export const REQUEST_MS_MAX = 1_400;

/** A TLS connection pool is made anew so often [ms], so that rotated client certificates and CAs are picked up. */
const POOL_MS_MAX = 600_000;

/** Our name in `managedFields`. */
export const FIELD_MANAGER = 'penstock';

/** Connects lazily: nothing is sent before the first call. Throws ConfigError when the connection cannot be understood. */
export function kubernetesClient(connection: KubernetesConnection, options: KubernetesClientOptions): KubernetesClient {
  const config = kubeConfigOf(connection);
  const tokens = connection.kind === 'eks' ? tokensOf(connection, options.clock) : undefined;
  const pool = connectionPool(options.clock);
  const requestMsMax = options.requestMsMax ?? REQUEST_MS_MAX;
  const writes = ownWrites();
  const { deadlineOf = (requestMs: number) => AbortSignal.timeout(requestMs) } = options;
  const deadline =
    (requestMs = requestMsMax): (() => AbortSignal) =>
    () =>
      deadlineOf(requestMs);
  /** Once more after a 401 when credentials can be renewed. */
  const tried = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      if (tokens === undefined || !isUnauthorized(error)) throw kubernetesError(what, error);
      tokens.renew();
    }
    try {
      return await run();
    } catch (error) {
      throw kubernetesError(what, error);
    }
  };
  return {
    apps: config.makeApiClient(AppsV1Api),
    core: config.makeApiClient(CoreV1Api),
    autoscaling: config.makeApiClient(AutoscalingV2Api),
    custom: config.makeApiClient(CustomObjectsApi),
    call: (what, request, limits = {}) =>
      tried(what, async () => {
        let sent: RequestContext | undefined;
        const prepare = preparing({ tokens, pool, signal: deadline(limits.requestMsMax) });
        const answer = await request(
          callOptions(async (context) => {
            sent = context;
            return prepare(context);
          }),
        );
        if (sent !== undefined) writes.note({ method: sent.getHttpMethod(), url: sent.getUrl() }, answer);
        return answer;
      }),
    getJson: (what, request, limits = {}) =>
      tried(what, async () => {
        const ending = endedBy(limits.signal, deadline(limits.requestMsMax));
        try {
          return await rawJson(config, request, preparing({ tokens, pool, signal: ending.signal }));
        } finally {
          ending.release();
        }
      }),
    lines: async function* (what, request, signal) {
      const open = async () => {
        const lines = rawLines(config, request, preparing({ tokens, pool, signal: () => signal }));
        await lines.next();
        return lines;
      };
      const lines = await tried(what, open);
      yield '';
      try {
        yield* lines;
      } catch (error) {
        throw kubernetesError(what, error);
      }
    },
    ownWrites: writes,
    close: () => pool.close(),
  };
}

/** The options of a PATCH whose body is an object that is merged (the generated default is a JSON Patch array, which is refused for objects). */
export function mergePatch(options: CallOptions): CallOptions {
  const header = setHeaderMiddleware('Content-Type', PatchStrategy.MergePatch);
  return { ...options, middleware: [...(options.middleware ?? []), header], middlewareMergeStrategy: 'append' };
}

/** The deadline, and beside it a signal that lives longer than the request. */
function endedBy(outer: AbortSignal | undefined, deadline: () => AbortSignal) {
  if (outer === undefined) return { signal: deadline, release: () => {} };
  const linked = linkedSignal(outer);
  const signal = (): AbortSignal => {
    deadline().addEventListener('abort', linked.abort, { once: true });
    return linked.signal;
  };
  return { signal, release: linked.release };
}

type Preparing = { tokens: TokenSource | undefined; pool: Pool; signal: () => AbortSignal };

/** What every request gets, typed or not. */
function preparing(parts: Preparing): (context: RequestContext) => Promise<RequestContext> {
  return async (context) => {
    parts.pool.use(context);
    context.setSignal(parts.signal());
    if (parts.tokens !== undefined) context.setHeaderParam('Authorization', `Bearer ${await parts.tokens.token()}`);
    return context;
  };
}

function callOptions(prepare: (context: RequestContext) => Promise<RequestContext>): CallOptions {
  return {
    middleware: [
      {
        pre: (context) => new Observable(prepare(context)),
        post: (context) => new Observable(Promise.resolve(context)),
      },
    ],
    middlewareMergeStrategy: 'append',
  };
}

type Pool = { use(context: RequestContext): void; close(): Promise<void> };
type Dispatcher = NonNullable<ReturnType<RequestContext['getDispatcher']>>;

/** client-node 2.0.1 makes a new pool, hence a new TLS handshake, for every request: keep one. */
function connectionPool(clock: Clock): Pool {
  let kept: { readonly dispatcher: Dispatcher; readonly madeMs: number } | undefined;
  return {
    use: (context) => {
      const offered = context.getDispatcher();
      if (offered === undefined) return;
      const nowMs = clock.monotonicMs();
      if (kept === undefined || nowMs - kept.madeMs > POOL_MS_MAX) {
        // Requests under way finish first; a failure to close an old pool concerns nobody.
        kept?.dispatcher.close().catch(() => {});
        kept = { dispatcher: offered, madeMs: nowMs };
      }
      context.setDispatcher(kept.dispatcher);
    },
    close: async () => {
      await kept?.dispatcher.close();
      kept = undefined;
    },
  };
}

function tokensOf(connection: KubernetesConnection & { readonly kind: 'eks' }, clock: Clock): TokenSource {
  const { cluster, region } = connection;
  return eksTokenSource({ cluster, region, clock, credentials: connection.credentials ?? defaultCredentials() });
}

/** The credential chain of the AWS SDK, loaded at the first signing. */
function defaultCredentials(): () => Promise<AwsCredentials> {
  let chain: Promise<() => Promise<AwsCredentials>> | undefined;
  return async () => {
    chain ??= import('@aws-sdk/credential-providers').then((module) => module.fromNodeProviderChain());
    return (await chain)();
  };
}

function kubeConfigOf(connection: KubernetesConnection): KubeConfig {
  const config = new KubeConfig();
  try {
    switch (connection.kind) {
      case 'kubeconfigFile':
        config.loadFromFile(connection.path);
        break;
      case 'kubeconfigText':
        config.loadFromString(connection.text);
        break;
      case 'inCluster':
        config.loadFromCluster();
        break;
      case 'server':
      case 'eks':
        config.loadFromClusterAndUser(clusterOf(connection), userOf(connection));
        break;
    }
    const context = 'context' in connection ? connection.context : undefined;
    if (context !== undefined) config.setCurrentContext(context);
  } catch (error) {
    throw new ConfigError(`Cannot load the Kubernetes connection "${connection.kind}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (config.getCurrentCluster() === null) {
    throw new ConfigError(
      `Cannot load the Kubernetes connection "${connection.kind}": expected a context with a cluster, current value is "${config.getCurrentContext()}"`,
    );
  }
  return config;
}

function clusterOf(connection: { readonly server: string; readonly caData?: string }) {
  const { server, caData } = connection;
  // client-node refuses plain HTTP unless verification is off; it changes nothing else there.
  const skipTLSVerify = server.startsWith('http:');
  return { name: 'cluster', server, skipTLSVerify, ...(caData === undefined ? {} : { caData }) };
}

function userOf(connection: KubernetesConnection & { readonly server: string }) {
  const token = connection.kind === 'server' ? connection.token : undefined;
  return { name: 'penstock', ...(token === undefined ? {} : { token }) };
}

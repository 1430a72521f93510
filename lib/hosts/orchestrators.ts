/** Swarm and Marathon as the configuration names them: targets to resize and views to observe, by target kind. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { ConfigError, messageOf } from '../base/errors.ts';
import { dockerEngine } from '../clients/docker-engine.ts';
import type { HttpEndpoint } from '../clients/http-json.ts';
import { marathonClient } from '../clients/marathon.ts';
import type { MarathonConnection } from '../clients/marathon.ts';
import type { Secrets } from '../clients/secrets.ts';
import { marathonView } from '../cluster-view/marathon.ts';
import { swarmView } from '../cluster-view/swarm.ts';
import type { ClusterView } from '../cluster-view/contract.ts';
import { marathonApp } from '../targets/marathon-app.ts';
import { swarmService } from '../targets/swarm-service.ts';
import type { Target } from '../targets/contract.ts';
import type { Config } from './config.ts';
import type { DockerConfig, MarathonConfig } from './config-orchestrators.ts';

export type Orchestrators = {
  /** A kind without a connection is refused with the setting that it needs. */
  readonly targets: readonly (readonly [string, Target])[];
  readonly views: ReadonlyMap<string, ClusterView | string>;
};

/** Reads certificates, connects to nothing. `timeoutMs`: deadline of one request, where the usual one does not fit [ms]. Throws ConfigError when a file cannot be read. */
export async function openOrchestrators(
  config: Pick<Config, 'docker' | 'marathon'>,
  parts: { readonly secrets: Secrets; readonly clock: Clock; readonly timeoutMs?: number },
): Promise<Orchestrators> {
  const { secrets, clock, timeoutMs } = parts;
  const limits = timeoutMs === undefined ? {} : { timeoutMs };
  const engine = config.docker === null ? null : dockerEngine(await engineEndpoint(config.docker), limits);
  const client =
    config.marathon === null
      ? null
      : marathonClient({ ...(await marathonConnection(config.marathon, secrets)), ...limits });
  const noDocker = 'PENSTOCK_DOCKER_HOST is not set';
  const noMarathon = 'PENSTOCK_MARATHON_URL is not set';
  return {
    targets: [
      ['SwarmService', engine === null ? refusing(noDocker) : swarmService(engine)],
      ['MarathonApp', client === null ? refusing(noMarathon) : marathonApp(client)],
    ],
    views: new Map([
      ['SwarmService', engine === null ? noDocker : swarmView({ engine, clock })],
      ['MarathonApp', client === null ? noMarathon : marathonView({ client, clock })],
    ]),
  };
}

async function engineEndpoint({ url, certPath }: DockerConfig): Promise<HttpEndpoint> {
  if (url.protocol === 'unix:') return { url: new URL('http://docker'), socketPath: decodeURIComponent(url.pathname) };
  if (certPath === null) return { url };
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((file) => readPem('PENSTOCK_DOCKER_CERT_PATH', join(certPath, file))),
  );
  return { url, tls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' } };
}

async function marathonConnection(
  { url, auth, caFile }: MarathonConfig,
  secrets: Secrets,
): Promise<MarathonConnection> {
  const tls = caFile === null ? {} : { tls: { ca: await readPem('PENSTOCK_MARATHON_CA_FILE', caFile) } };
  const endpoint = { url, ...tls };
  if (auth === null) return { endpoint };
  const { scheme, secretFrom } = auth;
  return { endpoint, auth: { scheme, secret: () => secrets.resolve(secretFrom), forget: () => secrets.forget() } };
}

async function readPem(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`Cannot read ${setting} "${path}": ${messageOf(error)}`, { cause: error });
  }
}

function refusing(reason: string): Target {
  const refuse = (): Promise<never> => {
    throw new ConfigError(
      `Cannot resize the target: expected a connection to its orchestrator, current value is none: ${reason}`,
    );
  };
  return { read: async () => refuse(), scale: async () => refuse() };
}

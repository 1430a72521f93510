/** What every function is made of: configuration with its secrets, logger, state. */
import { systemClock } from '../../../base/clock.ts';
import type { Clock } from '../../../base/clock.ts';
import { jsonLogger } from '../../../base/log.ts';
import type { Logger } from '../../../base/log.ts';
import type { Metrics } from '../../../base/metrics.ts';
import { openRedis } from '../../../clients/redis.ts';
import type { RedisClient } from '../../../clients/redis.ts';
import { secretsResolver } from '../../../clients/secrets.ts';
import type { Secrets } from '../../../clients/secrets.ts';
import { checkRedis } from '../../../state/redis-check.ts';
import { redisStateStores } from '../../../state/redis.ts';
import type { StateStores } from '../../../state/contract.ts';
import { readConfig } from '../../config.ts';
import type { Config } from '../../config.ts';
import { lambdaInvoker } from '../invoke.ts';
import { withSecrets } from '../secrets.ts';
import { collectingWake } from '../wake.ts';
import type { CollectingWake } from '../wake.ts';
import { redisOptionsOf } from '../../redis-options.ts';

export type LambdaBase = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly secrets: Secrets;
  readonly state: StateStores;
  readonly wake: CollectingWake;
};

/** Throws ConfigError, DeniedError or TransientError when the configuration or one of its secrets cannot be read, or when Redis does not answer or could lose keys. */
export async function buildBase(metrics: Metrics): Promise<LambdaBase> {
  const raw = readConfig();
  const clock = systemClock;
  const log = jsonLogger({ level: raw.logLevel });
  const { region, endpoint } = raw.aws;
  // Secrets of policies by `env` have no place in Lambda: an environment is no place for a secret.
  const secrets = secretsResolver({ clock, env: {}, region, ...(endpoint === null ? {} : { endpoint }) });
  const config = await withSecrets(raw, secrets);
  const client = await checkedRedis(config, log);
  return {
    config,
    clock,
    log,
    metrics,
    secrets,
    state: redisStateStores({ client, prefix: `${config.redis.keyPrefix}:`, clock, log, metrics }),
    wake: collectingWake(lambdaInvoker(config.aws), { targets: config.functions, log, metrics }),
  };
}

/** A client whose server was asked at once: the first event finds the connection open. */
async function checkedRedis(config: Config, log: Logger): Promise<RedisClient> {
  const client = openRedis({ ...redisOptionsOf(config), log, name: 'penstock-lambda' });
  try {
    for (const warning of (await checkRedis(client)).warnings) log.warn(warning);
    return client;
  } catch (error) {
    // The next invocation builds anew; this one must not leave a socket behind that tries for ever.
    client.disconnect();
    throw error;
  }
}

/** State in Redis 6.2 or newer, or Redis Cluster: every call touches one key. */
import { messageOf } from '../base/errors.ts';
import type { RedisClient } from '../clients/redis.ts';
import type { ActuationRecord, AlertBook, Pauses, Progress, StateStores } from './contract.ts';
import type { Plan, Snapshot } from '../core/types.ts';
import { redisDocuments } from './redis-documents.ts';
import { redisLedger, redisOutbox } from './redis-lists.ts';
import { redisLoad } from './redis-load.ts';
import type { RedisParts } from './redis-parts.ts';
import { call } from './redis-call.ts';

/** All stores on one client. `close` ends the client. */
export function redisStateStores(parts: RedisParts): StateStores {
  const load = redisLoad(parts);
  const listeners = new Set<() => void>();
  const stopWatching = watchReconnects(parts.client, () => {
    // What Redis lost must not be remembered here.
    load.forgetCache();
    for (const listener of listeners) listener();
  });
  return {
    load,
    progress: redisDocuments<Progress>(parts, 'progress'),
    plans: redisDocuments<Plan>(parts, 'plan'),
    snapshots: redisDocuments<Snapshot>(parts, 'snapshot'),
    alerts: redisDocuments<AlertBook>(parts, 'alerts'),
    control: redisDocuments<unknown>(parts, 'control', { unreadable: null }),
    // Its readers check what they read (lib/loop/stored-record.ts), and take this for a broken one.
    actuation: redisDocuments<ActuationRecord>(parts, 'actuation', { unreadable: null as unknown as ActuationRecord }),
    pauses: redisDocuments<Pauses>(parts, 'pauses'),
    ledger: redisLedger(parts),
    outbox: redisOutbox(parts),
    ping: async () => {
      const startMs = parts.clock.monotonicMs();
      await call({ act: 'reach', of: 'Redis' }, () => parts.client.ping());
      return parts.clock.monotonicMs() - startMs;
    },
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: async () => {
      stopWatching();
      listeners.clear();
      try {
        await parts.client.quit();
      } catch (error) {
        parts.log.debug('connection to Redis was gone before it was closed', { error: messageOf(error) });
      } finally {
        // Ends the search for an address that never answered, too.
        parts.client.disconnect();
      }
    },
  };
}

/** Every `ready` but the first is a reconnect; in a cluster every node that joins later may be a promoted replica. */
function watchReconnects(client: RedisClient, onReconnect: () => void): () => void {
  let wasReady = client.status === 'ready';
  const onReady = (): void => {
    if (wasReady) onReconnect();
    wasReady = true;
  };
  const onNode = (): void => {
    if (wasReady) onReconnect();
  };
  client.on('ready', onReady);
  client.on('+node', onNode);
  return () => {
    client.off('ready', onReady);
    client.off('+node', onNode);
  };
}

/** Parts of the notify function: state and a Kafka producer. */
import { readFile } from 'node:fs/promises';
import type { Metrics } from '../../../base/metrics.ts';
import type { KafkaSettings } from '../../../clients/kafka/client.ts';
import { notify } from '../../../loop/notify.ts';
import { KafkaProducer } from '../../../stream/kafka-producer.ts';
import type { Config } from '../../config.ts';
import type { NotifyParts } from '../notify.ts';
import { buildBase } from './base.ts';

/** Throws what {@link buildBase} throws. Kafka is connected to by the first message. */
export async function buildNotify(metrics: Metrics): Promise<NotifyParts> {
  const base = await buildBase(metrics);
  const producer = new KafkaProducer({ kafka: await settingsOf(base.config.kafka), log: base.log });
  const deps = { ...base, producer };
  return { deps, wake: base.wake, notify: (options) => notify(deps, options) };
}

async function settingsOf({ brokers, clientId, tls, caFile, sasl }: Config['kafka']): Promise<KafkaSettings> {
  const ca = caFile === null ? {} : { ca: await readFile(caFile, 'utf8') };
  return { brokers, clientId, ...(tls ? { tls: ca } : {}), ...(sasl === null ? {} : { sasl }) };
}

/** Asks a broker whether it is ready. */
import { Kafka, logLevel } from 'kafkajs';

/** A loopback broker that needs longer to accept or to answer is not up yet [ms]. */
const CONNECT_MS_MAX = 2_000;
const REQUEST_MS_MAX = 5_000;

/** Version negotiation and a metadata request. Resolves when the cluster has a controller and at least one broker that takes
 *  part; throws otherwise. */
export async function askKafka(brokers: readonly string[]): Promise<void> {
  const kafka = new Kafka({
    clientId: 'penstock-local',
    brokers: [...brokers],
    connectionTimeout: CONNECT_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0 || cluster.controller === null) throw new Error('no broker has registered yet');
  } finally {
    await admin.disconnect();
  }
}

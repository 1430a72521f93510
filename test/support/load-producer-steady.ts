/** Gateways that report the load of their workloads twice a second, until told otherwise. */
import { systemClock } from '../../lib/base/clock.ts';
import { rawKafka } from '../stream/kafka-support.ts';

export type SteadyLoad = {
  /** Requests in flight of a workload from now on; null: silence. */
  set(workload: string, inFlight: number | null): void;
  /** Events acknowledged so far, by workload; each says that one request arrived. */
  readonly sent: ReadonlyMap<string, number>;
  /** Rounds that the brokers did not acknowledge: they may or may not be in the log. */
  failures(): number;
  stop(): Promise<void>;
};

const REPORT_MS = 500;

/** Starts reporting. A broker that is away is tried again; intervals stay without a gap. */
export async function steadyLoad(options: {
  readonly brokers: readonly string[];
  readonly topic: string;
}): Promise<SteadyLoad> {
  const producer = rawKafka(options.brokers).producer({ retry: { retries: 1_000, maxRetryTime: 500 } });
  await producer.connect();
  const loads = new Map<string, number>();
  const sent = new Map<string, number>();
  const stopping = new AbortController();
  let failures = 0;
  const report = async (startMs: number, endMs: number): Promise<void> => {
    const messages = [...loads].map(([workload, inFlight]) => ({
      key: workload,
      timestamp: String(endMs),
      value: JSON.stringify({
        schema: 'penstock.inference-load/1',
        workload,
        source: 'gateway/test',
        intervalStartMs: startMs,
        intervalEndMs: endMs,
        inFlight,
        requests: { arrived: 1 },
      }),
    }));
    if (messages.length === 0) return;
    await producer.send({ topic: options.topic, acks: -1, messages });
    for (const { key } of messages) sent.set(key, (sent.get(key) ?? 0) + 1);
  };
  const run = async (): Promise<void> => {
    let startMs = systemClock.nowMs() - REPORT_MS;
    while (!stopping.signal.aborted) {
      const endMs = systemClock.nowMs();
      if (endMs - startMs >= REPORT_MS) {
        await report(startMs, endMs).catch(() => failures++);
        startMs = endMs;
      }
      await systemClock.sleep(50, stopping.signal);
    }
  };
  const running = run();
  return {
    set: (workload, inFlight) => {
      if (inFlight === null) loads.delete(workload);
      else loads.set(workload, inFlight);
    },
    sent,
    failures: () => failures,
    stop: async () => {
      stopping.abort();
      await running;
      await producer.disconnect();
    },
  };
}

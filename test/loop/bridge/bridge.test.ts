import { describe, expect, test } from '@jest/globals';
import { INFERENCE_LOAD } from '../../../events/schema/inference-load.ts';
import type { InferenceLoad, QueueDepth } from '../../../events/schema/index.ts';
import { QUEUE_DEPTH } from '../../../events/schema/queue-depth.ts';
import { VirtualClock } from '../../../lib/base/clock.ts';
import { ConfigError, NotFoundError, TransientError } from '../../../lib/base/errors.ts';
import type { Logger } from '../../../lib/base/log.ts';
import { memoryMetrics } from '../../../lib/base/metrics.ts';
import type { ScalingPolicy } from '../../../lib/core/policy.ts';
import type { LoadSource } from '../../../lib/load-sources/contract.ts';
import { memoryLoadSource } from '../../../lib/load-sources/memory.ts';
import type { MemoryLoadSource } from '../../../lib/load-sources/memory.ts';
import { WAITING_MAX } from '../../../lib/loop/bridge/buffer.ts';
import { runBridge } from '../../../lib/loop/bridge/bridge.ts';
import { createMemoryPolicySource } from '../../../lib/policy-source/memory.ts';
import type { OutgoingRecord } from '../../../lib/stream/contract.ts';
import { runOnClock } from '../../support/run-on-clock.ts';

const policy = (name: string, spec: object = { bridge: {} }): unknown => ({
  apiVersion: 'penstock.dev/v1',
  kind: 'ScalingPolicy',
  metadata: { name },
  spec: { target: { name }, replicas: { max: 4 }, signals: [{ kind: 'inFlight', perReplica: 4 }], ...spec },
});

type Options = {
  readonly documents: readonly unknown[];
  readonly sourcesOf?: (policy: ScalingPolicy) => Promise<readonly LoadSource[]>;
  readonly send?: (records: readonly OutgoingRecord[]) => Promise<void>;
};

/** Runs a bridge whose sources are in memory, one per workload unless told otherwise. */
/** Refuses everything until it is back. */
function awayStream() {
  let isAway = true;
  return {
    send: async (): Promise<void> => {
      if (isAway) throw new TransientError('brokers are away');
    },
    comeBack: (): void => {
      isAway = false;
    },
  };
}

function start({ documents, ...options }: Options) {
  const clock = new VirtualClock();
  const metrics = memoryMetrics();
  const lines: { level: string; message: string; workload?: unknown }[] = [];
  const line = (level: string) => (message: string, fields?: object) => void lines.push({ level, message, ...fields });
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const policies = createMemoryPolicySource({ documents });
  const sources = new Map<string, MemoryLoadSource>();
  const sent: OutgoingRecord[] = [];
  const stopping = new AbortController();
  const sourcesOf = async ({ metadata: { name } }: ScalingPolicy): Promise<readonly LoadSource[]> => {
    const source = memoryLoadSource({ events: [loadOf(name, clock)], failures: [] });
    sources.set(name, source);
    return [source];
  };
  const running = runBridge(
    {
      clock,
      log,
      metrics,
      policies,
      producer: {
        send: async (records) => {
          await options.send?.(records);
          sent.push(...records);
        },
        close: async () => {},
      },
      topics: { inferenceLoad: 'load', queueDepth: 'depth' },
      scrapeEveryMs: 1_000,
      sourcesOf: options.sourcesOf ?? sourcesOf,
    },
    stopping.signal,
  );
  return {
    clock,
    metrics,
    lines,
    policies,
    sources,
    sent,
    running,
    said: (message: string) => lines.filter((one) => one.message === message),
    stop: async () => {
      stopping.abort();
      await runOnClock(clock, running);
    },
  };
}

const loadOf = (workload: string, clock: VirtualClock): InferenceLoad => ({
  schema: INFERENCE_LOAD,
  workload,
  source: `pod/${workload}`,
  intervalStartMs: clock.nowMs() - 1_000,
  intervalEndMs: clock.nowMs(),
  inFlight: 2,
});
const depthOf = (workload: string, clock: VirtualClock): QueueDepth => ({
  schema: QUEUE_DEPTH,
  workload,
  source: 'kafka/g/t',
  intervalStartMs: clock.nowMs() - 1_000,
  intervalEndMs: clock.nowMs(),
  depth: 5,
});

describe('runBridge', () => {
  test('measures each workload once a period and sends its events with the workload as key', async () => {
    const bridge = start({ documents: [policy('chat'), policy('batch')] });
    await bridge.clock.advance(10_000);
    await bridge.stop();
    for (const name of ['chat', 'batch']) {
      const records = bridge.sent.filter(({ key }) => key === name);
      expect(records.length).toBeGreaterThanOrEqual(9);
      expect(records.length).toBeLessThanOrEqual(11);
      expect(records[0]).toMatchObject({ topic: 'load' });
      expect(JSON.parse(String(records[0]?.value))).toMatchObject({ workload: name, inFlight: 2 });
    }
  });

  test('queue depths go to their own topic', async () => {
    const bridge = start({ documents: [policy('chat')] });
    await bridge.clock.advance(0);
    bridge.sources.get('chat')?.answer({ events: [depthOf('chat', bridge.clock)], failures: [] });
    await bridge.clock.advance(1_000);
    await bridge.stop();
    expect(bridge.sent.map(({ topic }) => topic)).toContain('depth');
  });

  test('workloads have their turns spread over the period', async () => {
    const turns: number[] = [];
    const names = Array.from({ length: 40 }, (_, at) => `w${at}`);
    const bridge = start({
      documents: names.map((name) => policy(name)),
      sourcesOf: async () => [
        {
          collect: async () => {
            turns.push(bridge.clock.monotonicMs() % 1_000);
            return { events: [], failures: [] };
          },
          close: async () => {},
        },
      ],
    });
    await bridge.clock.advance(999);
    expect(turns).toHaveLength(40);
    for (const quarter of [0, 250, 500, 750]) {
      expect(turns.filter((ms) => ms >= quarter && ms < quarter + 250).length).toBeGreaterThan(2);
    }
    await bridge.stop();
  });

  test('a source that hangs holds up nobody, and has one measurement at a time', async () => {
    let asked = 0;
    const released = new AbortController();
    const good = memoryLoadSource();
    const hung: LoadSource = {
      collect: () => {
        asked++;
        return new Promise((resolve) => {
          released.signal.addEventListener('abort', () => resolve({ events: [], failures: [] }));
        });
      },
      close: async () => released.abort(),
    };
    const bridge = start({
      documents: [policy('good'), policy('hung')],
      sourcesOf: async ({ metadata }) => [metadata.name === 'good' ? good : hung],
    });
    await bridge.clock.advance(5_000);
    expect(asked).toBe(1);
    expect(good.asked()).toBeGreaterThanOrEqual(5);
    await bridge.stop();
    expect(good.isClosed()).toBe(true);
  });

  test('workloads come, change and go while it runs', async () => {
    const bridge = start({ documents: [policy('old'), policy('same'), policy('changed')] });
    await bridge.clock.advance(1_000);
    const before = new Map(bridge.sources);
    bridge.policies.replace([policy('new'), policy('same'), policy('changed', { bridge: { port: 9_000 } })]);
    await bridge.clock.advance(6_000);
    expect(bridge.sources.get('new')?.asked()).toBeGreaterThan(0);
    expect(before.get('old')?.isClosed()).toBe(true);
    expect(before.get('changed')?.isClosed()).toBe(true);
    expect(bridge.sources.get('changed')).not.toBe(before.get('changed'));
    expect(bridge.sources.get('same')).toBe(before.get('same'));
    expect(before.get('same')?.isClosed()).toBe(false);
    await bridge.stop();
  });

  test('what a policy says about other things does not restart its measurement', async () => {
    const bridge = start({ documents: [policy('chat')] });
    await bridge.clock.advance(1_000);
    const before = bridge.sources.get('chat');
    bridge.policies.replace([policy('chat', { bridge: {}, replicas: { max: 9 } })]);
    await bridge.clock.advance(6_000);
    expect(bridge.sources.get('chat')).toBe(before);
    await bridge.stop();
  });

  test('a workload whose sources cannot be made is told once and tried again, the others run', async () => {
    let isBroken = true;
    const made: MemoryLoadSource[] = [];
    const bridge = start({
      documents: [policy('good'), policy('broken')],
      sourcesOf: async ({ metadata }) => {
        if (metadata.name === 'broken' && isBroken) throw new ConfigError('no such mapping');
        const source = memoryLoadSource();
        made.push(source);
        return [source];
      },
    });
    await bridge.clock.advance(16_000);
    expect(bridge.said('workload cannot be measured')).toMatchObject([
      { workload: 'broken', error: 'no such mapping' },
    ]);
    expect(made).toHaveLength(1);
    isBroken = false;
    await bridge.clock.advance(6_000);
    expect(made).toHaveLength(2);
    expect(made[1]?.asked()).toBeGreaterThan(0);
    await bridge.stop();
  });

  test('a bad new version of the policies is told once, the last good one stays', async () => {
    const bridge = start({ documents: [policy('chat')] });
    await bridge.clock.advance(1_000);
    bridge.policies.replace([{ kind: 'Nonsense' }]);
    await bridge.clock.advance(16_000);
    expect(bridge.sources.get('chat')?.isClosed()).toBe(false);
    expect(bridge.said('policies have problems, the last good version stays in force')).toHaveLength(1);
    await bridge.stop();
  });

  test('it rejects when there never was a good policy', async () => {
    const { running } = start({ documents: [{ kind: 'Nonsense' }] });
    await expect(running).rejects.toThrow(ConfigError);
  });

  test('a pod that fails is logged when it begins and when it ends, not each time', async () => {
    const bridge = start({ documents: [policy('chat')] });
    await bridge.clock.advance(1_000);
    bridge.sources.get('chat')?.answer({ events: [], failures: [{ source: 'pod/a', reason: 'timeout' }] });
    await bridge.clock.advance(10_000);
    bridge.sources.get('chat')?.answer({ events: [], failures: [] });
    await bridge.clock.advance(2_000);
    expect(bridge.said('load could not be measured')).toMatchObject([
      { workload: 'chat', count: 1, named: [{ source: 'pod/a', reason: 'timeout' }] },
    ]);
    expect(bridge.said('load sources came back or are gone')).toMatchObject([{ workload: 'chat', named: ['pod/a'] }]);
    expect(bridge.metrics.counter('bridge_source_failures_total')).toBeGreaterThan(5);
    await bridge.stop();
  });

  test('a source that throws is a failure, and is asked again', async () => {
    const bridge = start({ documents: [policy('chat')] });
    await bridge.clock.advance(0);
    bridge.sources.get('chat')?.answer(new Error('a defect'));
    await bridge.clock.advance(5_000);
    expect(bridge.said('load could not be measured')).toHaveLength(1);
    expect(bridge.sources.get('chat')?.asked()).toBeGreaterThan(3);
    await bridge.stop();
  });

  test('events wait while the stream is away, and are sent in their order when it is back', async () => {
    const stream = awayStream();
    const bridge = start({ documents: [policy('chat')], send: stream.send });
    await bridge.clock.advance(0);
    for (let at = 0; at < 5; at++) {
      bridge.sources.get('chat')?.answer({ events: [{ ...loadOf('chat', bridge.clock), inFlight: at }], failures: [] });
      await bridge.clock.advance(1_000);
    }
    expect(bridge.sent).toEqual([]);
    stream.comeBack();
    bridge.sources.get('chat')?.answer({ events: [], failures: [] });
    await bridge.clock.advance(2_000);
    expect(bridge.sent.map(({ value }) => (JSON.parse(String(value)) as { inFlight: number }).inFlight)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(bridge.said('load could not be sent, it waits')).toHaveLength(1);
    expect(bridge.said('load is sent again')).toHaveLength(1);
    await bridge.stop();
  });

  test('what waits is bounded: the oldest events are dropped and counted', async () => {
    const stream = awayStream();
    const bridge = start({ documents: [policy('chat')], send: stream.send });
    await bridge.clock.advance(0);
    const event = loadOf('chat', bridge.clock);
    const events = Array.from({ length: WAITING_MAX / 2 }, () => event);
    bridge.sources.get('chat')?.answer({ events, failures: [] });
    await bridge.clock.advance(4_000);
    bridge.sources.get('chat')?.answer({ events: [], failures: [] });
    const asked = bridge.sources.get('chat')?.asked() ?? 0;
    stream.comeBack();
    await bridge.clock.advance(2_000);
    expect(bridge.sent).toHaveLength(WAITING_MAX);
    expect(bridge.metrics.counter('bridge_events_dropped_total', { reason: 'full' })).toBe(
      (asked * WAITING_MAX) / 2 - WAITING_MAX,
    );
    await bridge.stop();
  });

  test('events that would be refused as too old are dropped', async () => {
    const stream = awayStream();
    const bridge = start({ documents: [policy('chat')], send: stream.send });
    await bridge.clock.advance(1_000);
    bridge.sources.get('chat')?.answer({ events: [], failures: [] });
    await bridge.clock.advance(850_000);
    stream.comeBack();
    await bridge.clock.advance(2_000);
    expect(bridge.sent).toEqual([]);
    expect(bridge.metrics.counter('bridge_events_dropped_total', { reason: 'old' })).toBeGreaterThan(0);
    await bridge.stop();
  });

  test('a topic that does not exist does not hold up the other', async () => {
    const bridge = start({
      documents: [policy('chat')],
      send: async ([record]) => {
        if (record?.topic === 'depth') throw new NotFoundError('no such topic');
      },
    });
    await bridge.clock.advance(0);
    const events = [depthOf('chat', bridge.clock), loadOf('chat', bridge.clock)];
    bridge.sources.get('chat')?.answer({ events, failures: [] });
    await bridge.clock.advance(3_000);
    expect(bridge.sent.length).toBeGreaterThan(1);
    expect(new Set(bridge.sent.map(({ topic }) => topic))).toEqual(new Set(['load']));
    await bridge.stop();
  });

  test('a stop sends what waits, and does not wait long for a stream that is away', async () => {
    let sends = 0;
    const bridge = start({
      documents: [policy('chat')],
      send: () => (++sends === 1 ? Promise.reject(new TransientError('a hiccup')) : Promise.resolve()),
    });
    await bridge.clock.advance(1_000);
    bridge.sources.get('chat')?.answer({ events: [], failures: [] });
    await bridge.stop();
    expect(bridge.sent.length).toBeGreaterThan(0);

    const hung = start({ documents: [policy('chat')], send: () => new Promise(() => {}) });
    await hung.clock.advance(1_000);
    const beforeMs = hung.clock.monotonicMs();
    await hung.stop();
    expect(hung.clock.monotonicMs() - beforeMs).toBeLessThanOrEqual(4_000);
  });
});
